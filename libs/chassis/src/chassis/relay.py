"""The relay: publishes what stands in the outbox, in version order per aggregate, and marks it after the acknowledgement."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
from opentelemetry.trace import SpanKind
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis import clock, telemetry
from chassis.bus import Bus, Outgoing
from contracts.base import Origin

IDLE_SECONDS = 0.03
LONGEST_IDLE_SECONDS = 0.15
"""After events come more events: looking often is worth it then, and costs for nothing where nobody writes."""
AWAY_SECONDS = 1.0

log = telemetry.log("chassis.relay")

# Aggregates are claimed first and their rows read after, in a statement of their own: under READ COMMITTED it then sees what
# an earlier holder of the lock marked, and whenever it sees a version it sees the ones before, which committed before.
_CLAIM = text("""
WITH oldest AS MATERIALIZED (
    SELECT DISTINCT aggregate_id FROM (
        SELECT aggregate_id FROM outbox WHERE published_at IS NULL ORDER BY recorded_at LIMIT :batch) AS pending)
SELECT aggregate_id FROM oldest WHERE pg_try_advisory_xact_lock(hashtext('outbox'), hashtext(aggregate_id::text))
""")
_READ = text("""
SELECT event_id, recorded_at, aggregate_id, version, subject, payload, traceparent FROM outbox
WHERE published_at IS NULL AND aggregate_id = ANY(:aggregates)
ORDER BY version, recorded_at LIMIT :batch
""")
_MARK = text("""
UPDATE outbox SET published_at = :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS done(event_id, recorded_at)
WHERE outbox.event_id = done.event_id AND outbox.recorded_at = done.recorded_at
""")


class Relay:
    """Moves events from one service's outbox to its stream. Any number may run at once."""

    def __init__(self, engine: AsyncEngine, bus: Bus, *, batch: int = 500) -> None:
        self._engine = engine
        self._bus = bus
        self._batch = batch

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until told to stop. An outage of the database or the broker is waited out."""
        ensured, idle = False, IDLE_SECONDS
        while not stopping.is_set():
            pause = idle = min(idle * 1.05, LONGEST_IDLE_SECONDS)
            try:
                if not self._bus.connected:
                    raise ConnectionError("the broker is away")  # noqa: TRY301  one place waits for every outage
                if not ensured:
                    await self._bus.ensure_stream()
                    ensured = True
                if await self.publish_some():
                    pause, idle = 0.0, IDLE_SECONDS
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, the rows are still there: wait and try again
                log.warning("relay_waits", error=type(error).__name__, detail=str(error)[:300])
                ensured, pause = False, AWAY_SECONDS
            if pause:
                await _pause(stopping, pause)

    async def publish_some(self) -> int:
        """Claim, publish and mark one batch; return how many events the stream acknowledged."""
        async with self._engine.begin() as connection:
            aggregates = (await connection.execute(_CLAIM, {"batch": self._batch})).scalars().all()
            if not aggregates:
                return 0
            rows = (await connection.execute(_READ, {"aggregates": aggregates, "batch": self._batch})).all()
            published = 0
            failed: set[UUID] = set()
            for _, wave in groupby(_in_waves(rows), key=lambda pair: pair[0]):
                ready = [row for _, row in wave if row.aggregate_id not in failed]
                outcome = await self._publish(ready)
                failed |= {
                    row.aggregate_id for row, acknowledged in zip(ready, outcome, strict=True) if not acknowledged
                }
                done = [row for row, acknowledged in zip(ready, outcome, strict=True) if acknowledged]
                await _mark(connection, done)
                published += len(done)
        telemetry.PUBLISHED.inc(published)
        if failed:
            raise TimeoutError(f"{len(failed)} aggregates without acknowledgement")
        return published

    async def _publish(self, rows: list[Any]) -> list[bool]:
        messages = []
        for row in rows:
            with telemetry.span("outbox publish", SpanKind.PRODUCER, row.traceparent):
                messages.append(Outgoing(str(row.event_id), row.subject, row.payload.encode()))
        return await self._bus.publish(messages)


def _in_waves(rows: list[Any] | Any) -> list[tuple[int, Any]]:  # noqa: ANN401  database rows
    """Number each aggregate's rows: wave n holds the n-th version of each, and starts when wave n-1 is acknowledged."""
    seen: dict[UUID, int] = {}
    waves = []
    for row in rows:
        wave = seen[row.aggregate_id] = seen.get(row.aggregate_id, -1) + 1
        waves.append((wave, row))
    return sorted(waves, key=lambda pair: pair[0])


