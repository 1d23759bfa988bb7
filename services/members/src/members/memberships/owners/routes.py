"""Owners over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Manager, Moderator
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from members.memberships.owners import commands, queries
from members.memberships.owners.schemas import OwnerOut, OwnerSet

routes = router("memberships")
PATH = "/v1/communities/{community_id}/memberships/{membership_id}/owner"


@routes.get(PATH)
async def get_membership_owner(
    session: TenantSession, moderator: Moderator, membership_id: UUID, response: Response
) -> OwnerOut:
    """Read who looks after a member."""
    owner = await queries.out(session, moderator, membership_id)
    tag(response, owner.version)
    return owner


@routes.put(PATH, responses=problems(412, 428))
async def set_membership_owner(
    session: TenantSession, manager: Manager, membership_id: UUID, version: IfMatch, body: OwnerSet, response: Response
) -> OwnerOut:
    """Let a staff person look after a member."""
    await commands.change(session, manager, membership_id, version, body.account_id)
    owner = await queries.out(session, manager, membership_id)
    tag(response, owner.version)
    return owner


@routes.delete(PATH, status_code=204, responses=problems(412, 428))
async def clear_membership_owner(
    session: TenantSession, manager: Manager, membership_id: UUID, version: IfMatch
) -> None:
    """Let nobody look after a member."""
    await commands.change(session, manager, membership_id, version, None)
