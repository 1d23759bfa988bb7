"""Every write of occurrences: working them out, filling them, exceptions, and what becomes of them at their hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
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
from content.calendar.activities import queries as activities
from content.calendar.occurrences import policy, queries
from content.calendar.occurrences.models import Occurrence
from content.calendar.occurrences.policy import Filling, Holding, OccurrenceState, Outcome
from content.calendar.occurrences.schemas import Filler, OccurrenceOut, OccurrenceUpdate
from content.calendar.recurrence.policy import Rhythm, local_day
from content.delivery import commands as deliveries
from content.delivery.models import Delivery
from content.delivery.policy import DeliveryState, in_time, next_look
from content.themes.commands import check_may_plan
from contracts.content import OccurrenceEvent, OccurrenceGapForeseen, OccurrenceHeld, OccurrenceMissed
from contracts.engagement import ActivityState
from contracts.members import CommunityState

SETTLE = "occurrences.settle"
NOTICE = "occurrences.notice"
BATCH = 200
MOST_NOTICES = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a slot decides its occurrences. Without a rhythm it falls no more."""

    slot_id: UUID
    organization_id: UUID
    community_id: UUID
    rhythm: Rhythm | None
    notice_hours: int


_DROP = text("""
DELETE FROM slot_occurrence AS o
WHERE o.slot_id = :slot AND o.state IN ('open', 'skipped') AND o.due_at > :now
    AND NOT EXISTS (SELECT FROM unnest(CAST(:days AS date[]), CAST(:instants AS timestamptz[])) AS falls(on_date, due_at)
        WHERE falls.on_date = o.on_date AND (o.moved OR falls.due_at > :now))
RETURNING o.item_id
""")
_SHIFT = text("""
UPDATE slot_occurrence AS o SET due_at = CASE WHEN o.moved THEN o.due_at ELSE falls.due_at END,
    notice_at = CASE WHEN o.moved THEN o.due_at ELSE falls.due_at END - make_interval(hours => :notice_hours), version = o.version + 1
FROM unnest(CAST(:days AS date[]), CAST(:instants AS timestamptz[])) AS falls(on_date, due_at)
WHERE o.slot_id = :slot AND o.on_date = falls.on_date AND o.state IN ('open', 'skipped') AND o.due_at > :now
    AND (NOT o.moved AND o.due_at <> falls.due_at
        OR o.notice_at <> CASE WHEN o.moved THEN o.due_at ELSE falls.due_at END - make_interval(hours => :notice_hours))
""")
_ADD = text("""
INSERT INTO slot_occurrence (id, organization_id, community_id, slot_id, on_date, due_at, state, notice_at, version)
SELECT falls.id, :organization, :community, :slot, falls.on_date, falls.due_at, 'open',
    falls.due_at - make_interval(hours => :notice_hours), 1
FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[]), CAST(:instants AS timestamptz[])) AS falls(id, on_date, due_at)
WHERE falls.due_at > :now ORDER BY falls.on_date
ON CONFLICT (slot_id, on_date) DO NOTHING
""")
_PENDING = text("""
SELECT due_at, notice_at FROM slot_occurrence WHERE slot_id = :slot AND state = 'open' AND due_at > :now
""")


async def reconcile(session: Session, plan: Plan) -> list[UUID]:
    """Make a slot's occurrences to come what its rhythm says, as far as the horizon; return the items that lost their hour.

    A day that still is one keeps what stands in it, whatever the hour; what is settled never changes.
    """
    now = clock.now()
    falls: list[tuple[date, datetime]] = []
    if plan.rhythm is not None:
        today = local_day(now, plan.rhythm.zone)
        falls = plan.rhythm.between(today, today + timedelta(days=policy.HORIZON_DAYS))
    bound = {
        "slot": plan.slot_id,
        "now": now,
        "days": [day for day, _ in falls],
        "instants": [due_at for _, due_at in falls],
    }
    dropped = await session.execute(_DROP, bound)
    lost = [item_id for item_id in dropped.scalars() if item_id is not None]
    if falls:
        terms = {**bound, "notice_hours": plan.notice_hours}
        await session.execute(_SHIFT, terms)
        await session.execute(
            _ADD,
            {
                **terms,
                "ids": [new_id() for _ in falls],
                "organization": plan.organization_id,
                "community": plan.community_id,
            },
        )
    rows = (await session.execute(_PENDING, {"slot": plan.slot_id, "now": now})).all()
    await deliveries.schedule(session, plan.organization_id, SETTLE, [row.due_at for row in rows])
    await deliveries.schedule(session, plan.organization_id, NOTICE, [max(row.notice_at, now) for row in rows], lanes=1)
    return lost


