"""Links are found however they are disguised, and judged by where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.moderation.detection.links import LinkRule, clean_host, find, links
from content.moderation.folding import plain


def hosts(text: str) -> list[tuple[str, bool]]:
    return [(link.host, link.honest) for link in links(text, plain(text))]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("see https://www.Example.com/x?y=1", "example.com"),
        ("去example点com看看", "example.com"),
        ("example[.]com", "example.com"),
        ("example (dot) com", "example.com"),
        ("example dot com", "example.com"),
        ("hxxps://user:p@evil.example:80/", "evil.example"),
        ("https://example.com@evil.com/", "evil.com"),
        ("//evil.com/x", "evil.com"),
        ("t.cn/abc", "t.cn"),
        ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("ex\u200bample.com", "example.com"),
        ("a.b.c.d.e.f.g.h.i.j.evil.com", "a.b.c.d.e.f.g.h.i.j.evil.com"),
        ("http://1.2.3.4/x", "1.2.3.4"),
        ("看看www.foo.bar吧", "foo.bar"),
        ("https://例子.中国/路", "例子.中国"),
        ("[click](https://evil.com)", "evil.com"),
    ],
)
def test_found(text: str, host: str) -> None:
    assert hosts(text) == [(host, True)]


@pytest.mark.parametrize(
    "text",
    [
        "node.js",
        "e.g. this",
        "3.14",
        "1.2.3.4",
        "今天。明天",
        "me@example.com",
        "3/4 a.b/c",
        "well...yes",
        "",
        "<@x> hi",
    ],
)
def test_not_links(text: str) -> None:
    assert hosts(text) == []


def test_a_host_of_look_alike_letters_is_not_what_it_seems() -> None:
    text = "ex\u0430mple.com"
    assert hosts(text) == [("example.com", False)]
    rule = LinkRule(only_allowed=True, allowed=frozenset(["example.com"]))
    assert find(text, plain(text), rule) == [(0, len(text))]
    honest = "https://shop.example.com/a example.com"
    assert find(honest, plain(honest), rule) == []


def test_rules() -> None:
    text = "https://a.evil.com x.bit.ly/1 good.com notevil.com"
    where = lambda rule: [text[slice(*span)] for span in find(text, plain(text), rule)]  # noqa: E731  short
    assert where(LinkRule(denied=frozenset(["evil.com"]), shorteners=False)) == ["a.evil.com"]
    assert where(LinkRule()) == ["x.bit.ly"]
    assert where(LinkRule(denied=frozenset(["evil.com"]), allowed=frozenset(["a.evil.com", "bit.ly"]))) == []
    assert where(LinkRule(only_allowed=True, allowed=frozenset(["good.com"]))) == [
        "a.evil.com",
        "x.bit.ly",
        "notevil.com",
    ]


@given(st.text(st.sampled_from("ab.点 dot[]()/:@h t p。1-"), max_size=80))
def test_spans_stand_in_the_text_and_apart(text: str) -> None:
    last = 0
    for link in links(text, plain(text)):
        start, end = link.span
        assert last <= start < end <= len(text)
        last = end


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("Example.COM.", "example.com"),
        ("www.example.com", "example.com"),
        ("https://example.com", None),
        ("example.com/x", None),
        ("example", None),
        ("a..b", None),
        ("", None),
        ("x" * 64 + ".com", None),
        ("例子.中国", "例子.中国"),
    ],
)
def test_host_names(name: str, host: str | None) -> None:
    assert clean_host(name) == host
