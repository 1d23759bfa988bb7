"""The programme over HTTP. The gateway puts it together with the card that members keeps."""

from __future__ import annotations

from uuid import UUID

from chassis.app import router
from chassis.auth import Member
from chassis.requests import TenantSession
from content.programme import queries
from content.programme.schemas import ProgrammeOut

routes = router("calendar")


@routes.get("/v1/communities/{community_id}/programme")
async def get_community_programme(session: TenantSession, member: Member) -> ProgrammeOut:
    """Read what comes next in the community: the pinned announcement, slots and activities with their times."""
    return await queries.get_programme(session, member, None)


@routes.get("/v1/communities/{community_id}/groups/{group_id}/programme")
async def get_group_programme(session: TenantSession, member: Member, group_id: UUID) -> ProgrammeOut:
    """Read what comes next in a group: its own and the community's. Its own announcement is for those who are in it."""
    return await queries.get_programme(session, member, group_id)
