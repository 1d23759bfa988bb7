"""Compliance over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Manager, Moderator, OrganizationOwner
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from content.moderation.compliance import commands, queries
from content.moderation.compliance.schemas import (
    ModerationPolicyOut,
    ModerationPolicyPut,
    PublicationLogOpen,
    PublicationLogOut,
)

POLICY = "/v1/communities/{community_id}/moderation-policy"

routes = router("moderation")


@routes.get(POLICY)
async def get_moderation_policy(
    session: TenantSession, moderator: Moderator, response: Response
) -> ModerationPolicyOut:
    """Read how the community publishes; version 0 when it never decided."""
    found = queries.out(moderator, await queries.find_policy(session, moderator.community_id))
    tag(response, found.version)
    return found


@routes.put(POLICY, responses=problems(412, 428))
async def put_moderation_policy(
    session: TenantSession, manager: Manager, version: IfMatch, body: ModerationPolicyPut, response: Response
) -> ModerationPolicyOut:
    """Decide under which compliance profile the community publishes, and who else judges its texts. In force at once."""
    found = await commands.put_policy(session, manager, version, body)
    tag(response, found.version)
    return queries.out(manager, found)


@routes.post("/v1/communities/{community_id}/publication-log/openings", status_code=201)
async def open_publication_log(
    session: TenantSession, owner: OrganizationOwner, community_id: UUID, body: PublicationLogOpen
) -> PublicationLogOut:
    """Open a stretch of the sealed log of who published what, when and from where. The opening and its reason are kept."""
    return await commands.open_log(session, owner, community_id, body)
