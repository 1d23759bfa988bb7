"""Reading what a community template may set of cards and groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session

PIECES = ("purpose", "rules", "times")

_CURRENT = """
SELECT DISTINCT ON (subject_id) subject_id, content FROM card_revision WHERE community_id = :community_id
ORDER BY subject_id, version DESC
"""


async def card_fields(session: Session, community_id: UUID) -> dict[str, Any]:
    """Return `card/<piece>` → what the community's card says."""
    found = await session.execute(
        text("SELECT content FROM card_revision WHERE subject_id = :id ORDER BY version DESC LIMIT 1"),
        {"id": community_id},
    )
    content: dict[str, Any] = found.scalar_one_or_none() or {}
    return {f"card/{piece}": content[piece] for piece in PIECES if piece in content}


async def group_fields(session: Session, community_id: UUID) -> dict[str, Any]:
    """Return `groups/<key>/<field>` → value, of the groups that were made from a template."""
    rows = await session.execute(
        text(f"""
            SELECT template_key, dimension, name, capacity, self_join, current.content
            FROM community_group LEFT JOIN ({_CURRENT}) AS current ON current.subject_id = community_group.id
            WHERE community_id = :community_id AND template_key IS NOT NULL
        """),
        {"community_id": community_id},
    )
    fields: dict[str, Any] = {}
    for row in rows:
        place = f"groups/{row.template_key}"
        fields |= {f"{place}/{name}": getattr(row, name) for name in ("dimension", "name", "capacity", "self_join")}
        content = row.content or {}
        fields |= {f"{place}/card/{piece}": content[piece] for piece in PIECES if piece in content}
    return fields


async def groups_by_key(session: Session, community_id: UUID) -> dict[str, UUID]:
    """Return template key → group."""
    rows = await session.execute(
        text("SELECT template_key, id FROM community_group WHERE community_id = :id AND template_key IS NOT NULL"),
        {"id": community_id},
    )
    return {row.template_key: row.id for row in rows}
