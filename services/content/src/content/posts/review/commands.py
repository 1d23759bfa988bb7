"""Bringing a piece out, having it read, and taking it back."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from content.posts import policy as posts_policy
from content.posts import queries
from content.posts.commands import (
    bring_out,
    check_may_speak,
    check_persona,
    judge,
    render_checked,
    schedule_upkeep,
    settle_post,
    utterance_of,
)
from content.posts.editing.commands import check_may_change, reword
from content.posts.models import Post, PostProposal, PostReview
from content.posts.policy import Act, PostState
from content.posts.review import policy
from content.posts.review.queries import lock_proposal
from content.posts.telling.commands import emit, ids, tell_published, tell_written
from content.refusal import check
from contracts.content import PostRestored


async def _take(session: Session, member: Standing, post_id: UUID, expected: int) -> Post:
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post)
    check_version(expected, post.version)
    return post


async def publish_draft(session: Session, member: Standing, post_id: UUID, expected: int) -> queries.Document:
    """Bring a draft out, or what has expired once more. Raises Problem 403, 404, 409, 412, KeptProblem 422.

    Where the community asks for review it goes there; a rule may hold it.
    """
    post = await _take(session, member, post_id, expected)
    check_may_speak(member)
    check(policy.step_refusal("published", PostState(post.state), policy.PUBLISHABLE))
    caller = queries.caller_of(member)
    await _check_comes_out(session, post, caller)
    await bring_out(session, post, caller, await render_checked(post.body), by=member.principal.account_id)
    await _show(session, post, member.principal.account_id)
    return await queries.get_written_post(session, member, post.id)


async def _check_comes_out(session: Session, post: Post, caller: posts_policy.Caller) -> None:
    """Raise Problem 409 when its expiry date is past, or its persona does not speak here any more."""
    if post.expires_at is not None and post.expires_at <= clock.now():
        raise Problem(409, "expired", "Its expiry date is past: give it another first.")
    await check_persona(session, post.community_id, post.persona_id, caller)


async def _show(session: Session, post: Post, actor: UUID | None) -> None:
    """Tell the state that a post has just been given."""
    post.version += 1
    if post.state != PostState.PUBLISHED:
        tell_written(session, post, actor)
    elif post.ever_published:
        emit(session, post, PostRestored(**ids(post)), actor=actor)
    else:
        post.published_at, post.ever_published = clock.now(), True
        tell_published(session, post, actor)
    await session.flush()
    await schedule_upkeep(session, post)


async def withdraw_post(session: Session, member: Standing, post_id: UUID, expected: int) -> queries.Document:
    """Make a piece a draft again, and drop words that wait for review. Raises Problem 403, 404, 409, 412."""
    post = await _take(session, member, post_id, expected)
    check(policy.step_refusal("taken back", PostState(post.state), policy.WITHDRAWABLE))
    if post.pin_rank is not None:
        post.pin_rank = post.pinned_at = post.pinned_until = None
    await _drop_proposal(session, post)
    await settle_post(session, post, PostState.DRAFT, actor=member.principal.account_id)
    return await queries.get_written_post(session, member, post.id)


async def _drop_proposal(session: Session, post: Post) -> None:
    proposal = await lock_proposal(session, post.id)
    if proposal is not None:
        await session.delete(proposal)


async def approve_post(
    session: Session, member: Standing, post_id: UUID, expected: int, note: str | None
) -> queries.Document:
    """Let others see what was submitted, or the new words of what they see. Raises Problem 403, 404, 409, 412, KeptProblem 422."""
    post = await queries.lock_post(session, member.community_id, post_id)
    proposal = await lock_proposal(session, post.id)
    writer = _check_review(member, post, proposal, expected)
    reviewer = member.principal.account_id
    check_may_speak(member)
    trusted = posts_policy.Caller(trusted=True, moderator=False, editor=True)
    if proposal is None:
        await _check_comes_out(session, post, trusted)
        rendered = await render_checked(post.body)
        verdict = await judge(session, utterance_of(post, trusted, rendered, by=reviewer))
        post.state = (PostState.HELD if verdict.act is Act.HOLD else PostState.PUBLISHED).value
        post.submitted_at = post.submitted_by = None
        await _show(session, post, reviewer)
    else:
        rendered = await render_checked(proposal.body)
        utterance = utterance_of(post, trusted, rendered, by=reviewer, edited=True)
        verdict = await judge(session, posts_policy.replaced(utterance, proposal.title, proposal.body))
        await session.delete(proposal)
        await reword(session, post, proposal.title, proposal.body, rendered, editor=writer, verdict=verdict)
    _note(session, post, writer, reviewer, "approved", note)
    return await queries.get_written_post(session, member, post.id)


async def return_post(
    session: Session, member: Standing, post_id: UUID, expected: int, note: str | None
) -> queries.Document:
    """Give a piece back to its writer as a draft, or drop the new words of what others see. Raises Problem 403, 404, 409, 412."""
    post = await queries.lock_post(session, member.community_id, post_id)
    proposal = await lock_proposal(session, post.id)
    writer = _check_review(member, post, proposal, expected)
    reviewer = member.principal.account_id
    if proposal is None:
        await settle_post(session, post, PostState.DRAFT, actor=reviewer)
    else:
        await session.delete(proposal)
        post.version += 1
        await session.flush()
        tell_written(session, post, reviewer)
    _note(session, post, writer, reviewer, "returned", note)
    return await queries.get_written_post(session, member, post.id)


def _check_review(member: Standing, post: Post, proposal: PostProposal | None, expected: int) -> UUID:
    """Return who wrote what is judged. Raises Problem 403, 409, 412."""
    written = post.edited_by or post.author_id
    writers: Collection[UUID] = {written, post.submitted_by or written}
    if proposal is not None:
        writers = {proposal.proposed_by}
    refusal = policy.review_refusal(member.principal.account_id, writers, editor=queries.caller_of(member).editor)
    check(refusal, 403)
    check_version(expected, post.version)
    waiting = post.state == PostState.IN_REVIEW or (proposal is not None and post.state == PostState.PUBLISHED)
    if not waiting:
        raise Problem(409, "nothing-to-review", "Nothing of it waits for a second person.")
    return proposal.proposed_by if proposal is not None else written


def _note(session: Session, post: Post, writer: UUID, reviewer: UUID, decision: str, note: str | None) -> None:
    session.add(
        PostReview(
            id=new_id(),
            organization_id=post.organization_id,
            post_id=post.id,
            revision=post.revision,
            writer_id=writer,
            reviewer_id=reviewer,
            decision=decision,
            note=note,
            decided_at=clock.now(),
        )
    )
