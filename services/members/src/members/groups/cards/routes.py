"""Cards over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Manager, Member, Visitor
from chassis.errors import Problem
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.groups import queries as groups
from members.groups.cards import commands, queries
from members.groups.cards.schemas import CardOut, CardWrite

routes = router("groups")


@routes.get("/v1/communities/{community_id}/card")
async def get_community_card(session: TenantSession, visitor: Visitor, response: Response) -> CardOut:
    """Read the community's card: purpose, rules and what they mean, hosts and times. Version 0 before anything was written."""
    revision = await queries.find_current(session, visitor.community_id)
    tag(response, revision.version if revision else 0)
    return await queries.out(session, visitor, None, revision)


@routes.patch("/v1/communities/{community_id}/card", responses=problems(409, 412, 428))
async def write_community_card(
    session: TenantSession, manager: Manager, version: IfMatch, body: CardWrite, response: Response
) -> CardOut:
    """Write pieces of the community's card; each change is a version of its own."""
    revision = await commands.write(
        session,
        organization_id=manager.principal.organization_id,
        community_id=manager.community_id,
        group_id=None,
        actor=manager.principal.account_id,
        body=body,
        expected=version,
    )
    tag(response, revision.version if revision else 0)
    return await queries.out(session, manager, None, revision)


@routes.get("/v1/communities/{community_id}/card/revisions")
async def list_community_card_revisions(
    request: Request, session: TenantSession, manager: Manager, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[CardOut]:
    """List what the community's card said, newest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_revisions(session, manager, cursors, None, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/groups/{group_id}/card")
async def get_group_card(session: TenantSession, member: Member, group_id: UUID, response: Response) -> CardOut:
    """Read a group's card: purpose, rules and what they mean, hosts and times. Version 0 before anything was written."""
    group = await groups.get(session, member.community_id, group_id)
    revision = await queries.find_current(session, group_id)
    tag(response, revision.version if revision else 0)
    return await queries.out(session, member, group, revision)


@routes.patch("/v1/communities/{community_id}/groups/{group_id}/card", responses=problems(409, 412, 428))
async def write_group_card(
    session: TenantSession, member: Member, group_id: UUID, version: IfMatch, body: CardWrite, response: Response
) -> CardOut:
    """Write pieces of a group's card, as its host or as a manager; each change is a version of its own."""
    group = await groups.get(session, member.community_id, group_id)
    if not groups.leads(member, group):
        raise Problem(403, "forbidden", "Only managers and the group's hosts may do this.")
    revision = await commands.write(
        session,
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        group_id=group_id,
        actor=member.principal.account_id,
        body=body,
        expected=version,
    )
    tag(response, revision.version if revision else 0)
    return await queries.out(session, member, group, revision)


@routes.get("/v1/communities/{community_id}/groups/{group_id}/card/revisions")
async def list_group_card_revisions(
    request: Request,
    session: TenantSession,
    member: Member,
    group_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[CardOut]:
    """List what a group's card said, newest first."""
    group = await groups.get(session, member.community_id, group_id)
    cursors = runtime_of(request).cursors
    return await queries.list_revisions(session, member, cursors, group, limit=limit, cursor=cursor)
