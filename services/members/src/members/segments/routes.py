"""Segments over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Analyst, Manager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.segments import commands, queries
from members.segments.schemas import PreviewAsk, PreviewOut, SegmentCreate, SegmentMember, SegmentOut, SegmentUpdate

routes = router("segments")


@routes.post("/v1/communities/{community_id}/segments", status_code=201, responses=problems(409))
async def create_segment(
    session: TenantSession, manager: Manager, body: SegmentCreate, response: Response
) -> SegmentOut:
    """Save a filter as a segment. Its members are worked out in the background and kept current from then on."""
    segment = await commands.create(session, manager, body)
    tag(response, segment.version)
    return await queries.out(session, segment, manager)


@routes.get("/v1/communities/{community_id}/segments")
async def list_segments(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[SegmentOut]:
    """List the community's segments, oldest first."""
    return await queries.list_page(session, analyst, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.post("/v1/communities/{community_id}/segments/previews")
async def preview_segment(session: TenantSession, analyst: Analyst, body: PreviewAsk) -> PreviewOut:
    """Try a filter: how many members match now, and some of them. Nothing is saved."""
    return await queries.preview(session, analyst, body.filter, exact=body.exact)


@routes.get("/v1/communities/{community_id}/segments/{segment_id}")
async def get_segment(session: TenantSession, analyst: Analyst, segment_id: UUID, response: Response) -> SegmentOut:
    """Read a segment."""
    segment = await queries.get(session, analyst.community_id, segment_id)
    tag(response, segment.version)
    return await queries.out(session, segment, analyst)


@routes.patch("/v1/communities/{community_id}/segments/{segment_id}", responses=problems(409, 412, 428))
async def update_segment(
    session: TenantSession,
    manager: Manager,
    segment_id: UUID,
    version: IfMatch,
    body: SegmentUpdate,
    response: Response,
) -> SegmentOut:
    """Name a segment anew or give it another filter; it, and the segments that mention it, are worked out anew."""
    segment = await commands.update(session, manager, segment_id, version, body)
    tag(response, segment.version)
    return await queries.out(session, segment, manager)


@routes.delete(
    "/v1/communities/{community_id}/segments/{segment_id}", status_code=204, responses=problems(409, 412, 428)
)
async def delete_segment(session: TenantSession, manager: Manager, segment_id: UUID, version: IfMatch) -> None:
    """Delete a segment that no other segment mentions."""
    await commands.delete(session, manager, segment_id, version)


@routes.get("/v1/communities/{community_id}/segments/{segment_id}/members")
async def list_segment_members(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    segment_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[SegmentMember]:
    """List who is in a segment, oldest account first."""
    cursors = runtime_of(request).cursors
    return await queries.list_members(session, analyst, cursors, segment_id, limit=limit, cursor=cursor)
