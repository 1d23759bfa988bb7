"""Roles in the organization."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import OrganizationOwner
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from members.accounts import queries
from members.accounts.schemas import AccountOut
from members.accounts.staff import commands
from members.accounts.staff.schemas import OrganizationRoleUpdate

routes = router("accounts")


@routes.put("/v1/accounts/{account_id}/organization-role", responses=problems(409, 412, 428))
async def set_organization_role(
    session: TenantSession,
    principal: OrganizationOwner,
    account_id: UUID,
    expected: IfMatch,
    body: OrganizationRoleUpdate,
    response: Response,
) -> AccountOut:
    """Give an account a role in the organization, or take it away; who loses one is signed out. One owner always remains."""
    account = await commands.set_organization_role(session, principal, account_id, body.role, expected)
    tag(response, account.version)
    return queries.out(await queries.get_view(session, account_id), principal)
