"""The outbox: an event is written in the transaction of the write that it tells of. Only commands emit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock, telemetry
from chassis.ids import new_id
from contracts.base import Envelope, Event, Origin, subject_of

_PENDING = "hearth.outbox"
_POSITIONS = "hearth.positions"


@dataclass(frozen=True)
class _Row:
    envelope: Envelope
    subject: str


def seal(
    event: Event,
    organization_id: UUID,
    aggregate_id: UUID,
    *,
    version: int = 1,
    community_id: UUID | None = None,
    actor: UUID | None = None,
    occurred_at: datetime | None = None,
    origin: Origin = Origin.LIVE,
) -> Envelope:
    """Return the envelope of an event that is recorded now; it happened now too, unless an import knows better."""
    recorded = clock.now()
    return Envelope(
        id=new_id(),
        source=f"/hearth/{event.service()}",
        type=event.type,
        subject=f"{event.aggregate}/{aggregate_id}",
        time=occurred_at or recorded,
        organization=organization_id,
        community=community_id,
        actor=actor,
        aggregate=event.aggregate,
        aggregateid=aggregate_id,
        aggregateversion=version,
        recordedtime=recorded,
        origin=origin,
        traceparent=telemetry.traceparent(),
        data=event.model_dump(mode="json"),
    )


def emit(
    session: AsyncSession,
    event: Event,
    *,
    organization_id: UUID,
    aggregate_id: UUID,
    version: int,
    community_id: UUID | None = None,
    actor: UUID | None = None,
    occurred_at: datetime | None = None,
    origin: Origin = Origin.LIVE,
) -> None:
    """Write `event` with this transaction.

    `version` is the aggregate's after the change, taken while its row is locked (or new), which is what keeps versions in order.
    """
    envelope = seal(
        event,
        organization_id,
        aggregate_id,
        version=version,
        community_id=community_id,
        actor=actor,
        occurred_at=occurred_at,
        origin=origin,
    )
    session.info.setdefault(_PENDING, []).append(_Row(envelope, subject_of(event.type, community_id)))
    positions(session)[f"{event.aggregate}/{aggregate_id}"] = version


def positions(session: AsyncSession) -> dict[str, int]:
    """Return the positions that this session's events reach, `<aggregate>/<id>` → version."""
    return cast("dict[str, int]", session.info.setdefault(_POSITIONS, {}))


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """Run a part of the transaction that may fail by itself: what it wrote and what it emitted are taken back together."""
    pending, reached = len(session.info.get(_PENDING, [])), dict(positions(session))
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        del session.info.get(_PENDING, [])[pending:]
        session.info[_POSITIONS] = reached
        raise


_INSERT = text("""
INSERT INTO outbox (event_id, recorded_at, organization_id, aggregate_type, aggregate_id, version, type, subject, payload, traceparent)
SELECT * FROM unnest(
    CAST(:event_id AS uuid[]), CAST(:recorded_at AS timestamptz[]), CAST(:organization_id AS uuid[]), CAST(:aggregate_type AS text[]),
    CAST(:aggregate_id AS uuid[]), CAST(:version AS bigint[]), CAST(:type AS text[]), CAST(:subject AS text[]),
    CAST(:payload AS text[]), CAST(:traceparent AS text[]))
""")


async def write_pending(session: AsyncSession) -> None:
    """Insert the events emitted so far, in one statement. The committer calls this."""
    await session.flush()
    rows: list[_Row] = session.info.pop(_PENDING, [])
    if not rows:
        return
    columns: dict[str, list[Any]] = {
        "event_id": [row.envelope.id for row in rows],
        "recorded_at": [row.envelope.recordedtime for row in rows],
        "organization_id": [row.envelope.organization for row in rows],
        "aggregate_type": [row.envelope.aggregate for row in rows],
        "aggregate_id": [row.envelope.aggregateid for row in rows],
        "version": [row.envelope.aggregateversion for row in rows],
        "type": [row.envelope.type for row in rows],
        "subject": [row.subject for row in rows],
        "payload": [orjson.dumps(row.envelope.model_dump(mode="json", exclude_none=True)).decode() for row in rows],
        "traceparent": [row.envelope.traceparent for row in rows],
    }
    await session.execute(_INSERT, columns)
