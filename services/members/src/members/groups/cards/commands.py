"""Writing cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem
from chassis.requests import check_version
from contracts.members import CardChanged, CommunityState
from members.groups import queries as groups
from members.groups.cards import queries
from members.groups.cards.models import CardRevision
from members.groups.cards.schemas import CardWrite
from members.groups.models import Group


async def write(
    session: Session,
    *,
    organization_id: UUID,
    community_id: UUID,
    group_id: UUID | None,
    actor: UUID | None,
    body: CardWrite,
    expected: int | None = None,
) -> CardRevision | None:
    """Write pieces of a card as a new version; nothing happens when nothing is new. Raises Problem 404, 409, 412."""
    if await groups.lock_community(session, community_id, alone=True) is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    subject = group_id or community_id
    before = await queries.find_current(session, subject)
    version = before.version if before else 0
    check_version(version if expected is None else expected, version)
    said = before.content if before else {}
    content = {
        piece: value for piece, value in {**said, **body.model_dump(mode="json", exclude_none=True)}.items() if value
    }
    if content == said:
        return before
    revision = CardRevision(
        subject_id=subject,
        version=version + 1,
        organization_id=organization_id,
        community_id=community_id,
        content=content,
        changed_by=actor,
        changed_at=clock.now(),
    )
    session.add(revision)
    await session.flush()
    outbox.emit(
        session,
        CardChanged(community_id=community_id, group_id=group_id),
        organization_id=organization_id,
        aggregate_id=subject,
        version=revision.version,
        community_id=community_id,
        actor=actor,
    )
    return revision


async def start(session: Session, group: Group, source: UUID, pieces: Mapping[str, Any]) -> None:
    """Give a new group the card of another, with these pieces in place of the other's, as its first version."""
    before = await queries.find_current(session, source)
    content = {piece: value for piece, value in {**(before.content if before else {}), **pieces}.items() if value}
    if not content:
        return
    session.add(
        CardRevision(
            subject_id=group.id,
            version=1,
            organization_id=group.organization_id,
            community_id=group.community_id,
            content=content,
            changed_by=before.changed_by if before else None,
            changed_at=clock.now(),
        )
    )
    await session.flush()
    outbox.emit(
        session,
        CardChanged(community_id=group.community_id, group_id=group.id),
        organization_id=group.organization_id,
        aggregate_id=group.id,
        version=1,
        community_id=group.community_id,
    )
