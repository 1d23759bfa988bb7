"""Carrying out what is due, and the events that tell of it.

A delivery, its post and both their events are written in one transaction with the removal of the work that asked for it: whatever is
killed when, either all of it is there or the work is still due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox, telemetry
from chassis.db import Session
from chassis.errors import Problem
from chassis.outages import is_outage
from content.backlog import commands as backlog
from content.backlog import queries as items
from content.backlog.models import Item
from content.backlog.policy import ItemState
from content.delivery import policy, queries
from content.delivery.models import Delivery
from content.delivery.policy import DeliveryState, LatePolicy
from content.posts import commands as posts
from content.posts.models import Post
from content.posts.policy import PostKind, PostState
from contracts.content import (
    DeliveryDelivered,
    DeliveryEvent,
    DeliveryFailed,
    DeliverySkipped,
)
from contracts.engagement import DeliveryReached
from contracts.members import CommunityState

DUE = "delivery.due"
"""The work of delivering what was sent. Its key is an instant and a lane, so that several schedulers share a busy minute."""
LANES = 2
BATCH = 200

log = telemetry.log("content.delivery")


async def schedule(
    session: Session, organization_id: UUID, kind: str, instants: Iterable[datetime], *, lanes: int = LANES
) -> None:
    """Have work of a kind done at each instant, in every lane."""
    wanted = sorted(set(instants))
    await due.schedule_many(
        session,
        organization_id,
        kind,
        [(f"{at.isoformat()}/{lane}", at) for at in wanted for lane in range(lanes)],
    )


def facts(delivery: Delivery) -> dict[str, object]:
    """Return what every event of a delivery says."""
    names = DeliveryEvent.model_fields.keys() - {"delivery_id"}
    return {"delivery_id": delivery.id, **{name: getattr(delivery, name) for name in names}}


def tell(session: Session, delivery: Delivery, event: DeliveryEvent, *, actor: UUID | None = None) -> None:
    """Emit an event of a delivery at its present version."""
    outbox.emit(
        session,
        event,
        organization_id=delivery.organization_id,
        aggregate_id=delivery.id,
        version=delivery.version,
        community_id=delivery.community_id,
        actor=actor,
        occurred_at=delivery.delivered_at,
    )


async def deliver_due(session: Session, moment: datetime) -> datetime | None:
    """Deliver a batch of what was sent and is due; return when to look again, None when nothing is left."""
    taken = await queries.take_due(session, moment, BATCH)
    await deliver(session, taken)
    full = len(taken) == BATCH
    return policy.next_look(moment, full=full, left=not full and await queries.is_left(session, moment))


async def deliver(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Settle deliveries that are due: new ones, not in the session yet, or ones that the caller has locked.

    All in one savepoint; where one of them breaks it, each in its own, so that it costs none of the others.
    """
    if not deliveries:
        return
    originals = await items.lock_items(session, {one.item_id for one in deliveries})
    states = await queries.find_states(session, {one.community_id for one in deliveries})
    promotions = await queries.find_promotions(session, {one.theme_id for one in deliveries})
    going = []
    for one in deliveries:
        item = originals[one.item_id]
        reason = policy.skip_reason(
            LatePolicy(one.late_policy),
            one.due_at,
            clock.now(),
            one.tolerance_seconds,
            states.get(one.community_id, CommunityState.ARCHIVED),
        )
        if reason is None and item.state not in {ItemState.READY, ItemState.DELIVERED}:
            reason = "item-not-ready"
        if reason is None:
            going.append(one)
        else:
            _settle(one, DeliveryState.SKIPPED, reason=reason)
    if going:
        try:
            async with outbox.savepoint(session):
                for one in going:
                    await _publish(session, one, originals[one.item_id], promotions)
        except Exception as error:
            if is_outage(error):
                raise
            await _restore(session, going)
            for one in going:
                await _try_alone(session, one, originals[one.item_id], promotions)
    await _keep(session, deliveries)


def _settle(
    delivery: Delivery, state: DeliveryState, *, reason: str | None = None, post_id: UUID | None = None
) -> None:
    delivery.state = state.value
    delivery.reason = reason
    delivery.post_id = post_id
    delivery.delivered_at = max(clock.now(), delivery.due_at) if state is DeliveryState.DELIVERED else None


def _after(days: int | None) -> datetime | None:
    return None if days is None else clock.now() + timedelta(days=days)


async def _publish(session: Session, delivery: Delivery, item: Item, promotions: Mapping[UUID, bool]) -> None:
    """Publish a delivery's item. What a rule or a persona forbids is a failure that no repetition mends."""
    piece = posts.Piece(
        organization_id=delivery.organization_id,
        community_id=delivery.community_id,
        author_id=item.author_id,
        kind=PostKind(item.kind),
        title=item.title,
        body=item.body or "",
        section=item.section,
        persona_id=item.persona_id,
        group_id=delivery.group_id,
        theme_id=delivery.theme_id,
        delivery_id=delivery.id,
        approved_by=item.approved_by,
        promotion=item.promotion or (delivery.theme_id is not None and promotions.get(delivery.theme_id, False)),
        evergreen=item.evergreen,
        expires_at=_after(item.expires_after_days),
        review_at=_after(item.review_after_days),
        acknowledge=item.acknowledge,
        acknowledge_by=_after(item.acknowledge_within_days),
        benefit=item.benefit,
    )
    try:
        post = await posts.publish_item(session, piece)
    except Problem as problem:
        _settle(delivery, DeliveryState.FAILED, reason=problem.code)
    else:
        held = post.state != PostState.PUBLISHED
        _settle(delivery, DeliveryState.IN_REVIEW if held else DeliveryState.DELIVERED, post_id=post.id)


