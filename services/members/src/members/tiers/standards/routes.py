"""Tier standards over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from chassis.app import router
from chassis.auth import Manager, Member
from chassis.errors import not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.tiers.standards import commands, queries
from members.tiers.standards.policy import StandardState
from members.tiers.standards.schemas import TierStandardCreate, TierStandardOut, TierStandardUpdate

routes = router("tiers")

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="the standard's number")]


@routes.post("/v1/communities/{community_id}/tier-standards", status_code=201, responses=problems(409))
async def create_tier_standard(
    session: TenantSession, manager: Manager, body: TierStandardCreate, response: Response
) -> TierStandardOut:
    """Draft a tier standard: its tiers from the lowest to the highest, what each gives and what each asks."""
    standard = await commands.create(session, manager, body)
    tag(response, standard.version)
    return queries.out(manager, standard)


@routes.get("/v1/communities/{community_id}/tier-standards")
async def list_tier_standards(
    request: Request, session: TenantSession, member: Member, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[TierStandardOut]:
    """List the community's standards, newest first; drafts are for managers."""
    return await queries.list_page(session, member, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/tier-standards/{number}")
async def get_tier_standard(
    session: TenantSession, member: Member, number: Number, response: Response
) -> TierStandardOut:
    """Read a standard; drafts are for managers."""
    standard = await queries.get(session, member.community_id, number)
    if standard.state == StandardState.DRAFT and not member.has():
        raise not_found("tier standard")
    tag(response, standard.version)
    return queries.out(member, standard)


@routes.patch("/v1/communities/{community_id}/tier-standards/{number}", responses=problems(409, 412, 428))
async def update_tier_standard(
    session: TenantSession,
    manager: Manager,
    number: Number,
    version: IfMatch,
    body: TierStandardUpdate,
    response: Response,
) -> TierStandardOut:
    """Change a draft."""
    standard = await commands.update(session, manager, number, version, body)
    tag(response, standard.version)
    return queries.out(manager, standard)


@routes.post("/v1/communities/{community_id}/tier-standards/{number}/adopt", responses=problems(409, 412, 428))
async def adopt_tier_standard(
    session: TenantSession, manager: Manager, number: Number, version: IfMatch, response: Response
) -> TierStandardOut:
    """Put a draft in force. Everybody is evaluated soon after; nobody falls before their grace is over."""
    standard = await commands.adopt(session, manager, number, version)
    tag(response, standard.version)
    return queries.out(manager, standard)
