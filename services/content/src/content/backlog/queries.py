"""Every SELECT of the backlog."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.backlog import policy
from content.backlog.models import Item
from content.backlog.policy import ItemState
from content.backlog.schemas import ItemOut
from content.posts.policy import PostKind
from contracts.members import CommunityRole, CommunityState


class Filter(NamedTuple):
    """Which items of a community."""

    state: ItemState | None = None
    kind: PostKind | None = None
    theme_id: UUID | None = None
    unassigned: bool = False


class Hour(NamedTuple):
    """The occurrence that an item waits for."""

    occurrence_id: UUID
    due_at: datetime


async def get_item(session: Session, community_id: UUID, item_id: UUID, *, lock: bool = False) -> Item:
    """Return an item, locked when it is to be changed or used. Raises Problem 404."""
    query = select(Item).where(Item.id == item_id, Item.community_id == community_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    item = (await session.scalars(query)).one_or_none()
    if item is None:
        raise not_found("item")
    return item


async def lock_items(session: Session, item_ids: Iterable[UUID]) -> dict[UUID, Item]:
    """Return items by id, locked in one order."""
    found = await session.scalars(
        select(Item)
        .where(col(Item.id).in_(list(item_ids)))
        .order_by(col(Item.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {item.id: item for item in found}


_HOURS = text("""
SELECT item_id, id, due_at FROM slot_occurrence WHERE item_id = ANY(:items) AND state = 'open'
""")


async def find_hours(session: Session, item_ids: Iterable[UUID]) -> dict[UUID, Hour]:
    """Return the hour that each item waits for, of those that wait for one."""
    rows = await session.execute(_HOURS, {"items": list(item_ids)})
    return {row.item_id: Hour(row.id, row.due_at) for row in rows}


_USE = text("""
SELECT EXISTS (SELECT FROM slot_occurrence WHERE item_id = :item AND state = 'open') AS planned,
    EXISTS (SELECT FROM slot WHERE fallback_item_id = :item AND retired_at IS NULL) AS fallback,
    EXISTS (SELECT FROM delivery WHERE item_id = :item AND state = 'due') AS sent
""")


async def find_uses(session: Session, item_id: UUID) -> list[str]:
    """Return what an item is needed for: planned, fallback, sent."""
    row = (await session.execute(_USE, {"item": item_id})).one()
    return [name for name in ("planned", "fallback", "sent") if getattr(row, name)]


def out(member: Standing, item: Item, hour: Hour | None) -> ItemOut:
    """Return an item as this planner sees it."""
    may = member.has(CommunityRole.EDITOR) and member.community_state is not CommunityState.ARCHIVED
    can = policy.abilities(ItemState(item.state), planned=hour is not None, may_plan=may)
    waits = {"occurrence_id": hour and hour.occurrence_id, "due_at": hour and hour.due_at}
    return ItemOut.model_validate({**item.model_dump(), **waits, "can": can})


async def read_item(session: Session, member: Standing, item: Item) -> ItemOut:
    """Return an item with the hour that it waits for."""
    hours = await find_hours(session, [item.id])
    return out(member, item, hours.get(item.id))


async def list_items(
    session: Session, member: Standing, cursors: Cursors, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[ItemOut]:
    """Return a page of the backlog, newest first; what is retired only when asked for."""
    scope = f"items:{member.principal.organization_id}:{member.community_id}:{wanted}"
    after = cursors.decode(scope, cursor)
    query = select(Item).where(Item.community_id == member.community_id).order_by(col(Item.id).desc()).limit(limit + 1)
    query = query.where(
        col(Item.state) == wanted.state.value if wanted.state else col(Item.state) != ItemState.RETIRED.value
    )
    if wanted.kind is not None:
        query = query.where(Item.kind == wanted.kind.value)
    if wanted.theme_id is not None:
        query = query.where(Item.theme_id == wanted.theme_id)
    if wanted.unassigned:
        query = query.where(
            text("NOT EXISTS (SELECT FROM slot_occurrence AS o WHERE o.item_id = item.id AND o.state = 'open')")
        )
    if after is not None:
        query = query.where(col(Item.id) < UUID(after[0]))
    rows = (await session.scalars(query)).all()
    hours = await find_hours(session, [item.id for item in rows])
    return Page(
        data=[out(member, item, hours.get(item.id)) for item in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
