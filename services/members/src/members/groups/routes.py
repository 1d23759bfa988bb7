"""Groups over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Manager, Member, Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from contracts.members import GroupDimension
from members.groups import commands, queries
from members.groups.models import Group
from members.groups.schemas import (
    GroupCreate,
    GroupMemberOut,
    GroupMembersAdd,
    GroupMove,
    GroupOut,
    GroupPlacedOut,
    GroupPlacements,
    GroupUpdate,
)
from members.groups.seats import commands as seats
from members.groups.seats.commands import Want
from members.reasons import Reason

routes = router("groups")


async def _led(session: Session, member: Standing, group_id: UUID) -> Group:
    """Return a group that the caller leads. Raises Problem 403, 404."""
    group = await queries.get(session, member.community_id, group_id)
    if not queries.leads(member, group):
        raise Problem(403, "forbidden", "Only managers and the group's hosts may do this.")
    return group


@routes.post("/v1/communities/{community_id}/groups", status_code=201, responses=problems(409))
async def create_group(session: TenantSession, manager: Manager, body: GroupCreate, response: Response) -> GroupOut:
    """Make a group along a dimension. When it is full, the next opens by itself."""
    principal = manager.principal
    group = await commands.create(
        session,
        organization_id=principal.organization_id,
        community_id=manager.community_id,
        actor=principal.account_id,
        body=body,
    )
    tag(response, group.version)
    return await queries.out(session, manager, group)


@routes.get("/v1/communities/{community_id}/groups")
async def list_groups(
    request: Request,
    session: TenantSession,
    member: Member,
    dimension: Annotated[GroupDimension | None, Query(description="only groups along this dimension")] = None,
    *,
    mine: Annotated[bool, Query(description="only groups that the caller is in")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[GroupOut]:
    """List the community's groups, oldest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_page(session, member, cursors, dimension=dimension, mine=mine, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/groups/{group_id}")
async def get_group(session: TenantSession, member: Member, group_id: UUID, response: Response) -> GroupOut:
    """Read a group."""
    group = await queries.get(session, member.community_id, group_id)
    tag(response, group.version)
    return await queries.out(session, member, group)


@routes.patch("/v1/communities/{community_id}/groups/{group_id}", responses=problems(409, 412, 428))
async def update_group(
    session: TenantSession, manager: Manager, group_id: UUID, version: IfMatch, body: GroupUpdate, response: Response
) -> GroupOut:
    """Change a group's name, hosts, capacity or state."""
    actor = manager.principal.account_id
    group = await commands.update(session, manager.community_id, group_id, actor, body, expected=version)
    tag(response, group.version)
    return await queries.out(session, manager, group)


@routes.get("/v1/communities/{community_id}/groups/{group_id}/members")
async def list_group_members(
    request: Request,
    session: TenantSession,
    member: Member,
    group_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[GroupMemberOut]:
    """List a group's members, those who came first first."""
    group = await queries.get(session, member.community_id, group_id)
    return await queries.list_members(session, member, runtime_of(request).cursors, group, limit=limit, cursor=cursor)


@routes.post("/v1/communities/{community_id}/groups/{group_id}/members", responses=problems(409))
async def add_group_members(
    session: TenantSession, member: Member, group_id: UUID, body: GroupMembersAdd
) -> GroupPlacements:
    """Bring members into a group, as its host or as a manager. Whoever finds it full lands in the next of its series."""
    await _led(session, member, group_id)
    reason = Reason("group-manager" if member.has() else "group-host")
    wants = [Want(account, group_id, reason) for account in dict.fromkeys(body.account_ids)]
    return GroupPlacements(
        data=await seats.place(session, member.community_id, wants, actor=member.principal.account_id)
    )


@routes.delete(
    "/v1/communities/{community_id}/groups/{group_id}/members/{account_id}", status_code=204, responses=problems(409)
)
async def remove_group_member(session: TenantSession, member: Member, group_id: UUID, account_id: UUID) -> None:
    """Take a member out of a group, as its host or as a manager; the membership in the community stays."""
    await _led(session, member, group_id)
    await seats.take_out(session, member.community_id, group_id, account_id, member.principal.account_id)


@routes.post("/v1/communities/{community_id}/groups/{group_id}/members/{account_id}/move", responses=problems(409))
async def move_group_member(
    session: TenantSession, member: Member, group_id: UUID, account_id: UUID, body: GroupMove
) -> GroupPlacedOut:
    """Move a member to another group in one step, as a manager or as a host of both."""
    await _led(session, member, group_id)
    target = await _led(session, member, body.to)
    return await seats.move(session, member, group_id, target, account_id)


@routes.post("/v1/communities/{community_id}/groups/{group_id}/join", responses=problems(409))
async def join_group(session: TenantSession, member: Member, group_id: UUID) -> GroupPlacedOut:
    """Join a group of one's own accord, where it allows that. Whoever finds it full lands in the next of its series."""
    group = await queries.get(session, member.community_id, group_id)
    if not (group.self_join or queries.leads(member, group)):
        raise Problem(403, "forbidden", "Members come into this group by its hosts, managers or rules.")
    want = Want(member.principal.account_id, group_id, Reason("group-self"))
    placed = (await seats.place(session, member.community_id, [want], actor=member.principal.account_id))[0]
    if placed.outcome not in {"joined", "existing"}:
        raise Problem(409, f"group-{placed.outcome.replace('_', '-')}", "The group takes nobody, or not this account.")
    return placed


@routes.post("/v1/communities/{community_id}/groups/{group_id}/leave", status_code=204, responses=problems(409))
async def leave_group(session: TenantSession, member: Member, group_id: UUID) -> None:
    """Leave a group; the membership in the community stays."""
    account = member.principal.account_id
    await seats.take_out(session, member.community_id, group_id, account, account)
