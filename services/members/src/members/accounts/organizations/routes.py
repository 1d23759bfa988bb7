"""One's own organization."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Person
from chassis.requests import TenantSession, tag
from members.accounts.organizations import queries
from members.accounts.organizations.schemas import OrganizationOut

routes = router("organizations")


@routes.get("/v1/organizations/{organization_id}")
async def get_organization(
    session: TenantSession, _principal: Person, organization_id: UUID, response: Response
) -> OrganizationOut:
    """Read one's own organization; there is no other for the caller."""
    organization = await queries.get_organization(session, organization_id)
    tag(response, organization.version)
    return organization
