"""Writing down what came of attempts, each tenant's by itself: one whose rows somebody holds keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock, telemetry
from chassis.db import transaction
from chassis.outages import is_locked, is_outage
from gateway.deliveries.dispatch import commands
from gateway.deliveries.dispatch.commands import Made
from gateway.deliveries.dispatch.lane import FAULT_SECONDS, Lane
from gateway.deliveries.dispatch.queue import grouped

WRITERS = 4
"""How many tenants' attempts are written at once; each writer has a connection meanwhile."""
RECORDED_AT_ONCE = 500
AGAIN_SECONDS = 0.2

log = telemetry.log("gateway.dispatch")

Pair = tuple[Lane, Made]


class Recorder:
    """Keeps attempts until they are in the database; `written` is called with each lane of which some are."""

    def __init__(self, engine: AsyncEngine, written: Callable[[Lane], None]) -> None:
        self._engine = engine
        self._written = written
        self._waiting: dict[UUID, deque[Pair]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers = asyncio.Semaphore(WRITERS)

    def put(self, lane: Lane, made: Made) -> None:
        """Have an attempt written down, together with what else waits of its tenant by then."""
        waiting = self._waiting.get(lane.organization_id)
        if waiting is None:
            waiting = self._waiting[lane.organization_id] = deque()
            task = asyncio.create_task(self._write_down(lane.organization_id, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.append((lane, made))

    async def finish(self, seconds: float) -> None:
        """Wait until all is written, no longer than so many seconds: what is not is sent again by the next process."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _write_down(self, organization_id: UUID, waiting: deque[Pair]) -> None:
        """Write until nothing of the tenant waits; an outage of the database is waited out."""
        while waiting:
            async with self._writers:
                batch = [waiting.popleft() for _ in range(min(RECORDED_AT_ONCE, len(waiting)))]
                left = await self._record(organization_id, batch)
            if left:
                for _, made in left:
                    made.again = True
                waiting.extend(left)
                await asyncio.sleep(AGAIN_SECONDS)
        del self._waiting[organization_id]

    async def _record(self, organization_id: UUID, batch: list[Pair]) -> list[Pair]:
        """Write a batch down, in smaller parts when some of it cannot be written; return what is to be tried again."""
        parts, left = deque([batch]), list[Pair]()
        while parts:
            part = parts.popleft()
            try:
                failing = await self._write(organization_id, part)
            except Exception as error:
                smaller = grouped(part, lambda pair: pair[0].endpoint_id)
                if is_locked(error) and len(smaller) > 1:
                    parts.extend(group for _, group in smaller)
                elif is_outage(error):
                    log.warning(
                        "attempts_wait", attempts=len(part), error=type(error).__name__, detail=str(error)[:300]
                    )
                    left += part
                    if not is_locked(error):
                        return left + [pair for other in parts for pair in other]
                elif len(part) > 1:
                    # One of them cannot be written: the others must not wait for it.
                    parts.extend([pair] for pair in part)
                else:
                    lane, made = part[0]
                    log.exception("attempt_not_written", endpoint_id=str(made.endpoint_id), event_id=str(made.event_id))
                    lane.pause(clock.now() + timedelta(seconds=FAULT_SECONDS))
                    self._settle(part, {made.endpoint_id})
            else:
                self._settle(part, failing)
        return left

    async def _write(self, organization_id: UUID, group: list[Pair]) -> set[UUID]:
        """Write attempts down in one transaction; return which of their endpoints are failing now."""
        made = [one for _, one in group]
        known = {lane.endpoint_id for lane, _ in group if lane.failing}
        async with transaction(self._engine, organization_id, lock_timeout=commands.LOCK_SECONDS) as session:
            await commands.record(session, made)
            return await commands.note_health(session, made, known)

    def _settle(self, group: list[Pair], failing: set[UUID]) -> None:
        for lane, made in group:
            lane.unrecorded.discard(made.event_id)
            lane.failing = lane.endpoint_id in failing
        for lane in {id(lane): lane for lane, _ in group}.values():
            self._written(lane)
