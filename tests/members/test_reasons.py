"""Reasons are told in the reader's language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members import reasons


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN,en;q=0.5", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("fr, de", "en"),
        ("zh;q=0", "en"),
        ("zh;q=nan, zh;q=x, en", "en"),
        ("zh;q=9", "en"),
    ],
)
def test_the_language_that_the_reader_prefers(header: str | None, language: str) -> None:
    assert reasons.preferred(header) == language


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header: str) -> None:
    assert reasons.preferred(header) in reasons.LANGUAGES


def test_what_operators_wrote_is_chosen_by_language() -> None:
    texts = {"fr": "non", "zh-Hant": "否", "en": "no"}
    assert [reasons.choose(texts, language) for language in ("zh", "en")] == ["否", "no"]
    assert reasons.choose({"fr": "non"}, "zh") == "non"
    assert reasons.choose({}, "zh") is None


def test_a_code_has_one_wording_in_every_language() -> None:
    reasons.register({"test-only": {"zh": "差{missing}分", "en": "{missing} short"}})
    assert reasons.render(reasons.Reason("test-only", {"missing": 2}), "zh") == "差2分"
    assert reasons.render(reasons.Reason("test-only"), "fr") == "– short"
    assert reasons.render(reasons.Reason("never-registered"), "en") == "never-registered"
    with pytest.raises(ValueError, match="already"):
        reasons.register({"test-only": {"zh": "x", "en": "y"}})
    with pytest.raises(ValueError, match="zh"):
        reasons.register({"half": {"en": "y"}})
