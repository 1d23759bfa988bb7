"""Figures of doors over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from chassis.app import router
from chassis.auth import Analyst
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page
from members.screening.figures import queries
from members.screening.figures.schemas import ChannelFigures, EntryLinkFigures

routes = router("screening")


@routes.get("/v1/communities/{community_id}/entry-links/channels")
async def list_entry_channels(
    request: Request, session: TenantSession, analyst: Analyst, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[ChannelFigures]:
    """Compare the channels: what their entry links brought, who stayed, who had a moment of value, and what was bought."""
    return await queries.list_channels(session, analyst, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/entry-links/{link_id}/figures")
async def get_entry_link_figures(session: TenantSession, analyst: Analyst, link_id: UUID) -> EntryLinkFigures:
    """Read what an entry link brought: looks, applications, joins, who stayed, moments of value and orders."""
    return await queries.of_link(session, analyst.community_id, link_id)
