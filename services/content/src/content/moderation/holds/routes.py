"""Holds over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Moderator
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.moderation.holds import commands, queries
from content.moderation.holds.policy import HoldState
from content.moderation.holds.schemas import HoldDecision, HoldOut

HOLDS = "/v1/communities/{community_id}/holds"
ONE = HOLDS + "/{hold_id}"

routes = router("moderation")


@routes.get(HOLDS)
async def list_holds(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[HoldOut]:
    """List the texts that wait for a decision, longest first."""
    return await queries.list_page(session, moderator, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get(ONE)
async def get_hold(session: TenantSession, moderator: Moderator, hold_id: UUID, response: Response) -> HoldOut:
    """Read a held text with what was found in it."""
    hold = await queries.get_hold(session, moderator, hold_id)
    tag(response, hold.version)
    return hold


@routes.post(ONE + "/release", responses=problems(409, 412, 428))
async def release_hold(
    session: TenantSession,
    moderator: Moderator,
    hold_id: UUID,
    version: IfMatch,
    body: HoldDecision,
    response: Response,
) -> HoldOut:
    """Publish a held text. Nobody decides about their own."""
    hold = await commands.decide(session, moderator, hold_id, version, HoldState.RELEASED, body.note)
    tag(response, hold.version)
    return hold


@routes.post(ONE + "/remove", responses=problems(409, 412, 428))
async def remove_hold(
    session: TenantSession,
    moderator: Moderator,
    hold_id: UUID,
    version: IfMatch,
    body: HoldDecision,
    response: Response,
) -> HoldOut:
    """Remove a held text: it is not published, and stays as evidence. Nobody decides about their own."""
    hold = await commands.decide(session, moderator, hold_id, version, HoldState.REMOVED, body.note)
    tag(response, hold.version)
    return hold
