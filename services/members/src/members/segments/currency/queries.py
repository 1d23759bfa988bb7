"""What keeping segments current has to read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from chassis import clock
from chassis.db import Session
from members.segments.filters.evaluation import Moment
from members.segments.filters.policy import Filters, Node
from members.segments.filters.reading import Understood, understand


@dataclass(frozen=True)
class Saved:
    """A saved segment, as far as keeping it current goes."""

    id: UUID
    node: Node
    filter_version: int
    crossings: int


async def moment(session: Session, community_id: UUID) -> Moment:
    """Return now, in the community's zone."""
    found = await session.execute(text("SELECT zone FROM community WHERE id = :id"), {"id": community_id})
    return Moment(clock.now(), found.scalar_one())


async def understood(session: Session, community_id: UUID) -> Understood:
    """Return the filters of all segments of a community, and what is wrong with those that cannot be asked any more."""
    rows = await session.execute(
        text("SELECT id, filter FROM segment WHERE community_id = :community_id AND deleted_at IS NULL ORDER BY id"),
        {"community_id": community_id},
    )
    return understand({row.id: row.filter for row in rows})


async def filters(session: Session, community_id: UUID) -> dict[UUID, Node]:
    """Return the filters of a community's segments that can be asked; of the others the members stay as they are."""
    return (await understood(session, community_id)).sound


_LOCK = text("""
SELECT id, filter_version, crossings FROM segment
WHERE community_id = :community_id AND deleted_at IS NULL AND (CAST(:only AS uuid) IS NULL OR id = :only)
ORDER BY id FOR NO KEY UPDATE
""")


async def lock(session: Session, community_id: UUID, known: Filters, only: UUID | None = None) -> list[Saved]:
    """Return segments with their rows locked, in one order for everybody."""
    rows = await session.execute(_LOCK, {"community_id": community_id, "only": only})
    return [Saved(row.id, known[row.id], row.filter_version, row.crossings) for row in rows if row.id in known]


async def community_of(session: Session, segment_id: UUID) -> UUID | None:
    """Return the community of a segment that stands."""
    found = await session.execute(
        text("SELECT community_id FROM segment WHERE id = :id AND deleted_at IS NULL"), {"id": segment_id}
    )
    return found.scalar_one_or_none()


async def segments_of(session: Session, community_id: UUID) -> Sequence[UUID]:
    """Return the ids of a community's segments."""
    found = await session.execute(
        text("SELECT id FROM segment WHERE community_id = :id AND deleted_at IS NULL ORDER BY id"), {"id": community_id}
    )
    return found.scalars().all()


async def communities_of(session: Session, accounts: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Return (community, account) of everything that these accounts belong to, or did."""
    rows = await session.execute(
        text("SELECT community_id, account_id FROM membership WHERE account_id = ANY(CAST(:accounts AS uuid[]))"),
        {"accounts": list(accounts)},
    )
    return {(row.community_id, row.account_id) for row in rows}
