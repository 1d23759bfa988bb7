"""What a reaction may be, and what adding does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.discussion.policy import LONGEST_EMOJI, MOST_EMOJIS, add, bring, is_emoji

emojis = st.lists(st.sampled_from([f":e{number}:" for number in range(14)]), max_size=20)


@pytest.mark.parametrize(
    "emoji",
    [
        "👍",
        "❤",
        "❤️",
        "👍🏽",
        "👩‍💻",
        "👩🏽‍🚀",
        "🏳️‍🌈",
        "🤷‍♂️",
        "👨‍👩‍👧‍👦",
        "🇨🇳",
        "1️⃣",
        "#️⃣",
        "*⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "©",
        "™️",
        "‼️",
        "⁉",
        "〰️",
        "➕",
        "♾️",
        "㊗️",
        "🫠",
        "\U0001fae9",
        "☺︎",
        ":+1:",
        ":party-parrot:",
        ":thumbsup::skin-tone-2:",
        ":学习:",
        ":ça_va:",
    ],
)
def test_emojis(emoji: str) -> None:
    assert is_emoji(emoji)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "1",
        "学",
        "👍👍",
        "👍 ",
        " ",
        "\n",
        "👍\n",
        "a👍",
        "👍🏽🏽",
        "🇨",
        "🇨🇳🇨🇳",
        "🇨\u200d🇳",
        "\u200d",
        "👍\u200d",
        "\u200d👍",
        "\ufe0f",
        "👍\x00",
        "👍\u202e",
        "<",
        "+",
        "$",
        "\ufffd",
        "1️",
        ":",
        "::",
        ":a b:",
        ":a/b:",
        ":a\x00b:",
        ":<script>:",
        ":a::skin-tone-9:",
        ":" + "a" * 39 + ":",
        "\u200d".join(["👍"] * 21),
    ],
)
def test_no_emojis(text: str) -> None:
    assert not is_emoji(text)


@given(st.text(max_size=LONGEST_EMOJI + 5))
def test_whatever_it_is_there_is_an_answer_and_nothing_invisible_passes(text: str) -> None:
    if is_emoji(text):
        assert 1 <= len(text) <= LONGEST_EMOJI
        assert not any(char.isspace() or ord(char) < 0x20 for char in text)


@given(emojis, emojis)
def test_adding(first: list[str], second: list[str]) -> None:
    before = add([], first)
    after = add(before.emojis, second)
    assert len(after.emojis) == len(set(after.emojis)) <= MOST_EMOJIS
    assert after.emojis[: len(before.emojis)] == before.emojis
    assert after.emojis == before.emojis + after.added
    assert set(after.added) | set(after.refused) | set(before.emojis) >= set(second)
    assert not set(after.refused) & set(after.emojis)
    assert add(after.emojis, second).added == []


@given(emojis, emojis)
def test_what_was_taken_back_is_not_brought_again(wanted: list[str], taken: list[str]) -> None:
    first = bring([], [], wanted)
    left = [emoji for emoji in first.emojis if emoji not in taken]
    again = bring(left, first.emojis, wanted)
    assert again.emojis == left + again.added
    assert not set(again.added) & set(first.emojis)
