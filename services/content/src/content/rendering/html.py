"""A tree of nodes as HTML: every tag and attribute that can be in it stands here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from content.rendering import links
from content.rendering.tree import Node

# A block's direction is that of its own first letter, and does not reach beyond it.
_BLOCKS = {"paragraph": "p", "quote": "blockquote", "item": "li"}
_INLINES = {"strong": "strong", "emphasis": "em", "strike": "s"}
_ALIGNMENTS = {"left", "center", "right"}


def to_html(nodes: Sequence[Node]) -> str:
    """Return nodes as HTML. Texts are escaped, links carry `rel`, a mention and an upload are filled in by who shows them."""
    return "".join(map(_node, nodes))


def _node(node: Node) -> str:  # noqa: PLR0911  one per kind
    kind = node["type"]
    match kind:
        case "text":
            return escape(node["text"])
        case "break":
            return "<br>"
        case "rule":
            return "<hr>"
        case "code":
            return f"<code>{escape(node['text'])}</code>"
        case "code_block":
            language = f' data-language="{escape(node["language"])}"' if node["language"] else ""
            return f"<pre><code{language}>{escape(node['text'])}</code></pre>"
        case "mention":
            return f'<span data-mention="{escape(node["account_id"])}">@</span>'
        case "image":
            return f'<img data-media="{escape(node["media_id"])}" alt="{escape(node["alt"])}">'
    return _container(node)


def _container(node: Node) -> str:  # noqa: PLR0911  one per kind
    kind, inner = node["type"], to_html(node["children"])
    if kind in _INLINES:
        return f"<{_INLINES[kind]}>{inner}</{_INLINES[kind]}>"
    if kind in _BLOCKS:
        return f'<{_BLOCKS[kind]} dir="auto">{inner}</{_BLOCKS[kind]}>'
    match kind:
        case "link":
            return f'<a href="{escape(node["href"])}" rel="{links.REL}">{inner}</a>'
        case "heading":
            return f'<h{node["level"]:d} dir="auto">{inner}</h{node["level"]:d}>'
        case "list" if node["ordered"]:
            start = f' start="{node["start"]:d}"' if node["start"] != 1 else ""
            return f"<ol{start}>{inner}</ol>"
        case "list":
            return f"<ul>{inner}</ul>"
        case "table":
            return f"<table><tbody>{inner}</tbody></table>"
        case "row":
            return f"<tr>{inner}</tr>"
        case "cell":
            tag = "th" if node["header"] else "td"
            align = f' align="{node["align"]}"' if node["align"] in _ALIGNMENTS else ""
            return f'<{tag} dir="auto"{align}>{inner}</{tag}>'
    raise AssertionError(f"no HTML for a {kind}")
