"""Reading communities."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text, tuple_
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from contracts.members import CommunityState, MembershipState
from members.communities import policy
from members.communities.models import Community
from members.communities.schemas import CommunityOut

STANDING = """
SELECT json_build_object('zone', community.zone, 'community_state', community.state, 'membership_id', membership.id,
    'state', membership.state, 'roles', membership.roles, 'staff', membership.staff)
FROM community LEFT JOIN membership ON membership.community_id = community.id AND membership.account_id = $3
WHERE community.id = $2
"""
"""What an account ($3) is in a community ($2), for chassis.auth."""


async def get_for_update(session: Session, community_id: UUID) -> Community:
    """Return a community with its row locked. Raises Problem 404."""
    found = await session.execute(select(Community).where(col(Community.id) == community_id).with_for_update())
    community = found.scalar_one_or_none()
    if community is None:
        raise not_found("community")
    return community


async def get(session: Session, community_id: UUID) -> Community:
    """Return a community. Raises Problem 404."""
    community = await session.get(Community, community_id)
    if community is None:
        raise not_found("community")
    return community


def out(community: Community, *, manages: bool, member: bool) -> CommunityOut:
    """Return a community as this caller sees it."""
    can = policy.allowed(CommunityState(community.state), manages=manages, member=member)
    return CommunityOut.model_validate({**community.model_dump(), "can": can})


def out_for(community: Community, standing: Standing) -> CommunityOut:
    """Return a community as somebody with this standing sees it."""
    return out(community, manages=standing.has(), member=standing.member)


async def _own(session: Session, principal: Principal) -> dict[UUID, tuple[str, list[str]]]:
    rows = await session.execute(
        text("SELECT community_id, state, roles FROM membership WHERE account_id = :account"),
        {"account": principal.account_id},
    )
    return {row.community_id: (row.state, row.roles) for row in rows}


async def list_visible(
    session: Session, principal: Principal, cursors: Cursors, *, slug: str | None, limit: int, cursor: str | None
) -> Page[CommunityOut]:
    """Return the communities that the caller may see, newest first: drafts only to those who have a role in them, and to staff."""
    scope = f"communities:{principal.organization_id}:{principal.account_id}:{slug}"
    after = cursors.decode(scope, cursor)
    own = await _own(session, principal)
    approved = {community for community, (state, _) in own.items() if state == MembershipState.APPROVED}
    query = select(Community).order_by(col(Community.created_at).desc(), col(Community.id).desc()).limit(limit + 1)
    if slug is not None:
        query = query.where(col(Community.slug) == slug)
    if not principal.staff:
        query = query.where(or_(col(Community.state) != CommunityState.DRAFT, col(Community.id).in_(approved)))
    if after is not None:
        place: tuple[Any, Any] = (datetime.fromisoformat(after[0]), UUID(after[1]))
        query = query.where(tuple_(col(Community.created_at), col(Community.id)) < place)
    rows = list((await session.execute(query)).scalars())
    return Page[CommunityOut](
        data=[
            out(row, manages=principal.staff or "manager" in own.get(row.id, ("", []))[1], member=row.id in approved)
            for row in rows[:limit]
        ],
        next_cursor=cursors.following(scope, rows, limit, lambda row: (row.created_at, row.id)),
    )
