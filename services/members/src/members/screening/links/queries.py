"""Reading entry links."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session, enter_tenant
from chassis.errors import Problem, invalid, not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState, GroupState
from members.communities import queries as communities
from members.groups import queries as groups
from members.screening.forms import queries as forms
from members.screening.links import images, policy
from members.screening.links.models import EntryLink
from members.screening.links.schemas import DoorOut, EntryLinkOut


async def get(session: Session, community_id: UUID, link_id: UUID, *, lock: bool = False) -> EntryLink:
    """Return a door, its row locked when asked. Raises Problem 404."""
    query = select(EntryLink).where(col(EntryLink.id) == link_id, col(EntryLink.community_id) == community_id)
    found = await session.execute(query.with_for_update() if lock else query)
    link = found.scalar_one_or_none()
    if link is None:
        raise not_found("entry link")
    return link


async def check_group(session: Session, community_id: UUID, group_id: UUID | None) -> None:
    """Raise Problem 422 unless a door may lead to this group: the community has it, and it takes members."""
    if group_id is None:
        return
    try:
        group = await groups.get(session, community_id, group_id)
    except Problem:
        raise invalid("/group_id", "unknown", "The community has no such group.") from None
    if group.state is not GroupState.OPEN:
        raise invalid("/group_id", "group-closed", "The group is closed: it takes nobody.")


async def find_by_token(session: Session, token: str, *, lock: bool) -> EntryLink | None:
    """Return the door that a token opens, its row locked when asked."""
    query = select(EntryLink).where(col(EntryLink.token) == token)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


def why_closed(link: EntryLink, *, community_open: bool = True) -> policy.Closed | None:
    """Return why a door lets nobody in."""
    return policy.closed(
        now=clock.now(),
        withdrawn_at=link.withdrawn_at,
        expires_at=link.expires_at,
        most=link.most,
        used=link.used,
        community_open=community_open,
    )


def out(standing: Standing, link: EntryLink, entry_url: str) -> EntryLinkOut:
    """Return a door as this caller sees it; `entry_url` is the template of its address."""
    community_open = standing.community_state is CommunityState.OPEN
    can = []
    if standing.has() and standing.community_state is not CommunityState.ARCHIVED:
        can = ["edit", "withdraw"] if link.withdrawn_at is None else ["edit", "restore"]
    return EntryLinkOut.model_validate(
        {
            **link.model_dump(),
            "path": f"/v1/entry-links/{link.token}",
            "address": images.address(entry_url, link.token, link.community_id),
            "closed": why_closed(link, community_open=community_open),
            "can": can,
        }
    )


async def list_page(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    entry_url: str,
    *,
    channel: str | None,
    limit: int,
    cursor: str | None,
) -> Page[EntryLinkOut]:
    """Return a community's doors, newest first."""
    scope = f"entry-links:{standing.principal.organization_id}:{standing.community_id}:{channel}"
    after = cursors.decode(scope, cursor)
    query = (
        select(EntryLink)
        .where(col(EntryLink.community_id) == standing.community_id)
        .order_by(col(EntryLink.id).desc())
        .limit(limit + 1)
    )
    if channel is not None:
        query = query.where(col(EntryLink.channel) == channel)
    if after is not None:
        query = query.where(col(EntryLink.id) < UUID(after[0]))
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    return Page[EntryLinkOut](
        data=[out(standing, row, entry_url) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )


async def get_door(session: Session, token: str) -> tuple[EntryLink, DoorOut]:
    """Enter the tenant whose door a token opens; return it and what anybody may see of it. Raises Problem 404."""
    organization = None
    if policy.TOKEN.fullmatch(token):
        found = await session.execute(text("SELECT organization_of_entry_link(:token)"), {"token": token})
        organization = found.scalar_one()
    if organization is None:
        raise not_found("entry link")
    await enter_tenant(session, organization)
    link = await find_by_token(session, token, lock=False)
    if link is None:
        raise not_found("entry link")
    community = await communities.get(session, link.community_id)
    if community.state is CommunityState.DRAFT:
        raise not_found("entry link")
    # A poster outlives its community: who scans it is told that nobody is taken, and asked nothing.
    ended = community.state is CommunityState.ARCHIVED
    form = None if ended else await forms.find_current(session, community.id)
    return link, DoorOut(
        community_id=community.id,
        name=community.name,
        description=community.description,
        closed=why_closed(link, community_open=community.state == CommunityState.OPEN),
        form_version=form.version if form else 0,
        form_title=form.title if form else {},
        introduction=form.introduction if form else {},
        questions=forms.public(form.questions) if form else [],
    )


async def tags_of(session: Session, link_id: UUID) -> list[str]:
    """Return the tags that a door gives."""
    link = await session.get(EntryLink, link_id)
    return list(link.tags) if link else []
