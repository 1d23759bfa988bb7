"""Every SELECT of external checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlmodel import select

from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from content.media import queries as media
from content.media.schemas import MediaShown
from content.moderation.external.models import ExternalCheck
from content.moderation.external.schemas import CheckOut
from contracts.content import SubjectKind

_CHECKS = """
SELECT external_check.id, external_check.community_id, subject_kind, subject_id, post.title,
    coalesce(comment.body, post.body) AS body, requested_at, external_check.state, external_check.version
FROM external_check
LEFT JOIN comment ON subject_kind = 'comment' AND comment.id = subject_id AND comment.deleted_at IS NULL
LEFT JOIN post ON subject_kind = 'post' AND post.id = subject_id AND post.deleted_at IS NULL
WHERE coalesce(comment.body, post.body) IS NOT NULL
"""
_WAITING = f"{_CHECKS} AND external_check.state = 'waiting'"
_QUEUE = text(f"{_WAITING} ORDER BY external_check.id LIMIT :most")
_QUEUE_AFTER = text(f"{_WAITING} AND external_check.id > :id ORDER BY external_check.id LIMIT :most")
_ONE = text(f"{_CHECKS} AND external_check.id = :id")


async def list_waiting(
    session: Session, client: Principal, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[CheckOut]:
    """Return a page of what waits in all communities, oldest first. Raises Problem 422 for a foreign cursor."""
    scope = f"checks:{client.organization_id}"
    after = cursors.decode(scope, cursor)
    values: dict[str, Any] = {"most": limit + 1} | ({"id": UUID(after[0])} if after else {})
    rows = (await session.execute(_QUEUE_AFTER if after else _QUEUE, values)).mappings().all()
    following = cursors.following(scope, rows, limit, lambda row: row["id"])
    return Page(data=await _shown(session, rows[:limit]), next_cursor=following)


async def _shown(session: Session, rows: Sequence[RowMapping]) -> list[CheckOut]:
    """Return checks with the uploads that stand in their texts."""
    shown: dict[UUID, list[MediaShown]] = {}
    for kind in SubjectKind:
        ids = [row["subject_id"] for row in rows if row["subject_kind"] == kind]
        shown |= await media.shown_in(session, kind, ids) if ids else {}
    return [CheckOut(**row, media=shown.get(row["subject_id"], [])) for row in rows]


async def get_check(session: Session, check_id: UUID) -> CheckOut:
    """Return a check with its text. Raises Problem 404."""
    row = (await session.execute(_ONE, {"id": check_id})).mappings().one_or_none()
    if row is None:
        raise not_found("check")
    return (await _shown(session, [row]))[0]


async def find_check(session: Session, check_id: UUID, *, locked: bool = False) -> ExternalCheck:
    """Return a check. Raises Problem 404."""
    wanted = select(ExternalCheck).where(ExternalCheck.id == check_id)
    found = (await session.scalars(wanted.with_for_update() if locked else wanted)).one_or_none()
    if found is None:
        raise not_found("check")
    return found


async def find_check_of(session: Session, subject_id: UUID) -> ExternalCheck | None:
    """Return the check of a text, locked."""
    wanted = select(ExternalCheck).where(ExternalCheck.subject_id == subject_id).with_for_update()
    return (await session.scalars(wanted)).one_or_none()
