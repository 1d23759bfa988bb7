"""The loop around consumers: pull, apply, acknowledge; retry a handler's failure, park it in the dead letters, wait out outages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock, telemetry
from chassis.bus import BACKFILL_HEADER, Bus, Pull
from chassis.db import transaction
from chassis.ids import new_id
from chassis.inbox import Consumers
from chassis.outages import DATABASE_ERRORS, is_outage, is_too_long
from contracts.base import SYSTEM_ORGANIZATION, Envelope, stream_of

AWAY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30
MOST_TRACES_LOGGED = 20
UNKNOWN_SECONDS = 15
UNKNOWN_TIMES = 240
"""How often, and after how long each time, an event of an unknown type is looked at again: for an hour."""

log = telemetry.log("chassis.consuming")


@dataclass(frozen=True)
class _Taken:
    message: Msg
    envelope: Envelope


class Consumption:
    """One noun's consumer on one stream."""

    def __init__(
        self, engine: AsyncEngine, bus: Bus, consumers: Consumers, *, owner: str, batch: int = 250, attempts: int = 5
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._consumers = consumers
        self._owner = owner
        self._batch = batch
        self._attempts = attempts
        self.durable = durable_name(bus.service, consumers.name)
        self._without_stream = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until told to stop; what is in hand then is finished first."""
        pull: Pull | None = None
        in_hand: list[Msg] = []
        while not stopping.is_set():
            try:
                if pull is None:
                    await self._bus.ensure_consumer(self._owner, self.durable, self._consumers.subjects(self._owner))
                    pull = await self._bus.pull(self._owner, self.durable, self._batch)
                    self._without_stream = False
                in_hand = in_hand or await _unless(stopping, pull.next()) or []
                await self.handle(in_hand)
                in_hand = []
            except (nats.errors.Error, nats.js.errors.Error) as error:
                self._waits(error)
                if pull is not None:
                    await pull.close()
                pull, in_hand = None, []
                await _unless(stopping, asyncio.sleep(AWAY_SECONDS))
            except DATABASE_ERRORS as error:
                # The database is away: nothing more is fetched, and what is in hand is tried again.
                self._waits(error)
                await _unless(stopping, asyncio.sleep(AWAY_SECONDS))
        if pull is not None:
            await pull.close()

    def _waits(self, error: Exception) -> None:
        # An installation without partners never has their stream: that is said once and not every second.
        if self._without_stream and isinstance(error, nats.js.errors.NotFoundError):
            return
        self._without_stream = isinstance(error, nats.js.errors.NotFoundError)
        log.warning(
            "consumer_waits", consumer=self._consumers.name, error=type(error).__name__, detail=str(error)[:200]
        )

    async def handle(self, messages: list[Msg]) -> None:
        """Apply a batch in one transaction; should it fail, each message in one of its own, so that one cannot hold up the others."""
        taken = await self._read([message for message in messages if not message.is_acked])
        if not taken:
            await self._bus.flush()
            return
        try:
            await self._apply(taken)
        except Exception as error:
            if is_outage(error) and not is_too_long(error):
                raise
            for one in taken:
                await self._apply_alone(one)
        # A lost acknowledgement means one more delivery, which the inbox turns away; flushing finds a dead connection early.
        await self._bus.flush()

    async def _read(self, messages: list[Msg]) -> list[_Taken]:
        taken = []
        for message in messages:
            backfill = (message.headers or {}).get(BACKFILL_HEADER)
            if backfill is not None and backfill != self._consumers.name:
                await message.ack()
                continue
            try:
                envelope = Envelope.model_validate_json(message.data)
            except ValidationError as error:
                await self._bury(message, None, f"not an event: {error}", 1)
                await message.term()
                continue
            if self._consumers.is_unknown(envelope):
                await self._leave(message, envelope)
            else:
                taken.append(_Taken(message, envelope))
        return taken

    async def _leave(self, message: Msg, envelope: Envelope) -> None:
        """Leave an event to a process that knows its type: during a rolling release there is one soon.

        When none comes, the release was taken back. Then it becomes a dead letter, for what waits in the stream is bounded, and what waits
        for ever would hold up the rest.
        """
        times = message.metadata.num_delivered
        log.warning("event_unknown", consumer=self._consumers.name, type=envelope.type, times=times)
        telemetry.CONSUMED.labels(self._consumers.name, "unknown").inc()
        if times < UNKNOWN_TIMES:
            await message.nak(delay=UNKNOWN_SECONDS)
        else:
            await self._bury(message, envelope, f"{envelope.type} is not known to this release", times)
            await message.term()

    async def _apply(self, taken: list[_Taken]) -> None:
        first = taken[0].envelope
        with telemetry.span(f"{self._consumers.name} consume", SpanKind.CONSUMER, first.traceparent, events=len(taken)):
            async with transaction(self._engine) as session:
                fresh = await self._consumers.take(session, [one.envelope for one in taken])
        parents = {one.envelope.traceparent for one in taken if one.envelope.traceparent}
        log.info(
            "events_applied",
            consumer=self._consumers.name,
            events=len(taken),
            fresh=fresh,
            traces=sorted(parent.split("-")[1] for parent in parents)[:MOST_TRACES_LOGGED],
        )
        now = clock.now()
        for one in taken:
            telemetry.LAG.labels(self._consumers.name).observe(
                max(0.0, (now - one.envelope.recordedtime).total_seconds())
            )
            await one.message.ack()
        telemetry.CONSUMED.labels(self._consumers.name, "applied").inc(fresh)
        telemetry.CONSUMED.labels(self._consumers.name, "known").inc(len(taken) - fresh)

    async def _apply_alone(self, one: _Taken) -> None:
        try:
            await self._apply([one])
        except Exception as error:
            if is_too_long(error):
                # Whether the database is busy or this event too much for it: others go on, and it is not given up.
                log.warning("event_takes_too_long", consumer=self._consumers.name, event_id=str(one.envelope.id))
                await one.message.nak(delay=LONGEST_RETRY_SECONDS)
                return
            if is_outage(error):
                raise
            attempts = await self._count_failure(one.envelope, error)
            log.exception(
                "handler_failed", consumer=self._consumers.name, event_id=str(one.envelope.id), attempts=attempts
            )
            if attempts >= self._attempts:
                await self._bury(one.message, one.envelope, _words(error), attempts)
                await one.message.term()
            else:
                await one.message.nak(delay=min(2**attempts / 2, LONGEST_RETRY_SECONDS))

    async def _count_failure(self, envelope: Envelope, error: Exception) -> int:
        async with transaction(self._engine) as session:
            result = await session.execute(
                text("""
                    INSERT INTO handler_attempt AS attempt (consumer, event_id, organization_id, attempts, error)
                    VALUES (:consumer, :event_id, :organization_id, 1, :error)
                    ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = attempt.attempts + 1, error = EXCLUDED.error
                    RETURNING attempts
                """),
                {
                    "consumer": self._consumers.name,
                    "event_id": envelope.id,
                    "organization_id": envelope.organization,
                    "error": _words(error),
                },
            )
            return int(result.scalar_one())

    async def _bury(self, message: Msg, envelope: Envelope | None, error: str, attempts: int) -> None:
        """Write the dead letter before the message is terminated: the other way round a crash would lose it."""
        async with transaction(self._engine) as session:
            await session.execute(
                text("""
                    INSERT INTO dead_letter
                        (id, consumer, event_id, organization_id, stream, subject, type, payload, error, attempts, created_at)
                    VALUES (:id, :consumer, :event_id, :organization_id, :stream, :subject, :type, :payload, :error, :attempts, :now)
                    ON CONFLICT (consumer, event_id) DO NOTHING
                """),
                {
                    "id": new_id(),
                    "consumer": self._consumers.name,
                    "event_id": envelope.id if envelope else None,
                    "organization_id": envelope.organization if envelope else SYSTEM_ORGANIZATION,
                    "stream": stream_of(self._owner),
                    "subject": message.subject,
                    "type": envelope.type if envelope else "unreadable",
                    "payload": message.data.decode("utf-8", "replace").replace("\0", "�"),
                    "error": error[:2000].replace("\0", "�"),
                    "attempts": attempts,
                    "now": clock.now(),
                },
            )
            if envelope:
                await session.execute(
                    text("DELETE FROM handler_attempt WHERE consumer = :consumer AND event_id = :event_id"),
                    {"consumer": self._consumers.name, "event_id": envelope.id},
                )
        telemetry.DEAD.labels(self._consumers.name).inc()


def durable_name(service: str, consumer: str) -> str:
    """Return the JetStream name of a noun's durable consumer."""
    return f"{service}-{consumer}"


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


async def _unless(stopping: asyncio.Event, work: Any) -> Any:  # noqa: ANN401  whatever the work returns
    """Wait for work or for the stop, whichever is first; work that lost is cancelled."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, stop):
            if not one.done():
                one.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


async def retry_dead_letters(
    engine: AsyncEngine, consumers: dict[str, Consumers], ids: list[str] | None
) -> tuple[int, int]:
    """Apply dead letters again, each with its removal in one transaction; return how many worked and how many failed."""
    async with transaction(engine) as session:
        chosen = await session.execute(
            text(
                "SELECT id, consumer, payload FROM dead_letter WHERE CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids) ORDER BY created_at"
            ),
            {"ids": ids},
        )
        rows = chosen.all()
    retried = failed = 0
    for row in rows:
        try:
            envelope = Envelope.model_validate_json(row.payload)
            async with transaction(engine) as session:
                gone = await session.execute(
                    text("DELETE FROM dead_letter WHERE id = :id RETURNING id"), {"id": row.id}
                )
                if gone.scalar_one_or_none() is not None:
                    await consumers[row.consumer].take(session, [envelope])
            retried += 1
        except Exception as error:
            if is_outage(error):
                raise
            log.warning("dead_letter_retry_failed", id=str(row.id), error=_words(error))
            failed += 1
            async with transaction(engine) as session:
                await session.execute(
                    text("UPDATE dead_letter SET attempts = attempts + 1, error = :error WHERE id = :id"),
                    {"error": _words(error), "id": row.id},
                )
    return retried, failed
