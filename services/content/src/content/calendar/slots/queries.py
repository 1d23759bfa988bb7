"""Every SELECT of slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import col, select

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.calendar.slots.models import Slot
from content.calendar.slots.schemas import SlotOut
from contracts.members import CommunityRole, CommunityState


async def get_slot(session: Session, community_id: UUID, slot_id: UUID, *, lock: bool = False) -> Slot:
    """Return a slot, locked when it is to be changed. Raises Problem 404."""
    query = select(Slot).where(Slot.id == slot_id, Slot.community_id == community_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    slot = (await session.scalars(query)).one_or_none()
    if slot is None:
        raise not_found("slot")
    return slot


async def find_slot_to_expand(session: Session, slot_id: UUID) -> Slot | None:
    """Return a slot that still falls, locked."""
    found = await session.scalars(
        select(Slot).where(Slot.id == slot_id, col(Slot.retired_at).is_(None)).with_for_update()
    )
    return found.one_or_none()


async def lock_slots_of(session: Session, community_ids: Iterable[UUID]) -> list[Slot]:
    """Return the slots of communities that fall by the community's zone, locked."""
    found = await session.scalars(
        select(Slot)
        .where(
            col(Slot.community_id).in_(list(community_ids)), col(Slot.retired_at).is_(None), col(Slot.zone).is_(None)
        )
        .order_by(col(Slot.id))
        .with_for_update()
    )
    return list(found)


async def find_zone(session: Session, community_id: UUID) -> str | None:
    """Return a community's zone."""
    found = await session.execute(
        text("SELECT zone FROM standing_community WHERE community_id = :id"), {"id": community_id}
    )
    zone: str | None = found.scalar_one_or_none()
    return zone


async def count_slots(session: Session, community_id: UUID) -> int:
    """Return how many slots of a community still fall."""
    found = await session.scalar(
        select(func.count()).where(col(Slot.community_id) == community_id, col(Slot.retired_at).is_(None))
    )
    return int(found or 0)


_NEXT = text("""
SELECT slot_id, array_agg(due_at ORDER BY due_at) AS next_due
FROM unnest(CAST(:slots AS uuid[])) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT slot_id, due_at FROM slot_occurrence WHERE slot_id = wanted.id AND state = 'open' AND due_at > :now
    ORDER BY on_date LIMIT 3) AS next
GROUP BY slot_id
""")


async def find_next(session: Session, slot_ids: Sequence[UUID]) -> dict[UUID, list[datetime]]:
    """Return the next three hours of each slot."""
    rows = await session.execute(_NEXT, {"slots": list(slot_ids), "now": clock.now()})
    return {row.slot_id: row.next_due for row in rows}


def _out(member: Standing, slot: Slot, next_due: Sequence[datetime], unassigned: Sequence[UUID]) -> SlotOut:
    may = member.has(CommunityRole.EDITOR) and member.community_state is not CommunityState.ARCHIVED
    can = ["edit", "retire"] if may and slot.retired_at is None else []
    return SlotOut.model_validate(
        {**slot.model_dump(), "next_due": next_due, "unassigned": list(dict.fromkeys(unassigned)), "can": can}
    )


async def read_slot(session: Session, member: Standing, slot: Slot, unassigned: Sequence[UUID] = ()) -> SlotOut:
    """Return a slot with its next hours."""
    upcoming = await find_next(session, [slot.id])
    return _out(member, slot, upcoming.get(slot.id, []), unassigned)


async def list_slots(
    session: Session, member: Standing, cursors: Cursors, *, retired: bool, limit: int, cursor: str | None
) -> Page[SlotOut]:
    """Return a page of the community's slots, in the order in which they were made."""
    scope = f"slots:{member.principal.organization_id}:{member.community_id}:{retired}"
    after = cursors.decode(scope, cursor)
    query = select(Slot).where(Slot.community_id == member.community_id).order_by(col(Slot.id)).limit(limit + 1)
    if not retired:
        query = query.where(col(Slot.retired_at).is_(None))
    if after is not None:
        query = query.where(col(Slot.id) > UUID(after[0]))
    rows = (await session.scalars(query)).all()
    upcoming = await find_next(session, [slot.id for slot in rows])
    return Page(
        data=[_out(member, slot, upcoming.get(slot.id, []), []) for slot in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
