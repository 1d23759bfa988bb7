"""Taking lanes, keeping them, and giving them back.

A lease says which process lives, so its times are the database's own: one clock for all processes, which no test moves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session

LEASE_SECONDS = 15.0
"""How long a process that died keeps others from its lanes."""

# Lanes that the process has already are taken again when something new is due in them.
_TAKE = text("""
UPDATE lane SET holder = :holder, held_until = clock_timestamp() + make_interval(secs => :lease), due_at = NULL,
    anew = anew AND holder IS NOT DISTINCT FROM :holder
WHERE endpoint_id IN (
    SELECT endpoint_id FROM (
        SELECT endpoint_id FROM lane
        WHERE due_at <= :now AND NOT ailing AND (holder IS NULL OR holder = :holder OR held_until < clock_timestamp())
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED) AS working
    UNION ALL SELECT endpoint_id FROM (
        SELECT endpoint_id FROM lane
        WHERE due_at <= :now AND ailing AND (holder IS NULL OR holder = :holder OR held_until < clock_timestamp())
        ORDER BY due_at LIMIT :most_ailing FOR UPDATE SKIP LOCKED) AS failing)
RETURNING endpoint_id, organization_id, ailing, pause_seconds
""")
# Who wakes a lane holds its row until it commits, and may be long about it: nothing here waits for that, for all the lanes would.
_KEEP = text("""
UPDATE lane SET held_until = clock_timestamp() + make_interval(secs => :lease)
WHERE endpoint_id IN (
    SELECT endpoint_id FROM lane WHERE holder = :holder AND endpoint_id = ANY(:endpoints) FOR UPDATE SKIP LOCKED)
RETURNING endpoint_id
""")
_FREE = text("""
UPDATE lane SET holder = NULL, held_until = NULL, due_at = greatest(:now, not_before)
WHERE endpoint_id IN (
    SELECT endpoint_id FROM lane WHERE holder IS NOT NULL AND held_until < clock_timestamp() AND endpoint_id <> ALL(:but)
    FOR UPDATE SKIP LOCKED)
""")
_HELD = text("SELECT endpoint_id FROM lane WHERE endpoint_id = ANY(:endpoints) AND holder = :holder")
_LOCK = text(
    "SELECT endpoint_id FROM lane WHERE endpoint_id = ANY(:endpoints) AND holder = :holder FOR UPDATE SKIP LOCKED"
)
# In a statement of its own, after the lock: it sees what whoever held the lock before has committed, so nothing that was put there is missed.
_CLOSE = text("""
UPDATE lane SET
    holder = NULL, held_until = NULL, anew = false, ailing = closing.ailing,
    pause_seconds = CASE WHEN anew THEN 0 ELSE closing.pause_seconds END, not_before = CASE WHEN NOT anew THEN closing.not_before END,
    due_at = CASE WHEN endpoint.enabled AND endpoint.deleted_at IS NULL THEN greatest(CASE WHEN NOT anew THEN closing.not_before END,
        (SELECT due_at FROM delivery WHERE delivery.endpoint_id = lane.endpoint_id AND due_at IS NOT NULL ORDER BY due_at LIMIT 1)) END
FROM unnest(
    CAST(:endpoints AS uuid[]), CAST(:ailing AS boolean[]), CAST(:pauses AS double precision[]), CAST(:not_before AS timestamptz[])
) AS closing(endpoint_id, ailing, pause_seconds, not_before), endpoint
WHERE lane.endpoint_id = closing.endpoint_id AND endpoint.id = lane.endpoint_id AND lane.holder = :holder
""")


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane that the process has from now on."""

    endpoint_id: UUID
    organization_id: UUID
    ailing: bool
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Closing:
    """A lane that is given back, and what is to be remembered of it.

    `not_before` is set when something waits in it though it may not go out yet: a pause that the endpoint asked for.
    """

    endpoint_id: UUID
    ailing: bool
    pause_seconds: float
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Which lanes could not be kept: for another transaction has them `locked`, to be tried again soon, or because they are `lost`."""

    locked: set[UUID]
    lost: set[UUID]


async def take(session: Session, holder: UUID, now: datetime, *, most: int, most_ailing: int) -> list[Taken]:
    """Take lanes in which something is due, those first that have waited longest: so many of endpoints that work, so many that fail."""
    found = await session.execute(
        _TAKE, {"holder": holder, "lease": LEASE_SECONDS, "now": now, "most": most, "most_ailing": most_ailing}
    )
    return [Taken(*row) for row in found.all()]


async def keep(session: Session, holder: UUID, endpoints: Collection[UUID]) -> Kept:
    """Keep the lanes for another while, but for those that are not the process's own any more."""
    found = await session.execute(_KEEP, {"holder": holder, "lease": LEASE_SECONDS, "endpoints": list(endpoints)})
    left = set(endpoints).difference(found.scalars().all())
    locked = await _still_held(session, holder, left)
    return Kept(locked, left - locked)


async def free(session: Session, now: datetime, *, but: Collection[UUID] = ()) -> None:
    """Make the lanes of processes that are gone due, `but` those that the caller knows to be alive."""
    await session.execute(_FREE, {"now": now, "but": list(but)})


async def close(session: Session, holder: UUID, lanes: Sequence[Closing]) -> set[UUID]:
    """Give lanes of the session's tenant back; each is due again when the first of what waits in it is.

    Returns those that are the process's own still, for another transaction has them locked.
    """
    found = await session.execute(_LOCK, {"endpoints": [lane.endpoint_id for lane in lanes], "holder": holder})
    locked = set(found.scalars().all())
    closing = [lane for lane in lanes if lane.endpoint_id in locked]
    if closing:
        await session.execute(
            _CLOSE,
            {
                "holder": holder,
                "endpoints": [lane.endpoint_id for lane in closing],
                "ailing": [lane.ailing for lane in closing],
                "pauses": [lane.pause_seconds for lane in closing],
                "not_before": [lane.not_before for lane in closing],
            },
        )
    return await _still_held(session, holder, {lane.endpoint_id for lane in lanes} - locked)


async def _still_held(session: Session, holder: UUID, endpoints: set[UUID]) -> set[UUID]:
    if not endpoints:
        return set()
    found = await session.execute(_HELD, {"holder": holder, "endpoints": list(endpoints)})
    return set(found.scalars().all())
