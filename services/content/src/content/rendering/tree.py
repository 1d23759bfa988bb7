"""Markdown to a tree of nodes: CommonMark with tables and strikethrough, without raw HTML; a mention is `<@ACCOUNT_ID>`.

markdown-it-py parses: it follows CommonMark to the letter, is plain Python, and gives tokens, so that what is shown is built here from a
closed set of nodes. HTML is never taken over and then cleaned: it is not taken at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from content.rendering import links
from content.text import MENTION, clean

Node = dict[str, Any]
VERSION = 1
"""Of the renderer: what was rendered by an older one is rendered anew."""
MOST_NESTING = 24
"""Levels of quotes, lists and emphasis within one another."""
MOST_MARKUP = 20_000
"""Characters of markup and lines: each costs the parser some 25 µs."""
MOST_BRACKETS = 2_000
"""Opening brackets: each costs the parser a look at the whole rest."""
_MARKUP = re.compile(r"[*_~`\[\]<>|&\\\n]")
_ITEM = re.compile(r"(?:[-+*#]|[0-9][.)])[ \t]")
ITEM_COST = 2
"""What a mark of a list's item or of a heading costs the parser more than a character of markup does."""

_CONTAINERS = {
    "paragraph": "paragraph",
    "blockquote": "quote",
    "bullet_list": "list",
    "ordered_list": "list",
    "list_item": "item",
    "strong": "strong",
    "em": "emphasis",
    "s": "strike",
    "heading": "heading",
    "link": "link",
    "table": "table",
    "tr": "row",
    "td": "cell",
    "th": "cell",
}
_TRANSPARENT = {"thead", "tbody"}


@dataclass(frozen=True, slots=True)
class Tree:
    """A text as nodes, whom it mentions and which uploads it shows. `plain`: it nests too deep or is nearly all markup, and is shown as it is."""

    nodes: list[Node]
    mentions: list[UUID]
    media: list[UUID]
    plain: bool = False


def _mention(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    """Parse `<@ACCOUNT_ID>`."""
    if not state.src.startswith("<@", state.pos):
        return False
    found = MENTION.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("mention", "", 0).content = found[1].lower()
    state.pos = found.end()
    return True


def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark", {"html": False, "maxNesting": MOST_NESTING, "linkify": False, "typographer": False}
    ).enable(["table", "strikethrough"])
    parser.inline.ruler.before("autolink", "mention", _mention)
    # Judged when the tree is built: a link that is not safe leaves its words.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005  markdown-it's signature
    return parser


_PARSER = _parser()


def parse(body: str) -> Tree:
    """Return the tree of a text, whatever the text is. The same text gives the same tree."""
    cost = len(_MARKUP.findall(body)) + ITEM_COST * len(_ITEM.findall(body))
    if body.count("[") > MOST_BRACKETS or cost > MOST_MARKUP:
        return Tree(_plain(body), [], [], plain=True)
    tokens = _PARSER.parse(body)
    if any(_deepest(token) >= MOST_NESTING - 1 for token in tokens):
        return Tree(_plain(body), [], [], plain=True)
    mentions: dict[UUID, None] = {}
    media: dict[UUID, None] = {}
    nodes = _build(tokens, mentions, media)
    return Tree(nodes, list(mentions), list(media))


def _deepest(token: Token) -> int:
    return token.level + max((child.level for child in token.children or ()), default=0)


def _plain(body: str) -> list[Node]:
    """Return a text as it was written, line by line."""
    children: list[Node] = []
    for line in body.split("\n"):
        if children:
            children.append({"type": "break"})
        if line:
            children.append({"type": "text", "text": clean(line)})
    return [{"type": "paragraph", "children": children}]


