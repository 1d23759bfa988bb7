"""Charters over HTTP."""

from __future__ import annotations

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Manager, Visitor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.communities.charter import commands, queries
from members.communities.charter.schemas import CharterOut, CharterWrite, Version

routes = router("charter")


@routes.get("/v1/communities/{community_id}/charter")
async def get_charter(session: TenantSession, visitor: Visitor, response: Response) -> CharterOut:
    """Read the charter: whom the community is for, what one does here, what it promises. Version 0 before anything was written."""
    charter = queries.out(visitor, await queries.find_current(session, visitor.community_id))
    tag(response, charter.version)
    return charter


@routes.patch("/v1/communities/{community_id}/charter", responses=problems(409, 412, 428))
async def write_charter(
    session: TenantSession, manager: Manager, version: IfMatch, body: CharterWrite, response: Response
) -> CharterOut:
    """Write pieces of the charter; each change is a version of its own."""
    charter = queries.out(manager, await commands.write(session, manager, version, body))
    tag(response, charter.version)
    return charter


@routes.get("/v1/communities/{community_id}/charter/revisions")
async def list_charter_revisions(
    request: Request, session: TenantSession, manager: Manager, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[CharterOut]:
    """List what the charter said, newest first."""
    return await queries.list_revisions(session, manager, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/charter/revisions/{version}")
async def get_charter_revision(session: TenantSession, manager: Manager, version: Version) -> CharterOut:
    """Read what the charter said in one version."""
    return queries.out(manager, await queries.get_revision(session, manager.community_id, version))
