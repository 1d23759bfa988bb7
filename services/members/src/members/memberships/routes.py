"""Memberships over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Manager, Member, Moderator, Visitor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from contracts.members import CommunityRole, MembershipState
from members.memberships import commands, queries
from members.memberships.schemas import (
    MembershipApply,
    MembershipDecide,
    MembershipOut,
    MembershipRolesSet,
)

routes = router("memberships")


@routes.post("/v1/communities/{community_id}/memberships", status_code=201, responses=problems(409))
async def apply_for_membership(
    session: TenantSession, visitor: Visitor, response: Response, body: MembershipApply | None = None
) -> MembershipOut:
    """Apply to belong to a community, for the first time or again after leaving."""
    membership = await commands.apply(session, visitor, body.message if body else None)
    tag(response, membership.version)
    return await queries.out(session, visitor, membership.id)


@routes.get("/v1/communities/{community_id}/memberships")
async def list_memberships(  # noqa: PLR0917  FastAPI passes them by name
    request: Request,
    session: TenantSession,
    member: Member,
    state: Annotated[
        MembershipState, Query(description="other states than approved are for moderators")
    ] = MembershipState.APPROVED,
    owner: Annotated[UUID | None, Query(description="only those whom this account looks after; for moderators")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[MembershipOut]:
    """List the memberships in a state, oldest first."""
    if (state is not MembershipState.APPROVED or owner is not None) and not member.has(
        CommunityRole.MODERATOR, CommunityRole.ANALYST
    ):
        return Page(data=[], next_cursor=None)
    cursors = runtime_of(request).cursors
    return await queries.list_page(session, member, cursors, state=state, owner=owner, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/memberships/me")
async def get_own_membership(session: TenantSession, visitor: Visitor, response: Response) -> MembershipOut:
    """Read one's own membership; 404 before the first application."""
    membership = await queries.out_own(session, visitor)
    tag(response, membership.version)
    return membership


@routes.get("/v1/communities/{community_id}/memberships/{membership_id}")
async def get_membership(
    session: TenantSession, visitor: Visitor, membership_id: UUID, response: Response
) -> MembershipOut:
    """Read a membership: members see one another, staff see applications too."""
    membership = await queries.out(session, visitor, membership_id)
    tag(response, membership.version)
    return membership


@routes.post("/v1/communities/{community_id}/memberships/{membership_id}/approve", responses=problems(409, 412, 428))
async def approve_membership(
    session: TenantSession,
    manager: Manager,
    membership_id: UUID,
    version: IfMatch,
    response: Response,
    body: MembershipDecide | None = None,
) -> MembershipOut:
    """Let an applicant in, or somebody back in who was rejected or removed."""
    membership = await commands.decide(
        session, manager, membership_id, version, "approve", body.reason if body else None
    )
    tag(response, membership.version)
    return await queries.out(session, manager, membership_id)


@routes.post("/v1/communities/{community_id}/memberships/{membership_id}/reject", responses=problems(409, 412, 428))
async def reject_membership(
    session: TenantSession,
    manager: Manager,
    membership_id: UUID,
    version: IfMatch,
    response: Response,
    body: MembershipDecide | None = None,
) -> MembershipOut:
    """Decline an application, with a reason that the applicant can read."""
    membership = await commands.decide(
        session, manager, membership_id, version, "reject", body.reason if body else None
    )
    tag(response, membership.version)
    return await queries.out(session, manager, membership_id)


@routes.post("/v1/communities/{community_id}/memberships/{membership_id}/leave", responses=problems(409, 412, 428))
async def leave_membership(
    session: TenantSession, visitor: Visitor, membership_id: UUID, version: IfMatch, response: Response
) -> MembershipOut:
    """Leave the community, or take one's application back."""
    membership = await commands.decide(session, visitor, membership_id, version, "leave", None)
    tag(response, membership.version)
    return await queries.out(session, visitor, membership_id)


@routes.post("/v1/communities/{community_id}/memberships/{membership_id}/remove", responses=problems(409, 412, 428))
async def remove_membership(
    session: TenantSession,
    moderator: Moderator,
    membership_id: UUID,
    version: IfMatch,
    response: Response,
    body: MembershipDecide | None = None,
) -> MembershipOut:
    """Remove a member, with a reason; only a manager can let the person in again."""
    membership = await commands.decide(
        session, moderator, membership_id, version, "remove", body.reason if body else None
    )
    tag(response, membership.version)
    return await queries.out(session, moderator, membership_id)


@routes.put("/v1/communities/{community_id}/memberships/{membership_id}/roles", responses=problems(409, 412, 428))
async def set_membership_roles(
    session: TenantSession,
    manager: Manager,
    membership_id: UUID,
    version: IfMatch,
    body: MembershipRolesSet,
    response: Response,
) -> MembershipOut:
    """Give a member exactly these roles."""
    membership = await commands.set_roles(session, manager, membership_id, version, body.roles, staff=body.staff)
    tag(response, membership.version)
    return await queries.out(session, manager, membership_id)
