"""One member's tier over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Manager, Member
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.tiers.evaluation import queries as tiers
from members.tiers.evaluation.schemas import TierMoveOut
from members.tiers.placements import commands, queries
from members.tiers.placements.schemas import MembershipTierOut, TierPlace

routes = router("tiers")
PATH = "/v1/communities/{community_id}/memberships/{membership_id}/tier"


@routes.get(PATH)
async def get_membership_tier(
    session: TenantSession, member: Member, membership_id: UUID, response: Response
) -> MembershipTierOut:
    """Read where a member stands; for the member and for staff."""
    found = await queries.out(session, member, membership_id)
    tag(response, found.version)
    return found


@routes.get(f"{PATH}/moves")
async def list_tier_moves(  # noqa: PLR0917  FastAPI passes them by name
    request: Request,
    session: TenantSession,
    member: Member,
    membership_id: UUID,
    language: Language,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[TierMoveOut]:
    """List everything that was decided about a member's tier, newest first, with its inputs; for the member and for staff."""
    found = await queries.out(session, member, membership_id)
    return await tiers.list_moves(
        session,
        member,
        runtime_of(request).cursors,
        account_id=found.account_id,
        language=language,
        limit=limit,
        cursor=cursor,
    )


@routes.put(PATH, responses=problems(409, 412, 428))
async def place_in_tier(
    session: TenantSession,
    manager: Manager,
    membership_id: UUID,
    version: IfMatch,
    body: TierPlace,
    response: Response,
) -> MembershipTierOut:
    """Put a member into a tier by hand, with a reason, until a date; then the standard decides again."""
    await commands.place(session, manager, membership_id, version, body)
    found = await queries.out(session, manager, membership_id)
    tag(response, found.version)
    return found


@routes.delete(PATH, responses=problems(409, 412, 428))
async def end_tier_placement(
    session: TenantSession, manager: Manager, membership_id: UUID, version: IfMatch, response: Response
) -> MembershipTierOut:
    """End a placement before its date; the standard decides at once."""
    await commands.end(session, manager, membership_id, version)
    found = await queries.out(session, manager, membership_id)
    tag(response, found.version)
    return found
