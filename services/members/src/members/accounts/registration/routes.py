"""Signing up, without a token."""

from __future__ import annotations

from fastapi import Response

from chassis.app import router
from chassis.auth import Anyone
from chassis.requests import OpenSession, tag
from chassis.schemas import problems
from members.accounts import queries
from members.accounts.credentials.hashing import Hashing
from members.accounts.organizations import queries as organizations
from members.accounts.organizations.schemas import OrganizationOut
from members.accounts.registration import commands
from members.accounts.registration.schemas import AccountCreate, OrganizationCreate
from members.accounts.schemas import AccountOut

routes = router("registration")


@routes.post("/v1/organizations", status_code=201, responses=problems(409))
async def sign_up_organization(
    _open: Anyone, session: OpenSession, hasher: Hashing, body: OrganizationCreate, response: Response
) -> OrganizationOut:
    """Sign up a brand with the account of its owner, who then signs in with POST /v1/sessions."""
    organization_id = await commands.sign_up(session, hasher, body)
    organization = await organizations.get_organization(session, organization_id)
    tag(response, organization.version)
    return organization


@routes.post("/v1/accounts", status_code=201, responses=problems(409))
async def register_account(
    _open: Anyone, session: OpenSession, hasher: Hashing, body: AccountCreate, response: Response
) -> AccountOut:
    """Register with an organization, as a person without any role."""
    account = await commands.register(session, hasher, body)
    tag(response, account.version)
    return queries.out(await queries.get_view(session, account.id), None)
