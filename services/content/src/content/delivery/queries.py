"""Every SELECT of deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text, tuple_
from sqlmodel import col, select

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.delivery import policy
from content.delivery.models import Delivery, DeliveryReach
from content.delivery.policy import DeliveryState
from content.delivery.schemas import DeliveryOut, Reached, Target
from content.suspension import SUSPENDED
from contracts.members import CommunityRole, CommunityState


class Filter(NamedTuple):
    """Which deliveries of a community."""

    state: DeliveryState | None = None
    slot_id: UUID | None = None
    item_id: UUID | None = None


class Place(NamedTuple):
    """A target as it is: whether the community and the group are there, and whether the sender plans there."""

    state: CommunityState | None
    editor: bool
    group_known: bool


_PLACES = text(f"""
SELECT community.state, coalesce(member.state = 'approved' AND member.roles && ARRAY['manager', 'editor'], false)
        AND NOT {SUSPENDED.format(community="target.community_id", account=":account")} AS editor,
    target.group_id IS NULL OR known.group_id IS NOT NULL AS group_known
FROM unnest(CAST(:communities AS uuid[]), CAST(:groups AS uuid[])) WITH ORDINALITY AS target(community_id, group_id, place)
LEFT JOIN standing_community AS community ON community.community_id = target.community_id
LEFT JOIN standing_member AS member ON member.community_id = target.community_id AND member.account_id = :account
LEFT JOIN standing_group AS known ON known.group_id = target.group_id AND known.community_id = target.community_id
ORDER BY target.place
""")


async def find_places(session: Session, member: Standing, targets: Sequence[Target]) -> list[Place]:
    """Return what each target is to the member, in one statement."""
    rows = await session.execute(
        _PLACES,
        {
            "communities": [target.community_id for target in targets],
            "groups": [target.group_id for target in targets],
            "account": member.principal.account_id,
        },
    )
    return [
        Place(
            None if row.state is None else CommunityState(row.state),
            row.editor or member.principal.staff,
            row.group_known,
        )
        for row in rows
    ]


async def find_sent(session: Session, item_id: UUID, due_at: datetime) -> dict[tuple[UUID, UUID | None], UUID]:
    """Return the deliveries of an item that were sent for an instant, by their place."""
    found = await session.execute(
        select(Delivery.community_id, Delivery.group_id, Delivery.id).where(
            Delivery.item_id == item_id,
            Delivery.due_at == due_at,
            col(Delivery.occurrence_id).is_(None),
            Delivery.state != DeliveryState.CANCELLED.value,
        )
    )
    return {(row[0], row[1]): row[2] for row in found}


async def get_delivery(session: Session, community_id: UUID, delivery_id: UUID, *, lock: bool = False) -> Delivery:
    """Return a delivery, locked when it is to be changed. Raises Problem 404."""
    query = select(Delivery).where(Delivery.id == delivery_id, Delivery.community_id == community_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    delivery = (await session.scalars(query)).one_or_none()
    if delivery is None:
        raise not_found("delivery")
    return delivery


_IS_DUE = "FROM delivery WHERE state = 'due' AND coalesce(retry_at, due_at) <= :moment"
_DUE = text(f"SELECT id {_IS_DUE} ORDER BY coalesce(retry_at, due_at), id LIMIT :most FOR UPDATE SKIP LOCKED")
_LEFT = text(f"SELECT EXISTS (SELECT {_IS_DUE})")


async def take_due(session: Session, moment: datetime, most: int) -> list[Delivery]:
    """Return deliveries whose time has come, locked; those that another scheduler holds are left to it."""
    ids = (await session.scalars(_DUE, {"moment": moment, "most": most})).all()
    if not ids:
        return []
    found = await session.scalars(select(Delivery).where(col(Delivery.id).in_(ids)).order_by(col(Delivery.id)))
    return list(found)


async def is_left(session: Session, moment: datetime) -> bool:
    """Return whether something is due that was not taken: others hold it."""
    return bool((await session.execute(_LEFT, {"moment": moment})).scalar_one())


async def find_in_review(session: Session, delivery_id: UUID) -> Delivery | None:
    """Return a delivery whose post waits to be decided upon, locked."""
    found = await session.scalars(
        select(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.IN_REVIEW.value)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def find_states(session: Session, community_ids: Iterable[UUID]) -> dict[UUID, CommunityState]:
    """Return the states of communities."""
    rows = await session.execute(
        text("SELECT community_id, state FROM standing_community WHERE community_id = ANY(:ids)"),
        {"ids": list(set(community_ids))},
    )
    return {row.community_id: CommunityState(row.state) for row in rows}


async def find_promotions(session: Session, theme_ids: Iterable[UUID | None]) -> dict[UUID, bool]:
    """Return of themes whether they sell."""
    wanted = {one for one in theme_ids if one is not None}
    if not wanted:
        return {}
    rows = await session.execute(text("SELECT id, promotion FROM theme WHERE id = ANY(:ids)"), {"ids": list(wanted)})
    return {row.id: row.promotion for row in rows}


def out(member: Standing, delivery: Delivery, reached: Sequence[DeliveryReach]) -> DeliveryOut:
    """Return a delivery as this planner sees it."""
    may = member.has(CommunityRole.EDITOR) and delivery.state == DeliveryState.DUE and delivery.occurrence_id is None
    on_time: bool | None = None
    if delivery.delivered_at is not None:
        on_time = policy.in_time(delivery.due_at, delivery.delivered_at, delivery.tolerance_seconds)
    elif delivery.state in {DeliveryState.SKIPPED, DeliveryState.FAILED}:
        on_time = False
    return DeliveryOut.model_validate(
        {
            **delivery.model_dump(),
            "on_time": on_time,
            "reached": [Reached.model_validate(one.model_dump()) for one in reached],
            "can": ["cancel"] if may else [],
        }
    )


async def find_reached(session: Session, delivery_ids: Iterable[UUID]) -> dict[UUID, list[DeliveryReach]]:
    """Return by delivery what its channels carried."""
    found = await session.scalars(
        select(DeliveryReach)
        .where(col(DeliveryReach.delivery_id).in_(list(delivery_ids)))
        .order_by(col(DeliveryReach.delivery_id), col(DeliveryReach.channel))
    )
    reached: dict[UUID, list[DeliveryReach]] = {}
    for one in found:
        reached.setdefault(one.delivery_id, []).append(one)
    return reached


async def read_delivery(session: Session, member: Standing, delivery: Delivery) -> DeliveryOut:
    """Return a delivery with what its channels carried."""
    reached = await find_reached(session, [delivery.id])
    return out(member, delivery, reached.get(delivery.id, []))


async def list_deliveries(
    session: Session, member: Standing, cursors: Cursors, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[DeliveryOut]:
    """Return a page of the community's deliveries, the latest due first."""
    scope = f"deliveries:{member.principal.organization_id}:{member.community_id}:{wanted}"
    after = cursors.decode(scope, cursor)
    key = tuple_(col(Delivery.due_at), col(Delivery.id))
    query = (
        select(Delivery)
        .where(Delivery.community_id == member.community_id)
        .order_by(col(Delivery.due_at).desc(), col(Delivery.id).desc())
        .limit(limit + 1)
    )
    if wanted.state is not None:
        query = query.where(Delivery.state == wanted.state.value)
    if wanted.slot_id is not None:
        query = query.where(Delivery.slot_id == wanted.slot_id)
    if wanted.item_id is not None:
        query = query.where(Delivery.item_id == wanted.item_id)
    if after is not None:
        query = query.where(key < tuple_(datetime.fromisoformat(after[0]), UUID(after[1])))
    rows = (await session.scalars(query)).all()
    reached = await find_reached(session, [one.id for one in rows])
    return Page(
        data=[out(member, one, reached.get(one.id, [])) for one in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: (row.due_at, row.id)),
    )
