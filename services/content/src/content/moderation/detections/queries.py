"""Every SELECT of detections."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import col, select

from chassis.auth import Standing
from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.moderation.detections.models import Detection
from content.moderation.detections.schemas import DetectionOut


async def list_page(
    session: Session,
    member: Standing,
    cursors: Cursors,
    *,
    author: UUID | None,
    detector: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[DetectionOut]:
    """Return a page of what was found, newest first. Raises Problem 422 for a foreign cursor."""
    scope = f"detections:{member.principal.organization_id}:{member.community_id}:{author}:{detector}"
    after = cursors.decode(scope, cursor)
    wanted = select(Detection).where(Detection.community_id == member.community_id)
    if author is not None:
        wanted = wanted.where(Detection.author_id == author)
    if detector is not None:
        wanted = wanted.where(Detection.detector_id == detector)
    if after is not None:
        wanted = wanted.where(col(Detection.id) < UUID(after[0]))
    rows = list(await session.scalars(wanted.order_by(col(Detection.id).desc()).limit(limit + 1)))
    following = cursors.following(scope, rows, limit, lambda row: row.id)
    return Page(data=[DetectionOut.model_validate(row) for row in rows[:limit]], next_cursor=following)


async def of_subjects(session: Session, subject_ids: Iterable[UUID]) -> dict[UUID, list[DetectionOut]]:
    """Return what was found in each of some texts, oldest first."""
    rows = await session.scalars(
        select(Detection).where(col(Detection.subject_id).in_(list(subject_ids))).order_by(col(Detection.id))
    )
    found: dict[UUID, list[DetectionOut]] = {}
    for row in rows:
        found.setdefault(row.subject_id, []).append(DetectionOut.model_validate(row))
    return found
