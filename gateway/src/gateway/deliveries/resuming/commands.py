"""Sending what waits without waiting for its schedule."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due
from gateway.deliveries.fanout.commands import HORIZON
from gateway.deliveries.retention import commands as retention
from gateway.endpoints.commands import HASTEN
from gateway.lanes import commands as lanes

AT_ONCE = 5000

# What is due within the horizon is in order among itself, and has nothing to wait for.
_HASTEN = text("""
UPDATE delivery SET due_at = :now
FROM (
    SELECT event_id FROM delivery WHERE endpoint_id = :endpoint_id AND due_at > :horizon
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
) AS later
WHERE delivery.endpoint_id = :endpoint_id AND delivery.event_id = later.event_id
RETURNING delivery.event_id
""")


async def resume(session: Session, work: Due) -> None:
    """Give up what is no news any more, piece by piece, and then let out the rest of what has waited for an endpoint."""
    if await retention.expire(session, UUID(work.key)):
        await hasten(session, work)
    else:
        await due.schedule(session, work.organization_id, work.kind, work.key, clock.now())


async def hasten(session: Session, work: Due) -> None:
    """Have everything that waits for an endpoint go out now, piece by piece; pauses that it made us take are over."""
    now, endpoint_id = clock.now(), UUID(work.key)
    hastened = await session.execute(
        _HASTEN, {"endpoint_id": endpoint_id, "now": now, "horizon": now + HORIZON, "most": AT_ONCE}
    )
    await lanes.begin_anew(session, endpoint_id, now, throttled=True)
    if len(hastened.all()) == AT_ONCE:
        await due.schedule(session, work.organization_id, HASTEN, work.key, now)
