"""Finding in a text: decisions over plain values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.search.policy import SNIPPET, Range, find, fold, snippet, terms


@given(st.text())
def test_folding_keeps_every_place(said: str) -> None:
    assert len(fold(said)) == len(said)
    assert fold(fold(said)) == fold(said)


@given(st.text(st.sampled_from("aAbΣσςİıßÄΟΔ 单Ａ")))
def test_a_letter_is_folded_whatever_stands_around_it(said: str) -> None:
    assert fold(said) == "".join(map(fold, said))


@pytest.mark.parametrize(
    ("said", "query", "found"),
    [
        ("今天的单词", "单词", ["单词"]),
        ("今天的单词", "词", ["词"]),
        ("Serendipity is serene", "SER", ["Ser", "ser"]),
        ("start the art", "art", ["art"]),
        ("ＡＢＣ１２３ 课程", "abc", ["ＡＢＣ"]),
        ("满100减50", "100减", ["100减"]),
        (r"100%_\ off", r"%_\ ".strip(), [r"%_" + "\\"]),
        ("好好学习", "好 学习", ["好好学习"]),
        ("nothing", "x", []),
        ("<@0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10> b7", "b7", ["b7"]),
    ],
)
def test_where(said: str, query: str, found: list[str]) -> None:
    assert [said[one.start : one.end] for one in find(said, terms(query))] == found


@given(st.text(min_size=1), st.data())
def test_what_stands_in_a_text_of_signs_is_found(said: str, data: st.DataObject) -> None:
    chinese = "".join(chr(0x4E00 + ord(letter) % 5000) for letter in said)
    start = data.draw(st.integers(0, len(chinese) - 1))
    end = data.draw(st.integers(start + 1, len(chinese)))
    assert any(one.start <= start and end <= one.end for one in find(chinese, [chinese[start:end]]))


@given(st.text(max_size=400), st.text(min_size=1, max_size=3))
def test_a_snippet_shows_a_hit_and_ranges_stay_inside(said: str, query: str) -> None:
    wanted = terms(query)
    part = snippet(said, wanted)
    assert len(part.text) <= SNIPPET + 2
    for one in part.ranges:
        assert 0 <= one.start < one.end <= len(part.text)
    assert bool(part.ranges) == bool(find(said, wanted))


def test_a_snippet_around_the_first_hit() -> None:
    part = snippet("前" * 300 + "单词" + "后" * 300, ["单词"])
    assert part.text.startswith("…")
    assert part.text.endswith("…")
    assert [part.text[one.start : one.end] for one in part.ranges] == ["单词"]
    assert snippet("short", ["x"]).ranges == []
    assert find("ab", ["ab"]) == [Range(0, 2)]
