"""Every SELECT of activities."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from chassis.db import Session
from content.calendar.activities.models import KnownActivity
from contracts.engagement import ActivityState


async def find_activity(session: Session, community_id: UUID, activity_id: UUID) -> KnownActivity | None:
    """Return an activity of the community."""
    found = await session.scalars(
        select(KnownActivity).where(
            KnownActivity.activity_id == activity_id, KnownActivity.community_id == community_id
        )
    )
    return found.one_or_none()


async def list_next(session: Session, community_id: UUID, after: datetime, most: int) -> list[KnownActivity]:
    """Return the published activities that begin next."""
    found = await session.scalars(
        select(KnownActivity)
        .where(
            KnownActivity.community_id == community_id,
            KnownActivity.state == ActivityState.PUBLISHED.value,
            KnownActivity.starts_at >= after,
        )
        .order_by(col(KnownActivity.starts_at), col(KnownActivity.activity_id))
        .limit(most)
    )
    return list(found)
