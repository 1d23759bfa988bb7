"""Every SELECT of detectors."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, func, select

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.moderation.detectors.models import Detector
from content.moderation.detectors.schemas import DetectorOut, DetectorSummary

_ABILITIES = ["edit", "delete"]


def out(detector: Detector) -> DetectorOut:
    """Return a detector as moderators see it."""
    return DetectorOut.model_validate({**detector.model_dump(), "can": _ABILITIES})


async def list_page(
    session: Session, member: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[DetectorSummary]:
    """Return a page of the community's detectors, oldest first. Raises Problem 422 for a foreign cursor."""
    scope = f"detectors:{member.principal.organization_id}:{member.community_id}"
    after = cursors.decode(scope, cursor)
    wanted = select(Detector).where(Detector.community_id == member.community_id, col(Detector.retired_at).is_(None))
    if after is not None:
        wanted = wanted.where(col(Detector.id) > UUID(after[0]))
    rows = list(await session.scalars(wanted.order_by(col(Detector.id)).limit(limit + 1)))
    following = cursors.following(scope, rows, limit, lambda row: row.id)
    data = [DetectorSummary.model_validate({**row.model_dump(), "can": _ABILITIES}) for row in rows[:limit]]
    return Page(data=data, next_cursor=following)


async def get_detector(session: Session, community_id: UUID, detector_id: UUID, *, locked: bool = False) -> Detector:
    """Return a detector that is not retired. Raises Problem 404."""
    wanted = select(Detector).where(
        Detector.id == detector_id, Detector.community_id == community_id, col(Detector.retired_at).is_(None)
    )
    found = (await session.scalars(wanted.with_for_update() if locked else wanted)).one_or_none()
    if found is None:
        raise not_found("detector")
    return found


async def count_detectors(session: Session, community_id: UUID) -> int:
    """Return how many detectors a community has."""
    counted = await session.scalars(
        select(func.count()).where(Detector.community_id == community_id, col(Detector.retired_at).is_(None))
    )
    return counted.one()
