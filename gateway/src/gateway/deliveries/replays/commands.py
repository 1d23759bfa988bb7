"""Telling endpoints again what they were told, or were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due
from chassis.errors import Fault, Problem, invalid, not_found
from chassis.ids import new_id
from chassis.tokens import Principal
from gateway.deliveries.fanout.commands import HORIZON
from gateway.deliveries.fanout.queries import in_order
from gateway.deliveries.models import Replay
from gateway.deliveries.policy import RECOVERABLE
from gateway.deliveries.replays import policy, queries
from gateway.deliveries.replays.schemas import RecoveryCreate, ReplayCreate, ReplayOut
from gateway.endpoints import queries as endpoints
from gateway.endpoints.models import Endpoint
from gateway.endpoints.partners.queries import somebody_disagrees
from gateway.lanes import commands as lanes

REPLAY_KIND = "deliveries.replay"
AT_ONCE = 1000

_FIND = text("""
SELECT event_id FROM delivery
WHERE endpoint_id = :endpoint_id AND (CAST(:reached AS uuid) IS NULL OR event_id > :reached)
    AND created_at >= :since AND created_at < :until AND (NOT :only_undelivered OR state = 'undelivered')
ORDER BY event_id LIMIT :most
""")
# Whoever needs consent is asked about again; the schedule begins anew. In order, it goes behind what waits there already, and what is
# still waiting itself keeps its place.
_REPLAY = text(f"""
WITH chosen AS (
    SELECT delivery.event_id, row_number() OVER (ORDER BY delivery.event_id) AS number,
        coalesce(partner.basis, 'consent') = 'consent' AND {somebody_disagrees("message", "endpoint.client_id")} AS withheld,
        endpoint.ordering = 'fifo' AS fifo,
        CASE endpoint.ordering WHEN 'fifo' THEN (
            SELECT max(due_at) FROM delivery AS waiting WHERE waiting.endpoint_id = endpoint.id AND due_at < :horizon
        ) END AS last_due_at
    FROM endpoint LEFT JOIN partner ON partner.client_id = endpoint.client_id
        JOIN delivery ON delivery.endpoint_id = endpoint.id AND delivery.event_id = ANY(:events)
        JOIN message ON message.event_id = delivery.event_id
    WHERE endpoint.id = :endpoint_id
)
UPDATE delivery SET
    state = CASE WHEN withheld THEN 'undelivered' ELSE 'pending' END,
    reason = CASE WHEN withheld THEN 'consent_missing' END,
    tries = 0,
    replayed = true,
    replayed_at = :now,
    due_at = CASE
        WHEN withheld THEN NULL
        WHEN fifo AND due_at IS NOT NULL THEN least(due_at, :now)
        WHEN fifo THEN greatest(CAST(:now AS timestamptz), last_due_at) + number * interval '1 microsecond'
        ELSE :now END,
    settled_at = CASE WHEN withheld THEN CAST(:now AS timestamptz) END
