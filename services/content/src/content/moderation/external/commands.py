"""Every write of external checks."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from content.moderation.external import queries
from content.moderation.external.checkers import Opinion
from content.moderation.external.models import ExternalCheck
from content.moderation.external.policy import CheckState
from content.moderation.external.schemas import CheckOut
from content.moderation.holds import commands as holds
from content.moderation.holds import queries as hold_queries
from content.moderation.holds.policy import HoldCause, HoldState
from content.posts.policy import Utterance
from contracts.base import Event
from contracts.content import CheckJudged, CheckRequested, SubjectKind

_DECISIONS = {Opinion.ALLOWED: HoldState.RELEASED, Opinion.REFUSED: HoldState.REMOVED}


async def request(session: Session, utterance: Utterance, kind: SubjectKind) -> None:
    """Have an outside checker judge a text; what was judged before and has other words now is judged again."""
    found = await queries.find_check_of(session, utterance.id)
    if found is None:
        found = ExternalCheck(
            id=new_id(),
            organization_id=utterance.organization_id,
            community_id=utterance.community_id,
            subject_kind=kind.value,
            subject_id=utterance.id,
            author_id=utterance.author_id,
            requested_at=clock.now(),
            state=CheckState.WAITING.value,
        )
        session.add(found)
    else:
        found.requested_at, found.state, found.judged_at = clock.now(), CheckState.WAITING.value, None
        found.version += 1
    await session.flush()
    event = CheckRequested(
        check_id=found.id, community_id=found.community_id, subject_kind=kind, subject_id=found.subject_id
    )
    _tell(session, found, event, actor=utterance.author_id)


async def judge(session: Session, client: Principal, check_id: UUID, expected: int, opinion: Opinion) -> CheckOut:
    """Take a checker's verdict. Raises Problem 404, 409 when it was given before, 412 when the words have changed since."""
    known = await queries.find_check(session, check_id)
    check_version(expected, known.version)
    shown = await queries.get_check(session, check_id)
    hold = await hold_queries.find_hold_about(session, known.subject_id)
    # What a moderator decided meanwhile, or a detector holds too, is not the checker's to decide.
    if (
        hold is not None
        and hold.state == HoldState.WAITING
        and hold.cause == HoldCause.CHECKER
        and opinion in _DECISIONS
    ):
        await holds.settle(session, hold, _DECISIONS[opinion], decided_by=None)
    check = await queries.find_check(session, check_id, locked=True)
    await session.refresh(check)
    check_version(expected, check.version)
    if check.state != CheckState.WAITING:
        raise Problem(409, "check-judged", "It has been judged already.")
    check.state, check.judged_at = CheckState(opinion.value).value, clock.now()
    check.version += 1
    await session.flush()
    event = CheckJudged(
        check_id=check.id,
        community_id=check.community_id,
        subject_kind=SubjectKind(check.subject_kind),
        subject_id=check.subject_id,
        verdict=opinion.value,
    )
    _tell(session, check, event, actor=client.account_id)
    return shown.model_copy(update={"state": CheckState(opinion.value), "version": check.version})


def _tell(session: Session, check: ExternalCheck, event: Event, *, actor: UUID | None) -> None:
    outbox.emit(
        session,
        event,
        organization_id=check.organization_id,
        aggregate_id=check.id,
        version=check.version,
        community_id=check.community_id,
        actor=actor,
    )