async def _restore(session: Session, deliveries: Iterable[Delivery]) -> None:
    """Read again what a savepoint let go of when it was rolled back."""
    for one in deliveries:
        if one in session:
            await session.refresh(one)


async def _try_alone(session: Session, delivery: Delivery, item: Item, promotions: Mapping[UUID, bool]) -> None:
    try:
        async with outbox.savepoint(session):
            await _publish(session, delivery, item, promotions)
    except Exception as error:
        if is_outage(error):
            raise
        await _restore(session, [delivery])
        delivery.attempts += 1
        wait = policy.retry_after(delivery.attempts)
        log.exception("delivery_failed", delivery=str(delivery.id), attempts=delivery.attempts)
        if wait is None:
            _settle(delivery, DeliveryState.FAILED, reason="publishing-failed")
        else:
            _settle(delivery, DeliveryState.DUE)
            delivery.retry_at = clock.now() + wait


_GONE = frozenset((DeliveryState.DELIVERED, DeliveryState.IN_REVIEW))


def _tell_settled(session: Session, one: Delivery) -> None:
    if one.state == DeliveryState.DELIVERED and one.delivered_at is not None and one.post_id is not None:
        on_time = policy.in_time(one.due_at, one.delivered_at, one.tolerance_seconds)
        event: DeliveryEvent = DeliveryDelivered(
            **facts(one), post_id=one.post_id, delivered_at=one.delivered_at, on_time=on_time
        )
        tell(session, one, event)
    elif one.state == DeliveryState.SKIPPED:
        tell(session, one, DeliverySkipped(**facts(one), reason=one.reason or ""))
    elif one.state == DeliveryState.FAILED:
        tell(session, one, DeliveryFailed(**facts(one), reason=one.reason or ""))


async def note_judged(session: Session, post: Post) -> None:
    """Settle the delivery of a post that was held, now that it is held no longer: it went out at this moment, or not at all."""
    if post.delivery_id is None or post.state == PostState.HELD:
        return
    delivery = await queries.find_in_review(session, post.delivery_id)
    if delivery is None:
        return
    if post.state == PostState.PUBLISHED:
        _settle(delivery, DeliveryState.DELIVERED, post_id=post.id)
    else:
        reason = "review-refused" if post.deleted_at is None else "post-deleted"
        _settle(delivery, DeliveryState.FAILED, reason=reason, post_id=post.id)
    delivery.version += 1
    await session.flush()
    _tell_settled(session, delivery)


async def _keep(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Write what became of deliveries, and tell of those that are settled."""
    retries = []
    for one in deliveries:
        if one in session:
            one.version += 1
        else:
            session.add(one)
        if one.state == DeliveryState.DUE and one.retry_at is not None:
            retries.append(one.retry_at)
    await session.flush()
    for one in deliveries:
        _tell_settled(session, one)
    gone = [one.item_id for one in deliveries if one.state in _GONE and not one.fallback]
    await backlog.note_delivered(session, gone)
    if retries:
        await schedule(session, deliveries[0].organization_id, DUE, retries)


_REACHED = text("""
INSERT INTO delivery_reach (delivery_id, channel, organization_id, reached_at, recipients)
SELECT delivery.id, told.channel, delivery.organization_id, told.reached_at, told.recipients
FROM (SELECT delivery_id, channel, min(reached_at) AS reached_at, max(recipients) AS recipients
    FROM unnest(CAST(:deliveries AS uuid[]), CAST(:channels AS text[]), CAST(:instants AS timestamptz[]), CAST(:people AS integer[]))
        AS one(delivery_id, channel, reached_at, recipients)
    GROUP BY delivery_id, channel) AS told
JOIN delivery ON delivery.id = told.delivery_id
ORDER BY delivery.id, told.channel
ON CONFLICT (delivery_id, channel) DO UPDATE SET reached_at = least(delivery_reach.reached_at, EXCLUDED.reached_at),
    recipients = greatest(delivery_reach.recipients, EXCLUDED.recipients)
""")


async def note_reached(session: Session, events: Sequence[DeliveryReached]) -> None:
    """Keep when each channel first carried a delivery, and to how many people at the most told of."""
    await session.execute(
        _REACHED,
        {
            "deliveries": [one.delivery_id for one in events],
            "channels": [one.channel for one in events],
            "instants": [one.reached_at for one in events],
            "people": [one.recipients for one in events],
        },
    )


async def forget_reached(session: Session) -> None:
    """Forget what the tenant's channels carried, before a backfill."""
    await session.execute(text("DELETE FROM delivery_reach"))
