"""A member's page over HTTP: the part of members, which the gateway puts together with the others'."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from chassis.app import router
from chassis.auth import Moderator
from chassis.languages import Language
from chassis.runtime import runtime_of
from members.pages import queries
from members.pages.schemas import MemberFileOut

routes = router("memberships")


@routes.get("/v1/communities/{community_id}/members/{account_id}/file")
async def get_member_file(
    request: Request, moderator: Moderator, account_id: UUID, language: Language
) -> MemberFileOut:
    """Read all that members knows of one member; `/page` has what the other services know too."""
    return await queries.get_file(runtime_of(request).reader, moderator, account_id, language)
