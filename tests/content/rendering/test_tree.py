"""Markdown as nodes and HTML: safe whatever was written, and the same each time."""

import time
from html.parser import HTMLParser
from uuid import UUID

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.rendering import links
from content.rendering.html import to_html
from content.rendering.texts import render, render_now
from content.rendering.tree import ITEM_COST, MOST_BRACKETS, MOST_MARKUP, Node, parse
from content.text import clean

ACCOUNT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
UPLOAD = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11"
VOID = {"br", "hr", "img"}
TAGS = {
    *("p", "blockquote", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "a", "code", "pre"),
    *("span", "table", "tbody", "tr", "th", "td", *VOID),
}
ATTRIBUTES = {
    **{tag: {"dir"} for tag in ("p", "blockquote", "li", "h1", "h2", "h3", "h4", "h5", "h6")},
    "a": {"href", "rel"},
    "ol": {"start"},
    "code": {"data-language"},
    "span": {"data-mention"},
    "img": {"data-media", "alt"},
    "th": {"dir", "align"},
    "td": {"dir", "align"},
}

# Our own corpus of what is tried on renderers: each line is one attempt.
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](%6aavascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/v1/sessions)",
    "[x](https://bank.example@evil.example/)",
    "[x](https://user:pw@evil.example/)",
    "[x](http://)",
    "[x](http://a.example:99999/)",
    "[x](https://a.example/\u202egpj.exe)",
    '[x](https://a.example/"onmouseover="alert(1))',
    "[x](https://a.example/'onmouseover='alert(1))",
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    "<javascript:alert(1)>",
    "<https://a.example/?<script>>",
    "![x](javascript:alert(1))",
    '![" onerror="alert(1)](https://a.example/x.png)',
    f'![" onerror="alert(1)](media:{UPLOAD})',
    "![x](https://tracker.example/pixel.gif)",
    "![x](media:../../etc/passwd)",
    "[![x](https://a.example/i.png)](https://b.example)",
    "[[x](https://a.example)](https://b.example)",
    "[x]: javascript:alert(1)\n\n[x]",
    "[x]: https://a.example 'title\" onclick=1'\n\n[x]",
    '```"><script>alert(1)</script>\nx\n```',
    "~~~ js onload=alert(1)\n</code></pre><script>1</script>\n~~~",
    "`</code><script>alert(1)</script>`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "&#x202e;&#8203;&#0;&#xD800;",
    f'<@{ACCOUNT}"onclick=1>',
    f"<@{ACCOUNT}>",
    "<!-- --><script>1</script>",
    "<![CDATA[<script>1</script>]]>",
    "<?php echo 1 ?>",
    "</p></div><script>1</script>",
    "| a |\n|-|\n| <script>1</script> |",
    "| a |\n|:-:|\n| [x](javascript:1) |",
    "99999999999. x",
    "999999999. x",
    "<style>@import 'https://evil.example'</style>",
    "<math><mtext></p><style><img src=x onerror=alert(1)>",
    "\x7f\x85<b\x00>",
]


class Shape(HTMLParser):
    """Reads HTML, and refuses whatever is not on the list or not closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.events: list[tuple[object, ...]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        assert set(names) <= ATTRIBUTES.get(tag, set())
        self.events.append((tag, tuple(sorted(attrs, key=str))))
        if tag == "a":
            assert "a" not in self.open
            href = dict(attrs)["href"]
            assert href is not None
            assert links.safe(href) == href
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.events.append(("/", tag))

    def handle_data(self, data: str) -> None:
        self.events.append(("text", data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def shape(html: str) -> list[tuple[object, ...]]:
    reader = Shape()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    merged: list[tuple[object, ...]] = []
    for event in reader.events:
        if event[0] == "text" and merged and merged[-1][0] == "text":
            merged[-1] = ("text", str(merged[-1][1]) + str(event[1]))
        else:
            merged.append(event)
    return merged


def purged(html: str) -> str:
    """Return HTML as a browser's parser and a sanitiser that is not ours leave it."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=set(links.SCHEMES),
        link_rel=None,
        clean_content_tags={"script", "style"},
    )


def check(body: str) -> None:
    rendered = render_now(body)
    assert render_now(body) == rendered
    assert shape(purged(rendered.html)) == shape(rendered.html)
    for text in texts(rendered.tree):
        assert clean(text) == text


def texts(nodes: list[Node]) -> list[str]:
    found = [node[name] for node in nodes for name in ("text", "alt", "language") if node.get(name)]
    return found + [text for node in nodes for text in texts(node.get("children", []))]


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize("around", ["{}", "> {}", "- {}", "# {}", "**{}**", "a {} b", "[{}](https://a.example)"])
def test_hostile_markdown_is_harmless(body: str, around: str) -> None:
    check(around.format(body))