def _build(tokens: Sequence[Token], mentions: dict[UUID, None], media: dict[UUID, None]) -> list[Node]:
    root: list[Node] = []
    stack: list[list[Node]] = [root]
    for token in tokens:
        here = stack[-1]
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type == "inline":
            here.extend(_merged(_build(token.children or (), mentions, media)))
        elif name in _TRANSPARENT:
            continue
        elif name in _CONTAINERS and token.nesting == 1:
            node = _container(name, token)
            children: list[Node] = []
            if node is None:
                stack.append(here)
                continue
            node["children"] = children
            here.append(node)
            stack.append(children)
        elif name in _CONTAINERS and token.nesting == -1:
            closed = stack.pop()
            if name == "link" and closed is not stack[-1]:
                _unnest(closed)
        else:
            node = _leaf(token, mentions, media)
            if node is not None:
                here.append(node)
    return root


def _container(name: str, token: Token) -> Node | None:
    """Return the node that a token opens; None for a link that is none."""
    node: Node = {"type": _CONTAINERS[name]}
    if name == "heading":
        node["level"] = int(token.tag[1:])
    elif name == "ordered_list":
        node |= {"ordered": True, "start": int(token.attrGet("start") or 1)}
    elif name == "bullet_list":
        node["ordered"] = False
    elif name in {"td", "th"}:
        align = str(token.attrGet("style") or "").rpartition(":")[2]
        node |= {"header": name == "th", "align": align or None}
    elif name == "link":
        href = links.safe(str(token.attrGet("href") or ""))
        if href is None:
            return None
        node["href"] = href
    return node


def _leaf(  # noqa: PLR0911  one per kind
    token: Token, mentions: dict[UUID, None], media: dict[UUID, None]
) -> Node | None:
    match token.type:
        case "text" | "text_special":
            return {"type": "text", "text": clean(token.content)} if token.content else None
        case "softbreak" | "hardbreak":
            return {"type": "break"}
        case "code_inline":
            return {"type": "code", "text": clean(token.content)}
        case "fence" | "code_block":
            language = token.info.split(maxsplit=1)[0][:40] if token.info.strip() else None
            return {"type": "code_block", "language": language and clean(language), "text": clean(token.content)}
        case "hr":
            return {"type": "rule"}
        case "mention":
            account = UUID(token.content)
            mentions[account] = None
            return {"type": "mention", "account_id": str(account)}
        case "image":
            return _image(token, media)
    raise AssertionError(f"markdown-it gave a {token.type}")


def _image(token: Token, media: dict[UUID, None]) -> Node:
    """Return an upload as an image; an image from elsewhere as a link to it, or as its words."""
    words = clean(token.content).strip()
    source = str(token.attrGet("src") or "")
    upload = links.media_of(source)
    if upload is not None:
        media[UUID(upload)] = None
        return {"type": "image", "media_id": upload, "alt": words}
    href = links.safe(source)
    shown = {"type": "text", "text": words or href or ""}
    return {"type": "link", "href": href, "children": [shown]} if href else shown


def _merged(nodes: list[Node]) -> list[Node]:
    """Return inline nodes with neighbouring texts as one, and the addresses in them as links, except within links."""
    merged: list[Node] = []
    for node in nodes:
        if node["type"] == "text" and merged and merged[-1]["type"] == "text":
            merged[-1] = {"type": "text", "text": merged[-1]["text"] + node["text"]}
        else:
            merged.append(node)
    shown: list[Node] = []
    for node in merged:
        if node["type"] == "text":
            for text, address in links.split(node["text"]):
                words = {"type": "text", "text": text}
                shown.append({"type": "link", "href": address, "children": [words]} if address else words)
        elif "children" in node and node["type"] != "link":
            shown.append(node | {"children": _merged(node["children"])})
        else:
            shown.append(node)
    return shown


def _unnest(children: list[Node]) -> None:
    """Put what a link holds as images from elsewhere as their words: a link within a link is none."""
    for place, node in enumerate(children):
        if node["type"] == "link":
            children[place] = node["children"][0]
        elif "children" in node:
            _unnest(node["children"])
