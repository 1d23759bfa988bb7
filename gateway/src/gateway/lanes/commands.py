"""Making lanes, and saying when something is due in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session

_MAKE = text("INSERT INTO lane (endpoint_id, organization_id) VALUES (:endpoint_id, :organization_id)")
# Every lane is locked, those that are due already too: who closes a lane looks for what is due in it under the same lock, so what this
# transaction has put there is seen either by the one or by the other. In order, so that two of us cannot wait for each other.
_LOCK = text("SELECT 1 FROM lane WHERE endpoint_id = ANY(:endpoints) ORDER BY endpoint_id FOR UPDATE")
_WAKE = text("""
UPDATE lane SET due_at = greatest(:at, not_before) FROM endpoint
WHERE lane.endpoint_id = ANY(:endpoints) AND endpoint.id = lane.endpoint_id AND endpoint.enabled AND endpoint.deleted_at IS NULL
    AND (lane.due_at IS NULL OR lane.due_at > greatest(:at, not_before))
""")
_BEGIN_ANEW = text("""
UPDATE lane SET due_at = least(lane.due_at, :at), not_before = NULL, pause_seconds = 0, anew = holder IS NOT NULL FROM endpoint
WHERE lane.endpoint_id = :endpoint_id AND endpoint.id = lane.endpoint_id AND endpoint.enabled AND endpoint.deleted_at IS NULL
    AND (:throttled OR lane.pause_seconds = 0)
""")
_REST = text("UPDATE lane SET due_at = NULL WHERE endpoint_id = ANY(:endpoints)")


async def make(session: Session, organization_id: UUID, endpoint_id: UUID) -> None:
    """Make the lane of a new endpoint."""
    await session.execute(_MAKE, {"organization_id": organization_id, "endpoint_id": endpoint_id})


async def wake(session: Session, endpoints: Sequence[UUID], at: datetime) -> None:
    """Have the lanes of these endpoints looked at no later than `at`, or when their pause ends; those of disabled ones not at all.

    Call it after what is due has been written, in the same transaction.
    """
    if endpoints:
        await session.execute(_LOCK, {"endpoints": list(endpoints)})
        await session.execute(_WAKE, {"endpoints": list(endpoints), "at": at})


async def begin_anew(session: Session, endpoint_id: UUID, at: datetime, *, throttled: bool) -> None:
    """Have a lane looked at by `at` whatever pause it takes; one that a `throttled` endpoint asked for ends only when that is said.

    A process that has the lane at this moment forgets its pause when it gives the lane back. Call it after what is due has been written.
    """
    await session.execute(_LOCK, {"endpoints": [endpoint_id]})
    await session.execute(_BEGIN_ANEW, {"endpoint_id": endpoint_id, "at": at, "throttled": throttled})


async def rest(session: Session, endpoints: Sequence[UUID]) -> None:
    """Let nothing more go out in these lanes until they are woken; what is under way may still arrive."""
    if endpoints:
        await session.execute(_LOCK, {"endpoints": list(endpoints)})
        await session.execute(_REST, {"endpoints": list(endpoints)})
