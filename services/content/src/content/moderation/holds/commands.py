"""Every write of holds."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from content.discussion import queries as discussion
from content.discussion.commands.comments import settle_comment
from content.discussion.policy import CommentState
from content.moderation.holds import policy, queries
from content.moderation.holds.models import Hold
from content.moderation.holds.policy import HoldCause, HoldState
from content.moderation.holds.schemas import HoldOut
from content.posts import queries as posts
from content.posts.commands import settle_post
from content.posts.policy import PostState, Utterance
from content.refusal import check
from contracts.content import HoldDecided, HoldEvent, HoldPlaced, SubjectKind


async def place(
    session: Session, utterance: Utterance, kind: SubjectKind, cause: HoldCause, clause: str | None
) -> None:
    """Have a text wait for a decision; one that waits already goes on waiting, for a moderator when a detector holds its new words."""
    hold = await queries.find_hold_of(session, utterance.id)
    if hold is None:
        hold = Hold(
            id=new_id(),
            organization_id=utterance.organization_id,
            community_id=utterance.community_id,
            subject_kind=kind.value,
            subject_id=utterance.id,
            author_id=utterance.author_id,
            cause=cause.value,
            clause_code=clause,
            held_at=clock.now(),
            state=HoldState.WAITING.value,
        )
        session.add(hold)
    elif hold.state == HoldState.WAITING:
        if cause is not HoldCause.DETECTOR or hold.cause == HoldCause.DETECTOR:
            return
        hold.cause, hold.clause_code = cause.value, clause
        hold.version += 1
    else:
        hold.cause, hold.clause_code, hold.held_at = cause.value, clause, clock.now()
        hold.state, hold.decided_at, hold.decided_by, hold.note = HoldState.WAITING.value, None, None, None
        hold.version += 1
    await session.flush()
    _tell(session, hold, HoldPlaced(**_facts(hold)), actor=utterance.author_id)


async def decide(
    session: Session, member: Standing, hold_id: UUID, expected: int, decision: HoldState, note: str | None
) -> HoldOut:
    """Publish a held text or remove it. Raises Problem 403 for one's own text, 404, 409, 412."""
    known = await queries.find_hold(session, member.community_id, hold_id)
    if known.author_id == member.principal.account_id:
        raise Problem(403, "own-text", "Somebody else decides about your own text.")
    check_version(expected, known.version)
    await settle(session, known, decision, decided_by=member.principal.account_id, note=note)
    return await queries.get_hold(session, member, hold_id)


async def settle(
    session: AsyncSession, known: Hold, decision: HoldState, *, decided_by: UUID | None, note: str | None = None
) -> None:
    """Carry a decision out. Raises Problem 404 when the text is gone, 409 when it is held no longer, 412 when somebody was faster."""
    expected = known.version
    # The text first and then its hold, as whoever changes the text does.
    if known.subject_kind == SubjectKind.POST:
        post = await posts.lock_post(session, known.community_id, known.subject_id)
        hold = await _locked(session, known, expected)
        check(policy.deciding_refusal(hold.state, post.state))
        wanted = PostState.PUBLISHED if decision is HoldState.RELEASED else PostState.REMOVED
        await settle_post(session, post, wanted, actor=decided_by)
    else:
        comment = await discussion.lock_comment(session, known.community_id, known.subject_id)
        hold = await _locked(session, known, expected)
        check(policy.deciding_refusal(hold.state, comment.state))
        goal = CommentState.PUBLISHED if decision is HoldState.RELEASED else CommentState.REMOVED
        await settle_comment(session, comment, goal, actor=decided_by)
    hold.state, hold.decided_at, hold.decided_by, hold.note = decision.value, clock.now(), decided_by, note
    hold.version += 1
    await session.flush()
    _tell(session, hold, HoldDecided(**_facts(hold), decision=decision.value), actor=decided_by)


async def _locked(session: Session, known: Hold, expected: int) -> Hold:
    hold = await queries.find_hold_of(session, known.subject_id)
    assert hold is not None  # noqa: S101  no hold is ever removed
    await session.refresh(hold)
    check_version(expected, hold.version)
    return hold


def _facts(hold: Hold) -> dict[str, object]:
    return {
        "hold_id": hold.id,
        "community_id": hold.community_id,
        "author_id": hold.author_id,
        "subject_kind": hold.subject_kind,
        "subject_id": hold.subject_id,
        "cause": hold.cause,
        "clause": hold.clause_code,
    }


def _tell(session: Session, hold: Hold, event: HoldEvent, *, actor: UUID | None) -> None:
    outbox.emit(
        session,
        event,
        organization_id=hold.organization_id,
        aggregate_id=hold.id,
        version=hold.version,
        community_id=hold.community_id,
        actor=actor,
    )