async def _mark(connection: AsyncConnection, rows: list[Any]) -> None:
    if rows:
        await connection.execute(
            _MARK,
            {"now": clock.now(), "ids": [row.event_id for row in rows], "times": [row.recorded_at for row in rows]},
        )


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


@dataclass(frozen=True)
class OutboxStatus:
    """How far the relay is."""

    events: int
    unpublished: int
    oldest_unpublished_seconds: float | None
    partitions: list[dict[str, Any]]


async def status(engine: AsyncEngine) -> OutboxStatus:
    """Return how many events there are and how many wait."""
    async with engine.connect() as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT count(*) AS events, count(*) FILTER (WHERE published_at IS NULL) AS unpublished, "
                    "min(recorded_at) FILTER (WHERE published_at IS NULL) AS oldest FROM outbox"
                )
            )
        ).one()
        partitions = await connection.execute(
            text("SELECT tableoid::regclass::text AS name, count(*) AS events FROM outbox GROUP BY 1 ORDER BY 1")
        )
        age = (clock.now() - row.oldest).total_seconds() if row.oldest else None
        return OutboxStatus(row.events, row.unpublished, age, [dict(partition._mapping) for partition in partitions])  # noqa: SLF001  SQLAlchemy's public name for a row as a mapping


async def republish(engine: AsyncEngine, since: datetime) -> int:
    """Have the relay publish everything recorded since `since` again; consumers that have it already skip it."""
    async with engine.begin() as connection:
        result = await connection.execute(
            text("UPDATE outbox SET published_at = NULL WHERE recorded_at >= :since AND published_at IS NOT NULL"),
            {"since": since},
        )
        return int(result.rowcount)


async def replay(engine: AsyncEngine, bus: Bus, consumer: str, types: list[str], *, run: str, batch: int = 500) -> int:
    """Send the logged events of `types` to one consumer again, oldest first, as `origin: backfill` where they were live.

    The header names the consumer, so that the others let them pass; the message id is new for each run, since the server
    would take a copy of an event published within two minutes for a double. Raises TimeoutError when the broker does not answer:
    run the backfill again.
    """
    sent, after_time, after_id = 0, datetime.min.replace(tzinfo=clock.now().tzinfo), UUID(int=0)
    page = text("""
        SELECT event_id, recorded_at, subject, payload FROM outbox
        WHERE type = ANY(:types) AND published_at IS NOT NULL AND (recorded_at, event_id) > (:time, :id)
        ORDER BY recorded_at, event_id LIMIT :batch
    """)
    while True:
        async with engine.connect() as connection:
            rows = (
                await connection.execute(page, {"types": types, "time": after_time, "id": after_id, "batch": batch})
            ).all()
        if not rows:
            return sent
        messages = [Outgoing(f"{row.event_id}:{run}", row.subject, _as_backfill(row.payload), consumer) for row in rows]
        if not all(await bus.publish(messages)):
            raise TimeoutError("the broker did not acknowledge every event")
        sent += len(rows)
        after_time, after_id = rows[-1].recorded_at, rows[-1].event_id


def _as_backfill(payload: str) -> bytes:
    envelope = orjson.loads(payload)
    if envelope["origin"] == Origin.LIVE:
        envelope["origin"] = Origin.BACKFILL.value
    return orjson.dumps(envelope)


async def measure(engine: AsyncEngine) -> None:
    """Set the gauge of unpublished events."""
    try:
        async with engine.connect() as connection:
            waiting = (
                await connection.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
            ).scalar_one()
    except (DBAPIError, OSError):
        return
    telemetry.UNPUBLISHED.set(waiting)
