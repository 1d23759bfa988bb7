"""When a charter is complete."""

from __future__ import annotations

from collections.abc import Mapping

PIECES = ("audience", "need", "activity", "voice", "offering", "promise", "business_link")
"""What a charter must say, in the order in which one decides it."""


def missing(content: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the pieces that say nothing yet."""
    return [piece for piece in PIECES if not any(words.strip() for words in content.get(piece, {}).values())]


def merged(
    before: Mapping[str, Mapping[str, str]], changes: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the charter after a change: pieces that are named are replaced, the others stay; an empty map takes a piece back."""
    content = {**before, **changes}
    return {piece: dict(content[piece]) for piece in PIECES if content.get(piece)}
