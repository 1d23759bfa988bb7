"""Every SELECT of activities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, or_, select

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


async def list_next(
    session: Session, community_id: UUID, groups: Sequence[UUID], at: datetime, most: int
) -> list[KnownActivity]:
    """Return the published activities of a community that are under way or begin next, those of these groups with them."""
    found = await session.scalars(
        select(KnownActivity)
        .where(
            KnownActivity.community_id == community_id,
            KnownActivity.state == ActivityState.PUBLISHED.value,
            or_(KnownActivity.starts_at >= at, col(KnownActivity.ends_at) > at),
            or_(col(KnownActivity.group_id).is_(None), col(KnownActivity.group_id).in_(groups)),
        )
        .order_by(col(KnownActivity.starts_at), col(KnownActivity.activity_id))
        .limit(most)
    )
    return list(found)
