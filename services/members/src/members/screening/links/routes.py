"""Entry links over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from chassis.app import router
from chassis.auth import Analyst, Anyone, Manager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, OpenSession, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.screening.links import commands, queries
from members.screening.links.schemas import DoorOut, EntryLinkCreate, EntryLinkFigures, EntryLinkOut, EntryLinkUpdate

routes = router("screening")


@routes.post("/v1/communities/{community_id}/entry-links", status_code=201, responses=problems(409))
async def create_entry_link(
    session: TenantSession, manager: Manager, body: EntryLinkCreate, response: Response
) -> EntryLinkOut:
    """Make an entry link or the scene of a QR code for a channel."""
    link = await commands.create(session, manager, body)
    tag(response, link.version)
    return queries.out(manager, link)


@routes.get("/v1/communities/{community_id}/entry-links")
async def list_entry_links(
    request: Request,
    session: TenantSession,
    manager: Manager,
    channel: Annotated[str | None, Query(max_length=40, description="only those of this channel")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[EntryLinkOut]:
    """List the entry links, newest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_page(session, manager, cursors, channel=channel, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/entry-links/{link_id}")
async def get_entry_link(session: TenantSession, manager: Manager, link_id: UUID, response: Response) -> EntryLinkOut:
    """Read an entry link."""
    link = queries.out(manager, await queries.get(session, manager.community_id, link_id))
    tag(response, link.version)
    return link


@routes.patch("/v1/communities/{community_id}/entry-links/{link_id}", responses=problems(409, 412, 428))
async def update_entry_link(
    session: TenantSession, manager: Manager, link_id: UUID, version: IfMatch, body: EntryLinkUpdate, response: Response
) -> EntryLinkOut:
    """Change an entry link, close it or open it again."""
    link = await commands.update(session, manager, link_id, version, body)
    tag(response, link.version)
    return queries.out(manager, link)


@routes.get("/v1/communities/{community_id}/entry-links/{link_id}/figures")
async def get_entry_link_figures(session: TenantSession, analyst: Analyst, link_id: UUID) -> EntryLinkFigures:
    """Read what an entry link brought: applications, joins, who is still here and who is active."""
    return await queries.figures(session, analyst.community_id, link_id)


@routes.get("/v1/entry-links/{token}")
async def open_entry_link(
    _open: Anyone,
    session: OpenSession,
    token: Annotated[str, Path(max_length=64, examples=["Zm9vYmFyYmF6cXV4MTIzNA"])],
) -> DoorOut:
    """Read what is behind an entry link before signing in: the community and what it asks. Apply with the token."""
    return await queries.get_door(session, token)
