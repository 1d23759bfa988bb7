"""Communities over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Manager, OrganizationStaff, Person, Visitor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.communities import commands, queries
from members.communities.schemas import CommunityCreate, CommunityOut, CommunityUpdate
from members.memberships import commands as memberships

routes = router("communities")


@routes.post("/v1/communities", status_code=201, responses=problems(409))
async def create_community(
    session: TenantSession, staff: OrganizationStaff, body: CommunityCreate, response: Response
) -> CommunityOut:
    """Make a community, as a draft. Whoever makes it is its first manager, marked as staff."""
    community = await commands.create(session, staff, body)
    await memberships.found(session, staff, community.id)
    tag(response, community.version)
    return queries.out(community, manages=True, member=True)


@routes.get("/v1/communities")
async def list_communities(
    request: Request,
    session: TenantSession,
    person: Person,
    slug: Annotated[str | None, Query(max_length=60, description="only the one with this slug")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[CommunityOut]:
    """List the communities that the caller may see, newest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_visible(session, person, cursors, slug=slug, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}")
async def get_community(session: TenantSession, visitor: Visitor, response: Response) -> CommunityOut:
    """Read a community."""
    community = await queries.get(session, visitor.community_id)
    tag(response, community.version)
    return queries.out_for(community, visitor)


@routes.patch("/v1/communities/{community_id}", responses=problems(409, 412, 428))
async def update_community(
    session: TenantSession, manager: Manager, version: IfMatch, body: CommunityUpdate, response: Response
) -> CommunityOut:
    """Change a community's settings."""
    community = await commands.update(session, manager, version, body)
    tag(response, community.version)
    return queries.out_for(community, manager)


@routes.post("/v1/communities/{community_id}/open", responses=problems(409, 412, 428))
async def open_community(
    session: TenantSession, manager: Manager, version: IfMatch, response: Response
) -> CommunityOut:
    """Open a draft or paused community: members may apply, post and answer."""
    community = await commands.move(session, manager, version, "open")
    tag(response, community.version)
    return queries.out_for(community, manager)


@routes.post("/v1/communities/{community_id}/pause", responses=problems(409, 412, 428))
async def pause_community(
    session: TenantSession, manager: Manager, version: IfMatch, response: Response
) -> CommunityOut:
    """Pause an open community: it can be read, and takes neither applications nor posts."""
    community = await commands.move(session, manager, version, "pause")
    tag(response, community.version)
    return queries.out_for(community, manager)


@routes.post("/v1/communities/{community_id}/archive", responses=problems(409, 412, 428))
async def archive_community(
    session: TenantSession, manager: Manager, version: IfMatch, response: Response
) -> CommunityOut:
    """Archive a community for good: it can be read, and nothing in it changes any more."""
    community = await commands.move(session, manager, version, "archive")
    tag(response, community.version)
    return queries.out_for(community, manager)
