"""Making doors, and counting who comes through."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import CommunityState, EntryLinkChanged
from members.screening.links import policy, queries
from members.screening.links.models import EntryLink
from members.screening.links.schemas import EntryLinkCreate, EntryLinkUpdate


def _emit(session: Session, standing: Standing, link: EntryLink) -> None:
    outbox.emit(
        session,
        EntryLinkChanged(
            link_id=link.id,
            community_id=link.community_id,
            channel=link.channel,
            withdrawn=link.withdrawn_at is not None,
        ),
        organization_id=link.organization_id,
        aggregate_id=link.id,
        version=link.version,
        community_id=link.community_id,
        actor=standing.principal.account_id,
    )


def _refuse_archived(standing: Standing) -> None:
    if standing.community_state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")


def _check_expiry(body: EntryLinkCreate | EntryLinkUpdate) -> None:
    if body.expires_at is not None and body.expires_at <= clock.now():
        raise invalid("/expires_at", "date-past", "It would be closed from the start.")


async def create(session: Session, standing: Standing, body: EntryLinkCreate) -> EntryLink:
    """Make a door. Raises Problem 409, 422."""
    _refuse_archived(standing)
    _check_expiry(body)
    await queries.check_group(session, standing.community_id, body.group_id)
    link = EntryLink(
        id=new_id(),
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        token=secrets.token_urlsafe(policy.TOKEN_BYTES),
        kind=body.kind,
        channel=body.channel,
        title=body.title,
        most=body.most,
        tags=list(dict.fromkeys(body.tags)),
        group_id=body.group_id,
        expires_at=body.expires_at,
        created_by=standing.principal.account_id,
        created_at=clock.now(),
        version=1,
    )
    session.add(link)
    _emit(session, standing, link)
    return link


async def update(
    session: Session, standing: Standing, link_id: UUID, expected: int, body: EntryLinkUpdate
) -> EntryLink:
    """Change, close or reopen a door. Raises Problem 404, 409, 412, 422."""
    _refuse_archived(standing)
    _check_expiry(body)
    link = await queries.get(session, standing.community_id, link_id, lock=True)
    check_version(expected, link.version)
    if body.group_id != link.group_id:
        await queries.check_group(session, standing.community_id, body.group_id)
    changes = body.model_dump(exclude_unset=True, exclude={"withdrawn"})
    for name, value in changes.items():
        if value is not None or name in {"most", "expires_at", "group_id"}:
            setattr(link, name, value)
    if body.withdrawn is not None:
        link.withdrawn_at = (link.withdrawn_at or clock.now()) if body.withdrawn else None
    link.version += 1
    _emit(session, standing, link)
    return link


async def come_through(session: Session, community_id: UUID, token: str | None, *, uses: bool) -> EntryLink | None:
    """Return the door that an applicant came through, with a place reserved when `uses`. Raises Problem 409 when it is closed, 422."""
    if token is None:
        return None
    link = await queries.find_by_token(session, token, lock=uses)
    if link is None or link.community_id != community_id:
        raise invalid("/link_token", "entry-link-unknown", "This community has no such entry link.")
    closed = queries.why_closed(link)
    if closed is not None:
        raise Problem(409, "entry-link-closed", policy.WORDS[closed])
    if uses:
        link.used += 1
        await session.flush()
    return link


async def give_back(session: Session, link_id: UUID) -> None:
    """Give the place of an application back that came to nothing."""
    await session.execute(text("UPDATE entry_link SET used = used - 1 WHERE id = :id AND used > 0"), {"id": link_id})


async def come_back(session: Session, link_id: UUID) -> None:
    """Reserve a place again for an application whose decline was undone. Raises Problem 409 when none is left."""
    taken = await session.execute(
        text("UPDATE entry_link SET used = used + 1 WHERE id = :id AND (most IS NULL OR used < most) RETURNING id"),
        {"id": link_id},
    )
    if taken.scalar_one_or_none() is None:
        raise Problem(409, "entry-link-closed", policy.WORDS[policy.Closed.FULL])


async def note_opened(session: Session, link: EntryLink) -> None:
    """Count that somebody looked at a door; apart from its row, which those who apply hold."""
    await session.execute(
        text("""
            INSERT INTO entry_link_opens AS counted (link_id, organization_id, opens) VALUES (:link_id, :organization_id, 1)
            ON CONFLICT (link_id) DO UPDATE SET opens = counted.opens + 1
        """),
        {"link_id": link.id, "organization_id": link.organization_id},
    )