async def _to_come(session: Session, member: Standing, occurrence_id: UUID, expected: int) -> Occurrence:
    check_may_plan(member)
    occurrence = await queries.lock_occurrence(session, member.community_id, occurrence_id)
    check_version(expected, occurrence.version)
    if occurrence.state not in {OccurrenceState.OPEN, OccurrenceState.SKIPPED}:
        raise Problem(409, "occurrence-settled", "Its hour has come: what became of it stays.")
    return occurrence


async def _look_again(session: Session, occurrence: Occurrence) -> None:
    """Have the gap told again when the occurrence lacks something and its notice is due or to come."""
    occurrence.noticed_at = None
    if occurrence.state == OccurrenceState.OPEN:
        at = max(occurrence.notice_at, clock.now())
        await deliveries.schedule(session, occurrence.organization_id, NOTICE, [at], lanes=1)


async def change_occurrence(
    session: Session, member: Standing, occurrence_id: UUID, expected: int, change: OccurrenceUpdate
) -> OccurrenceOut:
    """Skip a day, have it again, or move its hour. Raises Problem 404, 409, 412, 422."""
    occurrence = await _to_come(session, member, occurrence_id, expected)
    now = clock.now()
    if change.skipped is not None:
        occurrence.state = (OccurrenceState.SKIPPED if change.skipped else OccurrenceState.OPEN).value
        if change.skipped:
            occurrence.item_id = occurrence.activity_id = None
    if change.due_at is not None and change.due_at != occurrence.due_at:
        due_at = change.due_at.replace(second=0, microsecond=0)
        if due_at <= now or abs(due_at - occurrence.due_at) > timedelta(days=policy.MOST_MOVE_DAYS):
            raise invalid(
                "/due_at", "instant-out-of-range", f"An hour to come, up to {policy.MOST_MOVE_DAYS} days from its own."
            )
        occurrence.notice_at += due_at - occurrence.due_at
        occurrence.due_at, occurrence.moved = due_at, True
    if occurrence.due_at <= now:
        raise Problem(409, "occurrence-due", "Its hour has come.")
    occurrence.version += 1
    await session.flush()
    if occurrence.state == OccurrenceState.OPEN:
        await deliveries.schedule(session, occurrence.organization_id, SETTLE, [occurrence.due_at])
        await _look_again(session, occurrence)
    await session.flush()
    return await queries.get_occurrence(session, member.community_id, occurrence_id)


async def fill(session: Session, member: Standing, occurrence_id: UUID, expected: int, filler: Filler) -> OccurrenceOut:
    """Have an item or an activity stand in an occurrence; an item that waited elsewhere moves. Raises Problem 404, 409, 412, 422."""
    elsewhere = None if filler.item_id is None else await queries.find_waiting(session, filler.item_id)
    # Both at once and in one order, so that two planners who exchange items wait for each other in one direction.
    locked = await queries.lock_occurrences(session, [occurrence_id, *([elsewhere] if elsewhere else [])])
    occurrence = await _to_come(session, member, occurrence_id, expected)
    if occurrence.state == OccurrenceState.SKIPPED:
        raise Problem(409, "occurrence-skipped", "The slot does not fall on this day: restore it first.")
    if occurrence.due_at <= clock.now():
        raise Problem(409, "occurrence-due", "Its hour has come.")
    if filler.activity_id is not None:
        await _check_activity(session, member, filler.activity_id)
    else:
        item = await _waiting_item(session, member, occurrence, filler.item_id)
        if await queries.find_waiting(session, item.id) != elsewhere:
            raise Problem(409, "item-moved", "Somebody has just moved the item: read again.")
        other = locked.get(elsewhere) if elsewhere else None
        if other is not None and other.id != occurrence.id and other.item_id == item.id:
            if other.due_at <= clock.now():
                raise Problem(409, "item-due", "The item goes out at this moment.")
            other.item_id = None
            other.version += 1
            await session.flush()
            await _look_again(session, other)
    occurrence.item_id, occurrence.activity_id = filler.item_id, filler.activity_id
    occurrence.version += 1
    await _look_again(session, occurrence)
    await session.flush()
    return await queries.get_occurrence(session, member.community_id, occurrence_id)


