"""Pinning, and what a post's dates ask for."""

from __future__ import annotations

from uuid import UUID

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.requests import check_version
from content.posts import queries
from content.posts.commands import check_may_edit, schedule_upkeep, settle_post
from content.posts.models import Post
from content.posts.policy import FURTHEST_DATE, PostState
from content.posts.telling.commands import emit, ids
from content.posts.upkeep.schemas import PinWrite
from contracts.content import PostEdited, PostReviewDue


async def pin_post(
    session: Session, editor: Standing, post_id: UUID, expected: int, wanted: PinWrite
) -> queries.Document:
    """Pin a published piece; the same pin again changes nothing. Raises Problem 404, 409, 412, 422."""
    post = await queries.lock_post(session, editor.community_id, post_id)
    check_version(expected, post.version)
    check_may_edit(editor)
    if post.state != PostState.PUBLISHED:
        raise Problem(409, "not-published", "Only what is published is pinned.")
    now = clock.now()
    if wanted.until is not None and not now < wanted.until <= now + FURTHEST_DATE:
        raise invalid(
            "/until", "in-the-past" if wanted.until <= now else "too-far", "It lies in the past or too far ahead."
        )
    if (post.pin_rank, post.pinned_until) != (wanted.rank, wanted.until):
        post.pinned_at = post.pinned_at or now
        post.pin_rank, post.pinned_until = wanted.rank, wanted.until
        await _tell(session, post, editor.principal.account_id)
    return await queries.get_written_post(session, editor, post.id)


async def unpin_post(session: Session, editor: Standing, post_id: UUID, expected: int) -> queries.Document:
    """Take a piece off the pins; once more changes nothing. Raises Problem 404, 412."""
    post = await queries.lock_post(session, editor.community_id, post_id)
    check_version(expected, post.version)
    if post.pin_rank is not None:
        await _unpin(session, post, editor.principal.account_id)
    return await queries.get_written_post(session, editor, post.id)


async def _unpin(session: Session, post: Post, actor: UUID | None) -> None:
    post.pin_rank = post.pinned_at = post.pinned_until = None
    await _tell(session, post, actor)


async def _tell(session: Session, post: Post, actor: UUID | None) -> None:
    post.version += 1
    await session.flush()
    emit(session, post, PostEdited(**ids(post)), actor=actor)
    await schedule_upkeep(session, post)


async def expire_post(session: Session, post_id: UUID) -> None:
    """Let a piece expire whose date has come; it leaves the pins too."""
    post = await queries.find_locked(session, post_id)
    if post is None or post.state != PostState.PUBLISHED or post.expires_at is None or post.expires_at > clock.now():
        return
    post.pin_rank = post.pinned_at = post.pinned_until = None
    await settle_post(session, post, PostState.EXPIRED, actor=None)


async def unpin_in_time(session: Session, post_id: UUID) -> None:
    """Take a piece off the pins whose pin has come to its end."""
    post = await queries.find_locked(session, post_id)
    if post is not None and post.pinned_until is not None and post.pinned_until <= clock.now():
        await _unpin(session, post, None)


async def ask_to_look_again(session: Session, post_id: UUID) -> None:
    """Tell that a piece has come to its review date."""
    post = await queries.find_locked(session, post_id)
    if post is None or post.state != PostState.PUBLISHED or post.review_at is None or post.review_at > clock.now():
        return
    post.version += 1
    await session.flush()
    emit(session, post, PostReviewDue(**ids(post)), actor=None, at=post.review_at)
