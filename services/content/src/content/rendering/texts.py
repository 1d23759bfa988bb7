"""A text with all that is kept of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from content.rendering.html import to_html
from content.rendering.tree import VERSION, Node, parse

LONG = 4_000
"""Characters from which on a text is rendered beside the event loop."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Markdown became: HTML, the nodes that it is made of, whom it mentions, which uploads it shows, and by which renderer."""

    html: str
    tree: list[Node]
    mentions: list[UUID]
    media: list[UUID]
    plain: bool
    renderer: int = VERSION


@lru_cache(maxsize=32)
def render_now(body: str) -> Rendered:
    """Render a text, whatever it is. The last ones are kept: one item goes to many communities. Nobody changes a tree."""
    tree = parse(body)
    return Rendered(to_html(tree.nodes), tree.nodes, tree.mentions, tree.media, tree.plain)


async def render(body: str) -> Rendered:
    """Render a text; others go on meanwhile when it is long."""
    return render_now(body) if len(body) < LONG else await asyncio.to_thread(render_now, body)
