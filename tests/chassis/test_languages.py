"""Who reads is told in the language that they prefer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import languages


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
    assert languages.preferred(header) == language


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header: str) -> None:
    assert languages.preferred(header) in languages.LANGUAGES
