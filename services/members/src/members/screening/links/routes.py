"""Entry links over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from chassis.app import router
from chassis.auth import Anyone, Manager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, OpenSession, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.screening.links import commands, images, queries
from members.screening.links.schemas import DoorOut, EntryLinkCreate, EntryLinkOut, EntryLinkUpdate
from members.settings import settings_of

routes = router("screening")


async def _entry_url(request: Request) -> str:
    return settings_of(runtime_of(request)).entry_url


EntryUrl = Annotated[str, Depends(_entry_url)]
"""The template of addresses in the brand's frontend."""


def _picture(media_type: str, example: str) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that is a picture."""
    schema = {"type": "string", "contentMediaType": media_type}
    return {200: {"description": "The picture.", "content": {media_type: {"schema": schema, "example": example}}}}


@routes.post("/v1/communities/{community_id}/entry-links", status_code=201, responses=problems(409))
async def create_entry_link(
    session: TenantSession, manager: Manager, entry_url: EntryUrl, body: EntryLinkCreate, response: Response
) -> EntryLinkOut:
    """Make an entry link or the scene of a QR code for a channel."""
    link = await commands.create(session, manager, body)
    tag(response, link.version)
    return queries.out(manager, link, entry_url)


@routes.get("/v1/communities/{community_id}/entry-links")
async def list_entry_links(
    request: Request,
    session: TenantSession,
    manager: Manager,
    entry_url: EntryUrl,
    *,
    channel: Annotated[str | None, Query(max_length=40, description="only those of this channel")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[EntryLinkOut]:
    """List the entry links, newest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_page(session, manager, cursors, entry_url, channel=channel, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/entry-links/{link_id}")
async def get_entry_link(
    session: TenantSession, manager: Manager, entry_url: EntryUrl, link_id: UUID, response: Response
) -> EntryLinkOut:
    """Read an entry link."""
    link = queries.out(manager, await queries.get(session, manager.community_id, link_id), entry_url)
    tag(response, link.version)
    return link


@routes.patch("/v1/communities/{community_id}/entry-links/{link_id}", responses=problems(409, 412, 428))
async def update_entry_link(
    session: TenantSession,
    manager: Manager,
    entry_url: EntryUrl,
    link_id: UUID,
    version: IfMatch,
    *,
    body: EntryLinkUpdate,
    response: Response,
) -> EntryLinkOut:
    """Change an entry link, close it or open it again."""
    link = await commands.update(session, manager, link_id, version, body)
    tag(response, link.version)
    return queries.out(manager, link, entry_url)


@routes.get(
    "/v1/communities/{community_id}/entry-links/{link_id}/qr.svg",
    response_class=Response,
    responses=_picture("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 37 37"></svg>'),
)
async def draw_entry_link(session: TenantSession, manager: Manager, entry_url: EntryUrl, link_id: UUID) -> Response:
    """Draw an entry link's address as a QR code, to be printed at any size."""
    link = queries.out(manager, await queries.get(session, manager.community_id, link_id), entry_url)
    return Response(images.svg(link.address), media_type="image/svg+xml")


@routes.get(
    "/v1/communities/{community_id}/entry-links/{link_id}/qr.png",
    response_class=Response,
    responses=_picture("image/png", "\u0089PNG"),
)
async def paint_entry_link(
    session: TenantSession,
    manager: Manager,
    entry_url: EntryUrl,
    link_id: UUID,
    scale: Annotated[int, Query(ge=1, le=40, description="pixels to a module of the code")] = 10,
) -> Response:
    """Paint an entry link's address as a QR code in pixels, for where SVG is not taken."""
    link = queries.out(manager, await queries.get(session, manager.community_id, link_id), entry_url)
    return Response(images.png(link.address, scale=scale), media_type="image/png")


@routes.get("/v1/entry-links/{token}")
async def open_entry_link(
    _open: Anyone,
    session: OpenSession,
    token: Annotated[str, Path(max_length=64, examples=["Zm9vYmFyYmF6cXV4MTIzNA"])],
) -> DoorOut:
    """Read what is behind an entry link before signing in: the community and what it asks. Apply with the token."""
    link, door = await queries.get_door(session, token)
    await commands.note_opened(session, link)
    return door
