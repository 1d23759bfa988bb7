"""Every SELECT of holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlmodel import select

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.moderation.detections import queries as detections
from content.moderation.holds import policy
from content.moderation.holds.models import Hold
from content.moderation.holds.schemas import HoldOut

# Whose text is not held any more (deleted, or a draft again) waits for nobody.
_HOLDS = """
SELECT hold.*, coalesce(comment.post_id, post.id) AS post_id, post.title, coalesce(comment.body, post.body) AS body
FROM hold
LEFT JOIN comment ON hold.subject_kind = 'comment' AND comment.id = hold.subject_id
LEFT JOIN post ON hold.subject_kind = 'post' AND post.id = hold.subject_id
WHERE hold.community_id = :community_id
"""
_WAITING = f"{_HOLDS} AND hold.state = 'waiting' AND coalesce(comment.state, post.state) = 'held'"
_QUEUE = text(f"{_WAITING} ORDER BY hold.held_at, hold.id LIMIT :most")
_QUEUE_AFTER = text(
    f"{_WAITING} AND (hold.held_at, hold.id) > (:held_at, :id) ORDER BY hold.held_at, hold.id LIMIT :most"
)
_ONE = text(f"{_HOLDS} AND hold.id = :id AND coalesce(comment.post_id, post.id) IS NOT NULL")


async def list_page(
    session: Session, member: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[HoldOut]:
    """Return a page of what waits, longest first. Raises Problem 422 for a foreign cursor."""
    scope = f"holds:{member.principal.organization_id}:{member.community_id}"
    after = cursors.decode(scope, cursor)
    values: dict[str, Any] = {"community_id": member.community_id, "most": limit + 1}
    if after is not None:
        values |= {"held_at": datetime.fromisoformat(after[0]), "id": UUID(after[1])}
    rows = (await session.execute(_QUEUE_AFTER if after else _QUEUE, values)).mappings().all()
    following = cursors.following(scope, rows, limit, lambda row: (row["held_at"], row["id"]))
    return Page(data=await _out(session, member, rows[:limit]), next_cursor=following)


async def get_hold(session: Session, member: Standing, hold_id: UUID) -> HoldOut:
    """Return a hold with its text. Raises Problem 404."""
    rows = (await session.execute(_ONE, {"community_id": member.community_id, "id": hold_id})).mappings().all()
    if not rows:
        raise not_found("hold")
    return (await _out(session, member, rows))[0]


async def _out(session: Session, member: Standing, rows: Sequence[RowMapping]) -> list[HoldOut]:
    found = await detections.of_subjects(session, [row["subject_id"] for row in rows])
    return [
        HoldOut.model_validate(
            {
                **row,
                "detections": found.get(row["subject_id"], []),
                "can": policy.can(row["state"], own=row["author_id"] == member.principal.account_id),
            }
        )
        for row in rows
    ]


async def find_hold(session: Session, community_id: UUID, hold_id: UUID) -> Hold:
    """Return a hold as it was when somebody last looked, to learn what it is about. Raises Problem 404."""
    found = (
        await session.scalars(select(Hold).where(Hold.id == hold_id, Hold.community_id == community_id))
    ).one_or_none()
    if found is None:
        raise not_found("hold")
    return found


async def find_hold_about(session: Session, subject_id: UUID) -> Hold | None:
    """Return the hold of a text as it is at the moment."""
    return (await session.scalars(select(Hold).where(Hold.subject_id == subject_id))).one_or_none()


async def find_hold_of(session: Session, subject_id: UUID) -> Hold | None:
    """Return the hold of a text, locked."""
    return (await session.scalars(select(Hold).where(Hold.subject_id == subject_id).with_for_update())).one_or_none()
