"""Giving up what waits in vain, and forgetting what is older than it is kept."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from chassis.due import Due
from gateway.deliveries.fanout.commands import LOOK_AGAIN, PRUNE_KIND
from gateway.deliveries.policy import KEPT, RECOVERABLE

SETTLE_KIND = "deliveries.settle"
AT_ONCE = 5000

# Nobody waits for locks of deliveries that are going out at this moment: they are looked at again.
_SETTLE = text("""
UPDATE delivery SET state = 'undelivered', due_at = NULL, settled_at = :now,
    reason = CASE WHEN gone.deleted THEN 'endpoint_deleted' ELSE 'expired' END
FROM (
    SELECT delivery.endpoint_id, delivery.event_id, endpoint.deleted_at IS NOT NULL AS deleted
    FROM endpoint JOIN delivery ON delivery.endpoint_id = endpoint.id AND delivery.due_at IS NOT NULL
    WHERE endpoint.id = :endpoint_id
        AND (endpoint.deleted_at IS NOT NULL OR greatest(delivery.created_at, delivery.replayed_at) < :oldest)
    LIMIT :most FOR UPDATE OF delivery SKIP LOCKED
) AS gone
WHERE delivery.endpoint_id = gone.endpoint_id AND delivery.event_id = gone.event_id
RETURNING delivery.event_id
""")
_IN_VAIN = text("""
SELECT endpoint.id FROM endpoint WHERE endpoint.organization_id = :organization_id
    AND (NOT endpoint.enabled OR endpoint.deleted_at IS NOT NULL)
    AND EXISTS (SELECT 1 FROM delivery WHERE delivery.endpoint_id = endpoint.id AND delivery.due_at IS NOT NULL)
""")
# What somebody is still to be told is kept until it is settled. It may become so while this runs, by a replay: then its row says it.
_FORGET = text("""
WITH old AS (
    SELECT event_id FROM message WHERE organization_id = :organization_id AND created_at < :oldest
        AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event_id = message.event_id AND due_at IS NOT NULL)
    ORDER BY created_at LIMIT :most
), chosen AS (
    SELECT delivery.endpoint_id, delivery.event_id FROM old JOIN delivery ON delivery.event_id = old.event_id LIMIT :most
), forgotten AS (
    DELETE FROM delivery USING chosen
    WHERE delivery.endpoint_id = chosen.endpoint_id AND delivery.event_id = chosen.event_id AND delivery.due_at IS NULL
    RETURNING delivery.endpoint_id, delivery.event_id
), attempts AS (
    DELETE FROM attempt USING forgotten WHERE attempt.endpoint_id = forgotten.endpoint_id AND attempt.event_id = forgotten.event_id
)
SELECT event_id FROM forgotten
""")
# A delivery needs its message.
_FORGET_MESSAGES = text("""
DELETE FROM message WHERE event_id IN (
    SELECT event_id FROM message WHERE organization_id = :organization_id AND created_at < :oldest
        AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event_id = message.event_id)
    ORDER BY created_at LIMIT :most
) RETURNING event_id
""")
_FORGET_REPLAYS = text("DELETE FROM replay WHERE organization_id = :organization_id AND created_at < :oldest")
_ANY = text("SELECT EXISTS (SELECT 1 FROM message WHERE organization_id = :organization_id)")


async def settle(session: Session, work: Due) -> None:
    """Give up what waits for an endpoint in vain, piece by piece: all of a deleted one's, what is no news any more of a disabled one's."""
    if not await expire(session, UUID(work.key)):
        await due.schedule(session, work.organization_id, SETTLE_KIND, work.key, clock.now())


async def expire(session: Session, endpoint_id: UUID) -> bool:
    """Give up some of what waits for an endpoint and is no news any more, all of it for a deleted one; return whether that was the rest."""
    now = clock.now()
    settled = await session.execute(
        _SETTLE, {"endpoint_id": endpoint_id, "now": now, "oldest": now - RECOVERABLE, "most": AT_ONCE}
    )
    return len(settled.all()) < AT_ONCE


async def prune(session: Session, work: Due) -> None:
    """Forget a tenant's messages, deliveries and attempts that are old, piece by piece, and have what waits in vain given up; once a day."""
    now = clock.now()
    which = {"organization_id": work.organization_id, "oldest": now - KEPT, "most": AT_ONCE}
    forgotten = len((await session.execute(_FORGET, which)).all())
    if forgotten < AT_ONCE:
        # Nothing hangs on them any more.
        forgotten = len((await session.execute(_FORGET_MESSAGES, which)).all())
        await session.execute(_FORGET_REPLAYS, which)
    if forgotten == AT_ONCE:
        await due.schedule(session, work.organization_id, PRUNE_KIND, work.key, now)
        return
    in_vain = (await session.execute(_IN_VAIN, which)).scalars()
    wanted = [(str(endpoint_id), now) for endpoint_id in in_vain]
    await due.schedule_many(session, work.organization_id, SETTLE_KIND, sorted(wanted))
    if (await session.execute(_ANY, which)).scalar_one():
        await due.schedule(session, work.organization_id, PRUNE_KIND, work.key, now + LOOK_AGAIN)
