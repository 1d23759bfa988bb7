"""Writing down what became of attempts, many in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock
from chassis.db import Session
from contracts.partners import EndpointDisabling
from gateway.deliveries import policy
from gateway.endpoints import commands as endpoints

LOCK_SECONDS = 0.3
"""How long the dispatcher waits for a row: long enough for whoever works, not for whoever hangs."""


class Settled(StrEnum):
    """What an attempt makes of its delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(slots=True)
class Made:
    """One attempt and what follows from it. Times are UTC, `milliseconds` from the first byte sent to the last byte read.

    `tries` are those that had failed when it was sent: should the delivery say otherwise by now, what follows is none of its business.
    `due_at` is when the next attempt is due; none for what is settled, and for FIFO, where the lane waits and not the delivery.
    `again` when it could not be written before: nobody knows whether a commit without an answer went through.
    """

    endpoint_id: UUID
    event_id: UUID
    tries: int
    state: Settled
    due_at: datetime | None
    started_at: datetime
    milliseconds: int
    url: str
    address: str | None
    request_headers: Mapping[str, str]
    status: int | None
    error: str | None
    response_headers: Mapping[str, str] | None
    response_body: str | None
    gone: bool
    again: bool = False


# A delivery that was settled meanwhile, or whose schedule began anew, keeps what it is, but for one that arrived after all. The numbers of
# attempts are given under the row's lock, so two processes that tried the same one at once write two attempts down.
_STILL = "(delivery.state = 'pending' AND delivery.tries = made.tries)"
_RECORD = text(f"""
WITH made AS (
    SELECT * FROM json_to_recordset(CAST(:made AS json)) AS made(
        endpoint_id uuid, event_id uuid, tries integer, state text, due_at timestamptz, started_at timestamptz, milliseconds integer,
        url text, address text, request_headers jsonb, status integer, error text, response_headers jsonb, response_body text)
), counted AS (
    UPDATE delivery SET
        attempts = attempts + 1,
        tries = delivery.tries + CASE WHEN {_STILL} THEN 1 ELSE 0 END,
        last_status = made.status,
        last_error = made.error,
        state = CASE WHEN made.state = 'delivered' OR {_STILL} THEN made.state ELSE delivery.state END,
        reason = CASE WHEN made.state = 'delivered' THEN NULL
            WHEN made.state = 'undelivered' AND {_STILL} THEN 'exhausted' ELSE delivery.reason END,
        due_at = CASE WHEN made.state = 'delivered' OR made.state = 'undelivered' AND {_STILL} THEN NULL
            WHEN {_STILL} THEN coalesce(made.due_at, delivery.due_at) ELSE delivery.due_at END,
        settled_at = CASE WHEN made.state = 'delivered' OR made.state = 'undelivered' AND {_STILL} THEN :now ELSE delivery.settled_at END
    FROM made WHERE delivery.endpoint_id = made.endpoint_id AND delivery.event_id = made.event_id
    RETURNING delivery.endpoint_id, delivery.event_id, delivery.organization_id, delivery.attempts, delivery.replayed
)
INSERT INTO attempt (endpoint_id, event_id, number, organization_id, replayed, started_at, milliseconds, url, address,
    request_headers, status, error, response_headers, response_body)
SELECT endpoint_id, event_id, counted.attempts, organization_id, replayed, started_at, milliseconds, url, address,
    request_headers, status, error, response_headers, response_body
FROM counted JOIN made USING (endpoint_id, event_id)
""")
# Locked first: a commit that is still under way is waited for, and the next statement sees it.
_LOCK = text("""
SELECT 1 FROM delivery JOIN unnest(CAST(:endpoints AS uuid[]), CAST(:events AS uuid[])) AS made(endpoint_id, event_id)
    USING (endpoint_id, event_id) ORDER BY endpoint_id, event_id FOR UPDATE OF delivery
""")
_WRITTEN = text("""
SELECT endpoint_id, event_id, started_at FROM attempt
JOIN unnest(CAST(:endpoints AS uuid[]), CAST(:events AS uuid[])) AS made(endpoint_id, event_id) USING (endpoint_id, event_id)
""")
_WITHHOLD = text("""
UPDATE delivery SET state = 'undelivered', reason = 'consent_missing', due_at = NULL, settled_at = :now
FROM unnest(CAST(:endpoints AS uuid[]), CAST(:events AS uuid[])) AS held(endpoint_id, event_id)
WHERE delivery.endpoint_id = held.endpoint_id AND delivery.event_id = held.event_id AND state = 'pending'
""")
_RECOVERED = text("UPDATE endpoint SET failing_since = NULL WHERE id = ANY(:endpoints) AND failing_since IS NOT NULL")
_FAILED = text("""
UPDATE endpoint SET failing_since = coalesce(failing_since, failed.since)
FROM unnest(CAST(:endpoints AS uuid[]), CAST(:since AS timestamptz[])) AS failed(endpoint_id, since)
WHERE endpoint.id = failed.endpoint_id AND endpoint.enabled RETURNING endpoint.id, endpoint.failing_since
""")


