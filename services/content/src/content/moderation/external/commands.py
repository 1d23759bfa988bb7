"""Every write of external checks."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import select

from chassis import clock, outbox
from chassis.db import Session
from chassis.ids import new_id
from content.moderation.external.models import ExternalCheck
from content.posts.policy import Utterance
from contracts.base import Event
from contracts.content import CheckRequested, SubjectKind

WAITING = "waiting"


async def request(session: Session, utterance: Utterance, kind: SubjectKind) -> None:
    """Have an outside checker judge a text; what was judged before and has other words now is judged again."""
    found = (
        await session.scalars(select(ExternalCheck).where(ExternalCheck.subject_id == utterance.id).with_for_update())
    ).one_or_none()
    if found is None:
        found = ExternalCheck(
            id=new_id(),
            organization_id=utterance.organization_id,
            community_id=utterance.community_id,
            subject_kind=kind.value,
            subject_id=utterance.id,
            author_id=utterance.author_id,
            requested_at=clock.now(),
            state=WAITING,
        )
        session.add(found)
    else:
        found.requested_at, found.state, found.judged_at = clock.now(), WAITING, None
        found.version += 1
    await session.flush()
    event = CheckRequested(
        check_id=found.id, community_id=found.community_id, subject_kind=kind, subject_id=found.subject_id
    )
    tell(session, found, event, actor=utterance.author_id)


def tell(session: Session, check: ExternalCheck, event: Event, *, actor: UUID | None) -> None:
    """Emit an event of a check at its present version."""
    outbox.emit(
        session,
        event,
        organization_id=check.organization_id,
        aggregate_id=check.id,
        version=check.version,
        community_id=check.community_id,
        actor=actor,
    )
