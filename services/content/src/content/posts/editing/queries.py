"""What a post said before, and what it may say next."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.posts.editing.schemas import RevisionOut
from content.posts.models import Post, PostProposal

_REVISIONS = text("""
SELECT number, editor_id, title, body, written_at FROM (
    SELECT number, editor_id, title, body, written_at FROM post_revision WHERE post_id = :post_id
    UNION ALL
    SELECT revision, coalesce(edited_by, author_id), title, body, coalesce(edited_at, published_at) FROM post WHERE id = :post_id
) AS said WHERE number < :before ORDER BY number DESC LIMIT :limit
""")
_FIRST = 2**31 - 1


async def list_revisions(
    session: Session, cursors: Cursors, post: Post, *, limit: int, cursor: str | None
) -> Page[RevisionOut]:
    """Return what a post says and said, newest first. Raises Problem 422 for a foreign cursor."""
    scope = f"revisions:{post.organization_id}:{post.id}"
    after = cursors.decode(scope, cursor)
    before = int(after[0]) if after else _FIRST
    found = await session.execute(_REVISIONS, {"post_id": post.id, "before": before, "limit": limit + 1})
    rows = [RevisionOut.model_validate(row) for row in found]
    return Page[RevisionOut](
        data=rows[:limit], next_cursor=cursors.following(scope, rows, limit, lambda row: row.number)
    )


async def find_proposal(session: Session, post_id: UUID) -> PostProposal | None:
    """Return the new words of a post that wait for a second person."""
    return await session.get(PostProposal, post_id)