async def record(session: Session, made: list[Made]) -> None:
    """Write attempts down with what they make of their deliveries, each once; deliveries that are gone meanwhile are left out."""
    if any(one.again for one in made):
        written = await _written(session, [one for one in made if one.again])
        made = [one for one in made if not one.again or (one.endpoint_id, one.event_id, one.started_at) not in written]
    # One document and not thirteen arrays: it costs a third to write, and PostgreSQL has a processor of its own.
    await session.execute(_RECORD, {"now": clock.now(), "made": orjson.dumps(made, default=str).decode()})


async def _written(session: Session, made: Sequence[Made]) -> set[tuple[UUID, UUID, datetime]]:
    """Return what is in the log of the deliveries of these attempts; a delivery is tried once at a time, so the time tells which it is."""
    values = {"endpoints": [one.endpoint_id for one in made], "events": [one.event_id for one in made]}
    await session.execute(_LOCK, values)
    found = await session.execute(_WRITTEN, values)
    return {(row.endpoint_id, row.event_id, row.started_at) for row in found.all()}


async def withhold(session: Session, held: Sequence[tuple[UUID, UUID]]) -> None:
    """Settle deliveries (endpoint, event) that name people who do not agree; nothing was sent."""
    await session.execute(
        _WITHHOLD,
        {
            "now": clock.now(),
            "endpoints": [endpoint for endpoint, _ in held],
            "events": [event for _, event in held],
        },
    )


async def note_health(session: Session, made: Sequence[Made], known_failing: set[UUID]) -> set[UUID]:
    """Remember which endpoints have begun to fail and which work again, and disable those that are gone or fail for too long.

    `known_failing` are those that were failing when they were last looked at. Returns those that are failing now.
    """
    worked = {one.endpoint_id for one in made if one.state is Settled.DELIVERED}
    failed: dict[UUID, datetime] = {}
    for one in made:
        if one.endpoint_id not in worked:
            failed.setdefault(one.endpoint_id, one.started_at)
    recovered = sorted(worked & known_failing)
    if recovered:
        await session.execute(_RECOVERED, {"endpoints": recovered})
    for endpoint_id in sorted({one.endpoint_id for one in made if one.gone}):
        await endpoints.disable(session, endpoint_id, EndpointDisabling.GONE)
    if failed:
        rows = await session.execute(
            _FAILED, {"endpoints": sorted(failed), "since": [failed[endpoint] for endpoint in sorted(failed)]}
        )
        for row in rows.all():
            if policy.is_given_up(row.failing_since, clock.now()):
                await endpoints.disable(session, row.id, EndpointDisabling.FAILING, failing_since=row.failing_since)
    return set(failed)
