from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.discussion.policy import is_emoji
from hearth.slack.emoji import EMOJI
from hearth.slack.text import clean, emoji_of, markdown_of, micros_of, one_line, rfc3339, time_of, ts_of

ACCOUNT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
PEOPLE = {"U123": ACCOUNT, "W9": ACCOUNT}


def converted(text: str) -> str:
    return markdown_of(text, PEOPLE.get, {"C1": "general"})


def test_a_ts_is_exact_to_the_microsecond() -> None:
    assert time_of(micros_of("1514720290.000028") or 0) == datetime(2017, 12, 31, 11, 38, 10, 28, tzinfo=UTC)
    # as a float this would be ...099999
    assert rfc3339(time_of(micros_of("1709510399.100001") or 0)) == "2024-03-03T23:59:59.100001Z"


@given(st.integers(1, 9_999_999_999_999_999))
def test_a_ts_survives_the_way_there_and_back(micros: int) -> None:
    assert micros_of(ts_of(micros)) == micros
    moment = time_of(min(micros, 250_000_000_000_000_000))
    assert datetime.fromisoformat(rfc3339(moment)) == moment


@given(st.integers(0, 9_999_999_999), st.text("0123456789", min_size=1, max_size=6))
def test_a_shorter_fraction_is_still_a_fraction(seconds: int, fraction: str) -> None:
    assert (micros_of(f"{seconds}.{fraction}") or 0) == seconds * 1_000_000 + int(fraction.ljust(6, "0"))


@pytest.mark.parametrize(
    "ts",
    [
        None,
        1.5,
        15,
        True,
        [],
        {},
        "",
        "yesterday",
        "-1.0",
        "1e5",
        " 1.0",
        "1.0\n",
        "1.",
        ".5",
        "1.0000000",
        "12345678901.0",
        "１.0",
        "0.000000",
        "nan",
    ],
)
def test_what_is_no_ts_is_none(ts: object) -> None:
    assert micros_of(ts) is None


@given(st.from_type(object) | st.text())
def test_no_ts_raises(ts: object) -> None:
    assert micros_of(ts) is None or isinstance(ts, str)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("hi <@U123>", f"hi <@{ACCOUNT}>"),
        ("hi <@U123|bob>!", f"hi <@{ACCOUNT}>!"),
        ("hi <@W9><@U404>", f"hi <@{ACCOUNT}>@unknown"),
        ("<!here> <!channel> <!everyone> <!here|here>", "@here @channel @everyone @here"),
        ("<!subteam^S1|@ops> <!subteam^S2> <!date^1^{date}|Monday> <!weird>", "@ops @group Monday @weird"),
        ("<#C1|general> <#C1> <#C404> <#C5|other>", "#general #general #unknown #other"),
        ("<http://x.org|the x>", "[the x](http://x.org)"),
        ("<https://x.org?a=1&amp;b=2>", "<https://x.org?a=1&b=2>"),
        ("<https://x.org|https://x.org>", "<https://x.org>"),
        ("<https://x.org/a_(b)|a [b]>", "[a \\[b\\]](<https://x.org/a_(b)>)"),
        ("<mailto:a@x.org|a@x.org>", "[a@x.org](mailto:a@x.org)"),
        ("<javascript:alert(1)|click> <javascript:alert(1)>", "click javascript:alert(1)"),
        ("<http://x/&lt;b&gt;|x>", "[x](http://x/%3Cb%3E)"),
        ("a &lt;b&gt; &amp;amp; &amp;lt; c", "a <b> &amp; &lt; c"),
        ("`<http://x.org>` and ```<http://x.org|x.org>\n&lt;br&gt;```", "`http://x.org` and ```http://x.org\n<br>```"),
        ("`<@U123>` *bold* _it_ ~s~", f"`<@{ACCOUNT}>` *bold* _it_ ~s~"),
        ("a < b > c <> <\n>", "a < b > c <> <\n>"),
        ("<plain words>", "<plain words>"),
        ("  \n ", ""),
        ("one\r\ntwo\rthree\x00\x07\x1b", "one\ntwo\nthree"),
        ("half \ud800 a character", "half \ufffd a character"),
        # what somebody typed to look like a mention, in one piece or put together, mentions nobody
        (f"&lt;@{ACCOUNT}&gt;", f"&lt;@{ACCOUNT}>"),
        (f"&lt;<!x|@{ACCOUNT}>&gt;", f"&lt;@{ACCOUNT}>"),
        (f"<x|<@{ACCOUNT}>", "<x|@unknown"),
        ("\x01@U123>", "@U123>"),
    ],
)
def test_slack_text_as_markdown(text: str, markdown: str) -> None:
    assert converted(text) == markdown


TEXT = st.text() | st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "@",
            "|",
            "U123",
            "&lt;",
            "&gt;",
            "&amp;",
            "`",
            "```",
            "\n",
            "!here",
            "#C1",
            "http://x",
            ACCOUNT,
            "a",
            "\x01",
        ]
    )
).map("".join)


@given(TEXT)
def test_whatever_comes_the_result_can_be_stored_and_mentions_only_who_was_mentioned(text: str) -> None:
    result = converted(text)
    assert result == result.strip()
    result.encode()
    assert not [char for char in result if unicodedata.category(char) == "Cc" and char not in "\n\t"]
    mentions = re.findall(r"<@([0-9a-f-]{36})>", result)
    assert len(mentions) <= text.count("<@U123") + len(re.findall("<\\W*@\\W*U123", text))


@given(st.text(st.characters(blacklist_characters="<>&`", blacklist_categories=("Cc", "Cs"))))
def test_plain_words_stay_as_they_are(text: str) -> None:
    escaped = text.strip()
    assert converted(escaped) == escaped


@given(st.text(st.characters(blacklist_characters="`", blacklist_categories=("Cc", "Cs"))))
def test_escaping_is_undone_exactly_once(text: str) -> None:
    text = text.strip()
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert converted(escaped) == text


@given(st.text())
def test_names_are_one_clean_line(text: str) -> None:
    line = one_line(text, 80)
    assert len(line) <= 80
    assert line == line.strip()
    assert not [char for char in line if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]
    assert "\u202e" not in line


def test_emoji_names() -> None:
    assert emoji_of("+1") == emoji_of("thumbsup") == emoji_of("+1::skin-tone-4") == "👍"
    assert emoji_of("party-parrot") == ":party-parrot:"
    assert emoji_of("自定义") == ":自定义:"
    assert emoji_of("") is emoji_of("a b") is emoji_of("a:b") is emoji_of("x" * 101) is emoji_of("a\nb") is None
    assert emoji_of("x" * 100) == f":{'x' * 38}:"
    assert len(EMOJI) > 300
    assert [emoji for emoji in EMOJI.values() if not is_emoji(emoji)] == [], "content takes every one of them"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
