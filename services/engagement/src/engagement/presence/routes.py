"""A member's presence over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Moderator
from chassis.runtime import runtime_of
from engagement.presence import queries
from engagement.presence.schemas import PresenceOut

routes = router("pulse")


@routes.get("/v1/communities/{community_id}/members/{account_id}/presence", response_model=PresenceOut)
async def get_member_presence(request: Request, moderator: Moderator, account_id: UUID) -> Response:
    """Read when one member was active: days, first, last, and the weeks."""
    place = (moderator.principal.organization_id, moderator.community_id, account_id, moderator.zone)
    return Response(await queries.get_presence(runtime_of(request).reader, *place), media_type="application/json")