FROM chosen WHERE delivery.endpoint_id = :endpoint_id AND delivery.event_id = chosen.event_id
RETURNING delivery.state
""")
_HEAD = text(
    "SELECT event_id FROM delivery WHERE endpoint_id = :endpoint_id AND due_at IS NOT NULL ORDER BY due_at, event_id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class _Done:
    replayed: int
    withheld: int


async def replay(session: Session, principal: Principal, endpoint_id: UUID, body: ReplayCreate) -> ReplayOut:
    """Tell an endpoint one event again now, or let due work do so with a span of time. Raises Problem 404, 409, 422."""
    endpoint = await endpoints.get_endpoint(session, principal, endpoint_id)
    now = clock.now()
    only_undelivered = body.only == "undelivered"
    faults = policy.span_faults(
        event=body.event_id is not None,
        since=body.since,
        until=body.until,
        only_undelivered=only_undelivered,
        now=now,
    )
    if faults:
        errors = [Fault(*fault) for fault in faults]
        raise Problem(422, "invalid", "The request is well-formed and not acceptable.", errors=errors)
    wanted = _new(endpoint, principal, now)
    if body.event_id is None:
        assert body.since is not None  # noqa: S101  else there is a fault
        until = min(body.until or now, now)
        return await _span(session, wanted, body.since, until, only_undelivered=only_undelivered)
    done = await _send_again(session, endpoint, [body.event_id], now)
    if done == _Done(0, 0):
        raise not_found("delivery")
    wanted.event_id, wanted.finished_at = body.event_id, now
    wanted.replayed, wanted.withheld = done.replayed, done.withheld
    session.add(wanted)
    await session.flush()
    return queries.out(wanted)


async def recover(session: Session, principal: Principal, endpoint_id: UUID, body: RecoveryCreate) -> ReplayOut:
    """Have an endpoint told again what did not arrive since a time. Raises Problem 404, 409, 422."""
    endpoint = await endpoints.get_endpoint(session, principal, endpoint_id)
    now = clock.now()
    if body.since < now - RECOVERABLE:
        detail = f"Recovery goes back {RECOVERABLE.days} days; a replay goes further."
        raise invalid("/since", "too-long-ago", detail)
    if body.since >= now:
        raise invalid("/since", "span-empty", "That is in the future.")
    return await _span(session, _new(endpoint, principal, now), body.since, now, only_undelivered=True)


async def go_on(session: Session, work: Due) -> None:
    """Tell an endpoint the next of what a replay is about; each piece is one transaction, and says how far it came."""
    wanted = select(Replay).where(col(Replay.id) == UUID(work.key)).with_for_update()
    current = (await session.scalars(wanted)).one_or_none()
    if current is None or current.finished_at is not None:
        return
    found = select(Endpoint).where(col(Endpoint.id) == current.endpoint_id, col(Endpoint.deleted_at).is_(None))
    endpoint = (await session.scalars(found)).one_or_none()
    now = clock.now()
    chosen: Sequence[UUID] = ()
    if endpoint is not None:
        rows = await session.execute(
            _FIND,
            {
                "endpoint_id": current.endpoint_id,
                "reached": current.reached,
                "since": current.since,
                "until": current.until,
                "only_undelivered": current.only_undelivered,
                "most": AT_ONCE,
            },
        )
        chosen = rows.scalars().all()
        done = await _send_again(session, endpoint, chosen, now)
        current.replayed += done.replayed
        current.withheld += done.withheld
    if len(chosen) < AT_ONCE:
        current.finished_at = now
    else:
        current.reached = chosen[-1]
        await due.schedule(session, work.organization_id, REPLAY_KIND, work.key, now)


def _new(endpoint: Endpoint, principal: Principal, now: datetime) -> Replay:
    return Replay(
        id=new_id(),
        organization_id=endpoint.organization_id,
        endpoint_id=endpoint.id,
        only_undelivered=False,
        created_at=now,
        created_by=principal.account_id,
    )


async def _span(
    session: Session, wanted: Replay, since: datetime, until: datetime, *, only_undelivered: bool
) -> ReplayOut:
    if await queries.count_running(session, wanted.endpoint_id) >= policy.MOST_RUNNING:
        detail = f"At most {policy.MOST_RUNNING} replays of an endpoint are under way at once: wait for one to finish."
        raise Problem(409, "replays-running", detail)
    wanted.since, wanted.until, wanted.only_undelivered = since, until, only_undelivered
    session.add(wanted)
    await session.flush()
    await due.schedule(session, wanted.organization_id, REPLAY_KIND, str(wanted.id), wanted.created_at)
    return queries.out(wanted)


async def _send_again(session: Session, endpoint: Endpoint, events: Sequence[UUID], now: datetime) -> _Done:
    if not events:
        return _Done(0, 0)
    head = None
    if endpoint.ordering == "fifo":
        await in_order(session, endpoint.organization_id)
        head = (await session.execute(_HEAD, {"endpoint_id": endpoint.id})).scalar_one_or_none()
    rows = await session.execute(
        _REPLAY, {"endpoint_id": endpoint.id, "events": list(events), "now": now, "horizon": now + HORIZON}
    )
    states = list(rows.scalars())
    pending = states.count("pending")
    if head in events:
        # The lane waits for the next attempt of the old schedule.
        await lanes.begin_anew(session, endpoint.id, now, throttled=False)
    if pending:
        await lanes.wake(session, [endpoint.id], now)
    return _Done(pending, len(states) - pending)
