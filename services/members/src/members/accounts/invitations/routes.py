"""Inviting and claiming."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Anyone, OrganizationStaff
from chassis.requests import OpenSession, TenantSession
from chassis.schemas import problems
from members.accounts.credentials.hashing import Hashing
from members.accounts.invitations import commands
from members.accounts.invitations.schemas import InvitationClaim, InvitationOut
from members.accounts.sessions.routes import private
from members.accounts.sessions.schemas import SessionOut
from members.vault import Secrets

routes = router("invitations")


@routes.post("/v1/accounts/{account_id}/invitations", status_code=201, responses=problems(409))
async def invite_account(
    session: TenantSession, principal: OrganizationStaff, account_id: UUID, response: Response
) -> InvitationOut:
    """Invite the person behind an imported account to claim it; an earlier invitation is withdrawn."""
    private(response)
    return await commands.invite(session, principal, account_id)


@routes.post("/v1/invitations/claim", status_code=201, responses=problems(409, 410))
async def claim_invitation(
    _open: Anyone,
    session: OpenSession,
    vault: Secrets,
    hasher: Hashing,
    body: InvitationClaim,
    response: Response,
) -> SessionOut:
    """Claim an account with the token of an invitation, and sign in."""
    private(response)
    return await commands.claim(session, vault, hasher, body)
