"""What hides in a text goes; what shapes what is seen stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.text import clean, clean_line

TRICKY = "\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2064\u2066\u2067\u2068\u2069\u206f\u3164"
TRICKY += "\ufe00\ufe0f\ufeff\uffa0\ufffb\U0001d173\U000e0001\U000e0061\U000e007f\U000e0100\u0301\u2028\r\n ab字😀🏴\u0627\u0915"


@given(st.text(alphabet=st.one_of(st.sampled_from(TRICKY), st.characters())))
def test_cleaning_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    line = clean_line(text)
    assert clean_line(line) == line


@given(st.text(alphabet=st.sampled_from(TRICKY)))
def test_nothing_is_added_or_moved(text: str) -> None:
    rest = iter(text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n"))
    assert all(char in rest for char in clean(text))


@pytest.mark.parametrize(
    "text",
    [
        "👩‍💻 👨‍👩‍👧 ❤️‍🔥 🏳️‍🌈 #️⃣ 1️⃣",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می‌خواهم",
        "क्‍ष",
        "葛\U000e0100城",
        "e\u0301a\u0308",
        "\u2067שלום\u2069 ok",
        "a\tb\nc",
    ],
)
def test_what_shapes_what_is_seen_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("加\u200b微\u200d信\ufeff", "加微信"),
        ("pay\u202egpj.exe", "paygpj.exe"),
        ("a\u00adb\u2060c\u3164d", "abcd"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("🏴\U000e0067\U000e0062", "🏴"),
        ("x\ufe0f\ufe0f\ufe0f", "x\ufe0f"),
        ("\ufe0fx", "x"),
        (" \u200d\ufe0f", " "),
        ("a\u2028b\u2029c\r\nd\re", "a\nb\nc\nd\ne"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 8),
    ],
)
def test_what_hides_goes(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_a_line_keeps_its_direction_to_itself() -> None:
    assert clean_line("\u2067a\u200eb\u2069") == "ab"
