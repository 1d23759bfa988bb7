"""Every SELECT of reviews."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select

from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.posts.models import Post, PostProposal, PostReview
from content.posts.review.schemas import ReviewOut


async def lock_proposal(session: Session, post_id: UUID) -> PostProposal | None:
    """Return the new words of a locked post that wait for a second person."""
    return await session.get(PostProposal, post_id, with_for_update=True)


async def list_reviews(
    session: Session, cursors: Cursors, post: Post, *, limit: int, cursor: str | None
) -> Page[ReviewOut]:
    """Return the decisions on a piece, newest first. Raises Problem 422 for a foreign cursor."""
    scope = f"reviews:{post.organization_id}:{post.id}"
    after = cursors.decode(scope, cursor)
    wanted = (
        select(PostReview).where(PostReview.post_id == post.id).order_by(col(PostReview.id).desc()).limit(limit + 1)
    )
    if after is not None:
        wanted = wanted.where(PostReview.id < UUID(after[0]))
    rows = list(await session.scalars(wanted))
    return Page[ReviewOut](
        data=[ReviewOut.model_validate(row) for row in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
