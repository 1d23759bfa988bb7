"""Words are seen through the tricks by which they are written, and found where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.moderation import folding
from content.moderation.detection.words import WordList, empty_words

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("aAbB1２ｃ аоѵ加微信臺灣。.!?-_ \n\t\u200b\u202e\u00ad\u0301ﬁ㎏①ⓥ𝓗🌟\ufe0f\u20e3한ー"),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=80,
)


@pytest.mark.parametrize(
    ("text", "compact", "plain"),
    [
        ("加 微 信", "加微信", "加 微 信"),
        ("加\u200b微\u2060信", "加微信", "加微信"),
        ("加🌟微🌟信", "加微信", "加🌟微🌟信"),
        ("加。微。信", "加微信", "加。微。信"),
        ("增加。微信里", "增加 微信里", "增加。微信里"),
        ("ＡＢＣ　ｄｅｆ", " abc def ", "abc def"),
        ("V\u0456agra", " viagra ", "viagra"),
        ("v i a g r a now", " viagra now ", "v i a g r a now"),
        ("v.i.a.g.r.a", " viagra ", "v.i.a.g.r.a"),
        ("don\u00adkey w\u200bord", " donkey word ", "donkey word"),
        ("臺灣後面", "台湾后面", "台湾后面"),
        ("1️⃣3️⃣8", " 138 ", "138"),
        ("ﬁne ㎏ ①②", " fine kg 12 ", "fine kg 12"),
        ("é e\u0301 É", " eee ", "e e e"),
        ("𝓗𝓮𝓵𝓵𝓸 ⓦⓞⓡⓛⓓ", " hello world ", "hello world"),
        ("加vx我", "加 vx 我", "加vx我"),
        ("vx123", " vx 123 ", "vx123"),
        ("한국어", "한국어", "한국어"),
        ("\u202eabc\u202c", " abc ", "abc"),
        ("…!?", "", "…!?"),
        ("", "", ""),
    ],
)
def test_forms(text: str, compact: str, plain: str) -> None:
    assert folding.compact(text).text == compact
    assert folding.plain(text).text.replace("...", "…") == plain


@given(HOSTILE)
def test_every_stretch_of_a_form_stands_in_the_text(text: str) -> None:
    for form in (folding.plain(text), folding.compact(text)):
        last = 0
        for place in range(len(form.text)):
            if form.text[place] == folding.BOUNDARY:
                continue
            start, end = form.span(place, place + 1)
            assert 0 <= start < end <= len(text)
            assert start >= last - 1
            last = start
        if form.text.strip(folding.BOUNDARY):
            assert form.span(0, len(form.text))[1] == form.span(len(form.text) - 1, len(form.text))[1]


@given(HOSTILE)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    plain = folding.plain(text).text
    assert folding.compact(plain).text == folding.compact(text).text or folding.plain(plain).text != plain


@given(st.text(st.sampled_from("ab1Z .,-\n!'"), max_size=60))
def test_the_short_way_for_english_leads_to_the_same(text: str) -> None:
    short, long = folding.compact(text), folding._compacted(folding._seen(folding._codes(text)))
    assert short.text == long.text
    for start in range(len(short.text)):
        for end in range(start + 2, len(short.text) + 1):
            assert short.span(start, end) == long.span(start, end)


@given(st.text(st.sampled_from("加微信赌博abc xyz"), min_size=1, max_size=12), HOSTILE, HOSTILE)
def test_a_word_is_found_between_any_others(word: str, before: str, after: str) -> None:
    if empty_words([word]):
        return
    text = f"{before}。\n开头结尾 {word} 开头结尾\n。{after}"
    spans = WordList([word]).find(folding.compact(text), most=1000)
    place = len(before) + 7
    assert any(start < place + len(word) and end > place for start, end in spans)


@given(st.lists(HOSTILE.filter(lambda text: "\U0010ffff" not in text), max_size=20))
def test_words_are_folded_together_as_they_are_alone(words: list[str]) -> None:
    assert folding.compact_words(words) == [folding.compact(word).text for word in words]


def found(words: WordList, text: str) -> list[str]:
    return [text[start:end] for start, end in words.find(folding.compact(text))]


def test_words_end_where_words_end() -> None:
    words = WordList(["ass", "vx", "bad word", "微信"])
    assert found(words, "was slow, class, assume") == []
    assert found(words, "You ass!") == ["ass"]
    assert found(words, "加vx123，VX：") == ["vx", "VX"]
    assert found(words, "bad\u00a0 WORD, b-a-d w.o.r.d") == ["bad\u00a0 WORD", "b-a-d w.o.r.d"]
    assert found(words, "我的微信号") == ["微信"]
    assert found(WordList(["ass"], whole_words=False), "class") == ["ass"]


def test_exceptions_swallow_what_they_contain() -> None:
    words = WordList(["加微信", "赌"], ["更加微信任", "打赌"])
    assert found(words, "我们更加微信任你,打赌吗") == []
    assert found(words, "加微信,赌") == ["加微信", "赌"]
    latin = WordList(["apple", "evil"], ["bad apple"])
    assert found(latin, "bad apple bad apple evil bad apple apple evil evil") == ["evil", "apple", "evil", "evil"]


def test_patterns_are_words() -> None:
    hostile = WordList(["(a+)+$", "a{1,9}", ".*"])
    assert found(hostile, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!") == []
    assert found(hostile, "x a1 9") == []
    assert empty_words(["(a+)+$", "...", "\u200b", "赌", ".*"]) == [1, 2, 4]


def test_only_so_many_places_are_told() -> None:
    assert len(WordList(["赌"]).find(folding.compact("赌" * 5000))) == 20