async def _check_activity(session: Session, member: Standing, activity_id: UUID) -> None:
    activity = await activities.find_activity(session, member.community_id, activity_id)
    if activity is None or activity.state in {ActivityState.CANCELLED, ActivityState.ENDED}:
        raise invalid("/activity_id", "activity-unknown", "The community has no such activity to come.")


async def _waiting_item(session: Session, member: Standing, occurrence: Occurrence, item_id: UUID | None) -> Item:
    item = (await items.lock_items(session, [item_id] if item_id else [])).get(item_id) if item_id else None
    if item is None or item.community_id != member.community_id or item.state == ItemState.RETIRED:
        raise invalid("/item_id", "item-unknown", "The community's backlog has no such item.")
    if item.state == ItemState.DELIVERED:
        raise Problem(409, "item-delivered", "The item has gone out: make it ready once more first.")
    kind = await session.scalar(text("SELECT kind FROM slot WHERE id = :id"), {"id": occurrence.slot_id})
    if item.kind != kind:
        raise Problem(409, "kind-differs", f"The slot takes what is of kind {kind}.")
    return item


async def clear(session: Session, member: Standing, occurrence_id: UUID, expected: int) -> OccurrenceOut:
    """Take out what stands in an occurrence; an item goes back to the backlog. Raises Problem 404, 409, 412."""
    occurrence = await _to_come(session, member, occurrence_id, expected)
    if occurrence.due_at <= clock.now():
        raise Problem(409, "occurrence-due", "Its hour has come.")
    if occurrence.item_id is not None or occurrence.activity_id is not None:
        occurrence.item_id = occurrence.activity_id = None
        occurrence.version += 1
        await _look_again(session, occurrence)
        await session.flush()
    return await queries.get_occurrence(session, member.community_id, occurrence_id)


async def settle_due(session: Session, moment: datetime) -> datetime | None:
    """Settle a batch of occurrences whose hour has come: each once, with its delivery. Return when to look again, if at all."""
    taken = await queries.take_due(session, moment, BATCH)
    if taken:
        await _settle(session, taken)
    full = len(taken) == BATCH
    return next_look(moment, full=full, left=not full and await queries.is_left(session, moment))


async def _settle(session: Session, taken: Sequence[Occurrence]) -> None:
    now = clock.now()
    facts = await queries.find_facts(session, [one.id for one in taken])
    wanted = {one.item_id for one in taken} | {facts[one.id].fallback_item_id for one in taken}
    known = await items.lock_items(session, {item_id for item_id in wanted if item_id is not None})
    going = []
    for one in taken:
        terms = facts[one.id]
        item = known.get(one.item_id) if one.item_id else None
        fallback = known.get(terms.fallback_item_id) if terms.fallback_item_id else None
        holding = Holding(
            None if item is None else item.state,
            terms.activity_state,
            None if fallback is None else fallback.state,
        )
        became = policy.outcome(holding, CommunityState(terms.community_state or CommunityState.ARCHIVED))
        one.settled_at = now
        one.version += 1
        if became in {Outcome.ITEM, Outcome.FALLBACK}:
            chosen = item if became is Outcome.ITEM else fallback
            assert chosen is not None  # noqa: S101  the outcome says so
            one.state = OccurrenceState.TAKEN.value
            going.append(_delivery(one, terms, chosen, fallback=became is Outcome.FALLBACK))
        else:
            one.state = _STATES[became].value
            _tell_settled(session, one, terms, became)
    await session.flush()
    await deliveries.deliver(session, going)


_STATES = {
    Outcome.REST: OccurrenceState.RESTED,
    Outcome.MISS: OccurrenceState.MISSED,
    Outcome.ACTIVITY: OccurrenceState.HELD,
}


def _delivery(occurrence: Occurrence, terms: Any, item: Item, *, fallback: bool) -> Delivery:  # noqa: ANN401  a row
    return Delivery(
        id=new_id(),
        organization_id=occurrence.organization_id,
        community_id=occurrence.community_id,
        group_id=terms.group_id,
        item_id=item.id,
        slot_id=occurrence.slot_id,
        occurrence_id=occurrence.id,
        kind=item.kind,
        theme_id=item.theme_id or terms.theme_id,
        fallback=fallback,
        late_policy=terms.late_policy,
        tolerance_seconds=terms.tolerance_seconds,
        due_at=occurrence.due_at,
        state=DeliveryState.DUE.value,
        requested_by=terms.created_by,
    )


