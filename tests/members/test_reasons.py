"""Reasons are told in the reader's language."""

import pytest

from members import reasons


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
