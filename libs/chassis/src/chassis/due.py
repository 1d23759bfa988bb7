"""Due work: the only scheduler. A row says what is due when; its effect happens in the transaction that removes the row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock, telemetry
from chassis.db import Session, enter_tenant, transaction
from chassis.outages import is_outage, is_too_long

IDLE_SECONDS = 0.5
LONGEST_RETRY = timedelta(hours=1)

log = telemetry.log("chassis.due")


@dataclass(frozen=True)
class Due:
    """One piece of work whose time has come."""

    organization_id: UUID
    kind: str
    key: str
    due_at: datetime
    payload: dict[str, Any]


Work = Callable[[Session, Due], Awaitable[None]]


class Jobs:
    """What one service does by the clock, by kind of work."""

    def __init__(self) -> None:
        self.by_kind: dict[str, Work] = {}

    def on(self, kind: str) -> Callable[[Work], Work]:
        """Register the work of a kind (`<noun>.<verb>`). It runs as the row's tenant; the row is gone when its transaction commits."""

        def register(work: Work) -> Work:
            if kind in self.by_kind:
                raise ValueError(f"{kind} is registered twice")
            self.by_kind[kind] = work
            return work

        return register

    def include(self, other: Jobs) -> None:
        """Take over another's work."""
        for kind, work in other.by_kind.items():
            self.on(kind)(work)


_MOVE = "DO UPDATE SET due_at = EXCLUDED.due_at, payload = EXCLUDED.payload, attempts = 0, error = NULL"


async def schedule(
    session: Session,
    organization_id: UUID,
    kind: str,
    key: str,
    due_at: datetime,
    payload: dict[str, Any] | None = None,
    *,
    keep: bool = False,
) -> None:
    """Have `kind` done for `key` at `due_at`. A later call moves it, unless `keep` leaves what is scheduled already."""
    conflict = "DO NOTHING" if keep else _MOVE
    await session.execute(
        text(
            "INSERT INTO due_work (organization_id, kind, key, due_at, payload) "
            f"VALUES (:organization_id, :kind, :key, :due_at, CAST(:payload AS jsonb)) ON CONFLICT (organization_id, kind, key) {conflict}"
        ),
        {
            "organization_id": organization_id,
            "kind": kind,
            "key": key,
            "due_at": due_at,
            "payload": orjson.dumps(payload or {}).decode(),
        },
    )


async def schedule_many(
    session: Session, organization_id: UUID, kind: str, wanted: Sequence[tuple[str, datetime]], *, keep: bool = True
) -> None:
    """Have `kind` done for each key at its instant, in one statement; what is scheduled already stays, unless `keep` is false."""
    if not wanted:
        return
    conflict = "DO NOTHING" if keep else _MOVE
    await session.execute(
        text(f"""
            INSERT INTO due_work (organization_id, kind, key, due_at)
            SELECT :organization_id, :kind, key, due_at
            FROM unnest(CAST(:keys AS text[]), CAST(:instants AS timestamptz[])) AS wanted(key, due_at)
            ORDER BY key ON CONFLICT (organization_id, kind, key) {conflict}
        """),
        {
            "organization_id": organization_id,
            "kind": kind,
            "keys": [key for key, _ in wanted],
            "instants": [at for _, at in wanted],
        },
    )


async def cancel(session: Session, organization_id: UUID, kind: str, key: str) -> None:
    """Take back scheduled work; nothing happens when there is none."""
    await session.execute(
        text("DELETE FROM due_work WHERE organization_id = :organization_id AND kind = :kind AND key = :key"),
        {"organization_id": organization_id, "kind": kind, "key": key},
    )


_CLAIM = text("""
DELETE FROM due_work WHERE (organization_id, kind, key) = (
    SELECT organization_id, kind, key FROM due_work WHERE due_at <= :now AND kind = ANY(:kinds)
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING organization_id, kind, key, due_at, payload::text AS payload, attempts
""")


class Scheduler:
    """Does due work. Any number may run at once; each row is done by one."""

    def __init__(self, engine: AsyncEngine, jobs: Jobs) -> None:
        self._engine = engine
        self._jobs = jobs

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; an outage is waited out."""
        while not stopping.is_set():
            try:
                worked = await self.work_one()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  the row is still there: wait and try again
                log.warning("scheduler_waits", error=type(error).__name__, detail=str(error)[:300])
                worked = False
            if not worked:
                try:
                    await asyncio.wait_for(stopping.wait(), IDLE_SECONDS)
                except TimeoutError:
                    continue

    async def work_one(self) -> bool:
        """Do the piece that has been due longest; return whether there was one. A failure is scheduled again, later each time."""
        due: Due | None = None
        attempts = 0
        try:
            async with transaction(self._engine) as session:
                row = (
                    await session.execute(_CLAIM, {"now": clock.now(), "kinds": list(self._jobs.by_kind)})
                ).one_or_none()
                if row is None:
                    return False
                due, attempts = (
                    Due(row.organization_id, row.kind, row.key, row.due_at, orjson.loads(row.payload)),
                    row.attempts,
                )
                await enter_tenant(session, due.organization_id)
                await self._jobs.by_kind[due.kind](session, due)
        except Exception as error:
            # What takes too long may do so each time: it must not stay the one that has been due longest.
            if due is None or (is_outage(error) and not is_too_long(error)):
                raise
            await self._later(due, attempts + 1, error)
            return True
        telemetry.DUE.labels(due.kind, "done").inc()
        return True

    async def _later(self, due: Due, attempts: int, error: Exception) -> None:
        """Put failed work off, unless somebody has moved it meanwhile."""
        log.error("due_work_failed", exc_info=error, kind=due.kind, key=due.key, attempts=attempts)
        telemetry.DUE.labels(due.kind, "failed").inc()
        wait = min(timedelta(seconds=2 ** min(attempts, 12)), LONGEST_RETRY)
        async with transaction(self._engine) as session:
            await session.execute(
                text(
                    "UPDATE due_work SET attempts = :attempts, error = :error, due_at = :due_at "
                    "WHERE organization_id = :organization_id AND kind = :kind AND key = :key AND due_at = :was"
                ),
                {
                    "was": due.due_at,
                    "attempts": attempts,
                    "error": f"{type(error).__name__}: {error}"[:2000],
                    "due_at": clock.now() + wait,
                    "organization_id": due.organization_id,
                    "kind": due.kind,
                    "key": due.key,
                },
            )