def _tell_settled(session: Session, one: Occurrence, terms: Any, became: Outcome) -> None:  # noqa: ANN401  a row
    ids = {"occurrence_id": one.id, "slot_id": one.slot_id, "community_id": one.community_id}
    event: OccurrenceEvent
    if became is Outcome.ACTIVITY and one.activity_id is not None:
        on_time = in_time(one.due_at, terms.activity_starts_at, terms.tolerance_seconds)
        event = OccurrenceHeld(
            **ids, group_id=terms.group_id, due_at=one.due_at, activity_id=one.activity_id, on_time=on_time
        )
    elif became is Outcome.MISS:
        event = OccurrenceMissed(**ids, group_id=terms.group_id, due_at=one.due_at)
    else:
        return
    outbox.emit(
        session,
        event,
        organization_id=one.organization_id,
        aggregate_id=one.id,
        version=one.version,
        community_id=one.community_id,
    )


_UNREADY = text("""
UPDATE slot_occurrence SET noticed_at = NULL, version = version + 1
WHERE state = 'open' AND due_at > :now AND (item_id = :filler OR activity_id = :filler)
RETURNING notice_at
""")


async def look_after(session: Session, organization_id: UUID, filler_id: UUID) -> None:
    """Have gaps told where an item or an activity stands that was ready and is not any more."""
    now = clock.now()
    found = await session.execute(_UNREADY, {"filler": filler_id, "now": now})
    instants = [max(notice_at, now) for notice_at in found.scalars()]
    await deliveries.schedule(session, organization_id, NOTICE, instants, lanes=1)


_LACKS = """
    FROM slot_occurrence AS o JOIN slot AS s ON s.id = o.slot_id
    JOIN standing_community AS c ON c.community_id = o.community_id AND c.state = 'open'
    LEFT JOIN item AS i ON i.id = o.item_id LEFT JOIN item AS f ON f.id = s.fallback_item_id
    LEFT JOIN standing_activity AS a ON a.activity_id = o.activity_id
    WHERE o.state = 'open' AND o.noticed_at IS NULL AND o.notice_at <= :moment AND o.due_at > :now
        AND i.state IS DISTINCT FROM 'ready' AND a.state IS DISTINCT FROM 'published'"""
_NOTICED = text(f"""
UPDATE slot_occurrence AS o SET noticed_at = :now
FROM (
    SELECT o.id, s.group_id, i.state AS item_state, a.state AS activity_state, f.state AS fallback_state
    {_LACKS}
    ORDER BY o.notice_at, o.id LIMIT :most FOR UPDATE OF o SKIP LOCKED) AS lacking
WHERE o.id = lacking.id
RETURNING o.id, o.slot_id, o.community_id, o.organization_id, o.due_at, o.version, o.item_id, o.activity_id,
    lacking.group_id, lacking.item_state, lacking.activity_state, lacking.fallback_state
""")
_UNNOTICED = text(f"SELECT EXISTS (SELECT {_LACKS})")


async def foresee_gaps(session: Session, moment: datetime) -> datetime | None:
    """Tell of occurrences that will fall due with nothing ready, each once; return when to look again, if at all.

    Planners see nothing change, so the version stays theirs; it is new to the event, for whatever has a gap told again raises it.
    """
    bound = {"now": clock.now(), "moment": moment}
    rows = (await session.execute(_NOTICED, {**bound, "most": MOST_NOTICES})).all()
    for row in rows:
        empty = row.item_id is None and row.activity_id is None
        outbox.emit(
            session,
            OccurrenceGapForeseen(
                occurrence_id=row.id,
                slot_id=row.slot_id,
                community_id=row.community_id,
                group_id=row.group_id,
                due_at=row.due_at,
                standing=(Filling.EMPTY if empty else Filling.AT_RISK).value,
                fallback=row.fallback_state == policy.READY,
            ),
            organization_id=row.organization_id,
            aggregate_id=row.id,
            version=row.version,
            community_id=row.community_id,
        )
    full = len(rows) == MOST_NOTICES
    left = not full and bool((await session.execute(_UNNOTICED, bound)).scalar_one())
    return next_look(moment, full=full, left=left)