PIECES = st.sampled_from(
    [*HOSTILE, *"*_~`[]()<>|&\\#-+.!:=1 \n\t\"'/a字", "\n\n", "    ", "- ", "> ", "1. ", "http://", "https://a.example"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_whatever_is_written_is_harmless_and_renders_the_same_each_time(body: str) -> None:
    check(clean(body.replace("\x00", "")))


def kinds(body: str) -> list[str]:
    def walk(nodes: list[Node]) -> list[str]:
        return [kind for node in nodes for kind in (node["type"], *walk(node.get("children", [])))]

    return walk(parse(body).nodes)


def test_nodes() -> None:
    body = f"""# Words *today*

今天 <@{ACCOUNT}>, read <https://a.example/1> and https://b.example/路。
~~old~~ **new** `code` ![photo](media:{UPLOAD})

3. three
   - inner

> quote

```python
x = 1
```

| a | b |
|:--|---|
| 1 | 2 |

---
"""
    tree = parse(body)
    assert tree.mentions == [UUID(ACCOUNT)]
    assert tree.media == [UUID(UPLOAD)]
    heading, paragraph, numbered, quote, code, table, rule = tree.nodes
    assert heading == {
        "type": "heading",
        "level": 1,
        "children": [
            {"type": "text", "text": "Words "},
            {"type": "emphasis", "children": [{"type": "text", "text": "today"}]},
        ],
    }
    assert [node["type"] for node in paragraph["children"]] == [
        *("text", "mention", "text", "link", "text", "link", "text", "break"),
        *("strike", "text", "strong", "text", "code", "text", "image"),
    ]
    assert paragraph["children"][5]["href"] == "https://b.example/"
    assert (numbered["ordered"], numbered["start"]) == (True, 3)
    assert numbered["children"][0]["children"][1]["ordered"] is False
    assert quote["type"] == "quote"
    assert code == {"type": "code_block", "language": "python", "text": "x = 1\n"}
    assert [cell["align"] for cell in table["children"][0]["children"]] == ["left", None]
    assert [cell["header"] for row in table["children"] for cell in row["children"]] == [True, True, False, False]
    assert rule == {"type": "rule"}


def test_html() -> None:
    assert to_html(parse(f"Hi <@{ACCOUNT}> & <b>\n[x](https://a.example/?a=1&b=2)").nodes) == (
        f'<p dir="auto">Hi <span data-mention="{ACCOUNT}">@</span> &amp; &lt;b&gt;<br>'
        '<a href="https://a.example/?a=1&amp;b=2" rel="nofollow ugc noopener noreferrer">x</a></p>'
    )


def test_code_mentions_nobody() -> None:
    tree = parse(f"`<@{ACCOUNT}>` \\<@{ACCOUNT}>\n\n    <@{ACCOUNT}>")
    assert tree.mentions == []


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("看https://a.example/x。好", ["https://a.example/x"]),
        ("(https://a.example/b_(c)), https://a.example/d).", ["https://a.example/b_(c)", "https://a.example/d"]),
        ("https://u:p@a.example https:// http://x", ["http://x"]),
        ("https://a.example/?q=1&r=2!", ["https://a.example/?q=1&r=2"]),
        ("xhttps://a.example ftp://a.example", []),
    ],
)
def test_addresses_in_plain_text(text: str, addresses: list[str]) -> None:
    pieces = links.split(text)
    assert [address for _, address in pieces if address] == addresses
    assert "".join(piece for piece, _ in pieces) == text


@pytest.mark.parametrize(
    "body",
    [
        "> " * 60 + "x",
        "- " * 60 + "x",
        "*a **b " * 40 + "x" + "** c*" * 40,
        "[" * (MOST_BRACKETS + 1),
        "*a " * (MOST_MARKUP + 1),
    ],
)
def test_what_nests_without_end_is_shown_as_it_is(body: str) -> None:
    tree = parse(body)
    assert tree.plain
    assert tree.nodes == [{"type": "paragraph", "children": [{"type": "text", "text": body}]}]
    check(body)


def test_items_count_for_what_they_cost() -> None:
    most = MOST_MARKUP // (ITEM_COST + 1)
    assert not parse("- a\n" * most).plain
    for item in ("- a\n", "2) a\n", "# a\n"):
        assert parse(item * (most + 1)).plain


LONGEST = 100_000
SLOW = {
    "brackets": "[" * MOST_BRACKETS,
    "images": "![" * MOST_BRACKETS,
    "links": "[a](" * MOST_BRACKETS,
    "emphasis": "*a_b" * (MOST_MARKUP // 2),
    "ends": "a***" * (MOST_MARKUP // 3),
    "table": "|a|b|\n|-|-|\n" + "|x|y|\n" * (MOST_MARKUP // 4 - 5),
    "items": "- a\n  1. b\n" * (MOST_MARKUP // (ITEM_COST + 1) // 2),
    "lazy": "> a\n" * 10 + "b\n" * (MOST_MARKUP - 100),
    "address": "http://a" + ")" * LONGEST,
    "ticks": "".join("`" * (size % 300 + 1) + " " for size in range(130)),
    "entities": "&a" * MOST_MARKUP,
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_takes_the_parser_long(name: str) -> None:
    body = SLOW[name][:LONGEST].ljust(LONGEST, "a")
    before = time.process_time()
    assert not parse(body).plain
    assert time.process_time() - before < 8


async def test_a_long_text_is_the_same_beside_the_loop() -> None:
    body = "今天 *good* https://a.example/x\n\n" * 1000
    assert await render(body) == render_now(body)
