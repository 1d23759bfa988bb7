"""Every write of what is sent. Whatever is due is carried out with all other deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.backlog import queries as items
from content.backlog.models import Item
from content.backlog.policy import ItemState
from content.delivery import queries
from content.delivery.commands import DUE, facts, schedule, tell
from content.delivery.models import Delivery
from content.delivery.policy import DeliveryState
from content.delivery.schemas import SendCreate, SendOut, Target, TargetResult
from contracts.content import DeliveryCancelled, DeliveryScheduled
from contracts.members import CommunityState

FURTHEST = timedelta(days=366)


def _refusal(target: Target, place: queries.Place, seen: set[tuple[UUID, UUID | None]]) -> str | None:
    # Whether a community is there is nobody's business who does not plan in it: to them it is unknown.
    if place.state is None:
        return "community-unknown"
    if not place.editor:
        return "not-an-editor"
    if place.state is CommunityState.ARCHIVED:
        return "community-archived"
    if not place.group_known:
        return "group-unknown"
    return "target-repeated" if (target.community_id, target.group_id) in seen else None


async def send_item(session: Session, member: Standing, item_id: UUID, send: SendCreate) -> SendOut:
    """Have an item go to many places at one time; each target is judged alone. Raises Problem 404, 409, 422."""
    now = clock.now()
    due_at = send.at or now
    if send.at is not None and not -timedelta(minutes=1) <= due_at - now <= FURTHEST:
        raise invalid("/at", "instant-out-of-range", "Send at once, or at an instant within a year from now.")
    # Before the item: a worker that delivers holds its work's row and then locks items.
    await schedule(session, member.principal.organization_id, DUE, [due_at])
    item = await items.get_item(session, member.community_id, item_id, lock=True)
    if item.state not in {ItemState.READY, ItemState.DELIVERED}:
        raise Problem(409, "item-not-ready", "Only an item that is ready goes out.")
    accepted: list[Target] = []
    seen: set[tuple[UUID, UUID | None]] = set()
    refused: dict[int, str] = {}
    for index, (target, place) in enumerate(
        zip(send.targets, await queries.find_places(session, member, send.targets), strict=True)
    ):
        code = _refusal(target, place, seen)
        if code is not None:
            refused[index] = code
            continue
        seen.add((target.community_id, target.group_id))
        accepted.append(target)
    made = await _insert(session, member, item, send, due_at, accepted)
    known = await queries.find_sent(session, item.id, due_at)
    return SendOut(
        results=[
            TargetResult(
                community_id=target.community_id,
                group_id=target.group_id,
                delivery_id=None if index in refused else known[target.community_id, target.group_id],
                due_at=None if index in refused else due_at,
                status="refused"
                if index in refused
                else "scheduled"
                if (target.community_id, target.group_id) in made
                else "already_scheduled",
                code=refused.get(index),
            )
            for index, target in enumerate(send.targets)
        ]
    )


_INSERT = text("""
INSERT INTO delivery (id, organization_id, community_id, group_id, item_id, kind, theme_id, fallback, late_policy,
    tolerance_seconds, due_at, state, requested_by, attempts, version)
SELECT id, :organization_id, community_id, group_id, :item_id, :kind,
    CASE WHEN community_id = :home THEN CAST(:theme_id AS uuid) END, false, :late_policy,
    :tolerance_seconds, :due_at, 'due', :requested_by, 0, 1
FROM unnest(CAST(:ids AS uuid[]), CAST(:communities AS uuid[]), CAST(:groups AS uuid[]))
    AS target(id, community_id, group_id)
ORDER BY community_id, group_id
ON CONFLICT (item_id, community_id, group_id, due_at) WHERE occurrence_id IS NULL AND state <> 'cancelled' DO NOTHING
RETURNING id, community_id, group_id
""")


async def _insert(
    session: Session, member: Standing, item: Item, send: SendCreate, due_at: datetime, targets: Sequence[Target]
) -> set[tuple[UUID, UUID | None]]:
    """Insert the deliveries that are not there yet, with their events; return their places."""
    if not targets:
        return set()
    rows = await session.execute(
        _INSERT,
        {
            "organization_id": item.organization_id,
            "item_id": item.id,
            "kind": item.kind,
            "home": item.community_id,
            "theme_id": item.theme_id,
            "late_policy": send.late_policy.value,
            "tolerance_seconds": send.tolerance_seconds,
            "due_at": due_at,
            "requested_by": member.principal.account_id,
            "ids": [new_id() for _ in targets],
            "communities": [target.community_id for target in targets],
            "groups": [target.group_id for target in targets],
        },
    )
    made = set()
    for row in rows:
        made.add((row.community_id, row.group_id))
        outbox.emit(
            session,
            DeliveryScheduled(
                delivery_id=row.id,
                community_id=row.community_id,
                group_id=row.group_id,
                item_id=item.id,
                slot_id=None,
                occurrence_id=None,
                kind=item.kind,
                theme_id=item.theme_id if row.community_id == item.community_id else None,
                fallback=False,
                due_at=due_at,
            ),
            organization_id=item.organization_id,
            aggregate_id=row.id,
            version=1,
            community_id=row.community_id,
            actor=member.principal.account_id,
        )
    return made


async def cancel_delivery(session: Session, member: Standing, delivery_id: UUID, expected: int) -> Delivery:
    """Take back what was sent and is not yet due. Raises Problem 404, 409, 412."""
    delivery = await queries.get_delivery(session, member.community_id, delivery_id, lock=True)
    check_version(expected, delivery.version)
    if delivery.occurrence_id is not None or delivery.state != DeliveryState.DUE:
        raise Problem(409, "delivery-settled", "Only what was sent and is still to go out can be taken back.")
    delivery.state = DeliveryState.CANCELLED.value
    delivery.version += 1
    await session.flush()
    tell(session, delivery, DeliveryCancelled(**facts(delivery)), actor=member.principal.account_id)
    return delivery
