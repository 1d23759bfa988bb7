"""Every write of activities: engagement's, as it tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from chassis.inbox import Received
from contracts.engagement import ActivityEvent, ActivityState

WITHDRAWN = "activities.withdrawn"

_PUT = text("""
INSERT INTO standing_activity (activity_id, organization_id, community_id, group_id, state, starts_at, ends_at)
VALUES (:activity_id, :organization_id, :community_id, :group_id, :state, :starts_at, :ends_at)
ON CONFLICT (activity_id) DO UPDATE SET group_id = EXCLUDED.group_id, state = EXCLUDED.state,
    starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at
""")


async def note_activities(session: Session, events: Sequence[Received[ActivityEvent]]) -> None:
    """Keep each activity's state and times."""
    await session.execute(
        _PUT,
        [
            {
                **one.event.model_dump(include={"activity_id", "community_id", "group_id", "starts_at", "ends_at"}),
                "state": one.event.state.value,
                "organization_id": one.envelope.organization,
            }
            for one in events
        ],
    )
    now = clock.now()
    for one in events:
        if one.event.state is not ActivityState.PUBLISHED:
            activity_id = str(one.event.activity_id)
            key = f"{activity_id}/{one.envelope.aggregateversion}"
            await due.schedule(session, one.envelope.organization, WITHDRAWN, key, now, {"activity_id": activity_id})


async def forget_activities(session: Session) -> None:
    """Forget the tenant's activities, before a backfill."""
    await session.execute(text("DELETE FROM standing_activity"))
