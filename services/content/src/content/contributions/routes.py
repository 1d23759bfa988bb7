"""A member's contributions over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Moderator
from chassis.runtime import runtime_of
from content.contributions import queries
from content.contributions.schemas import ContributionsOut

routes = router("posts")


@routes.get("/v1/communities/{community_id}/members/{account_id}/contributions", response_model=ContributionsOut)
async def get_member_contributions(request: Request, moderator: Moderator, account_id: UUID) -> Response:
    """Read what one member said: how much, and the newest of it."""
    place = (moderator.principal.organization_id, moderator.community_id, account_id)
    found = await queries.get_contributions(runtime_of(request).reader, *place)
    return Response(found, media_type="application/json")
