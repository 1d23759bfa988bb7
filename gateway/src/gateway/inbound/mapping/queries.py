"""Reading mappings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from chassis.errors import not_found
from gateway.inbound.mapping import policy
from gateway.inbound.mapping.schemas import MappingOut


async def list_mappings(
    session: Session, source_id: UUID, adopted: int | None, *, limit: int, before: int | None
) -> list[MappingOut]:
    """Return the versions of a source's mapping, the newest first."""
    rows = await session.execute(
        text("""
            SELECT source_id, number, text AS mapping, number IS NOT DISTINCT FROM CAST(:adopted AS integer) AS adopted,
                created_at, created_by
            FROM source_mapping WHERE source_id = :source_id AND number < :before ORDER BY number DESC LIMIT :limit
        """),
        {"source_id": source_id, "adopted": adopted, "before": 2**31 - 1 if before is None else before, "limit": limit},
    )
    return [MappingOut.model_validate(row) for row in rows]


async def get_mapping(session: Session, source_id: UUID, adopted: int | None, number: int) -> MappingOut:
    """Return a version of a source's mapping. Raises Problem 404."""
    found = await list_mappings(session, source_id, adopted, limit=1, before=number + 1)
    if not found or found[0].number != number:
        raise not_found("mapping")
    return found[0]


@lru_cache(maxsize=256)
def compiled(text_: str) -> policy.Compiled | None:
    """Return a mapping that was read, None for one that cannot be."""
    return policy.compile_mapping(text_)[0]


def plain(value: Any) -> Any:  # noqa: ANN401  a converted value
    """Return a value of an item as JSON can say it."""
    return value.isoformat() if hasattr(value, "isoformat") else value
