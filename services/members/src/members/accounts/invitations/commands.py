"""Inviting and claiming."""

from __future__ import annotations

import secrets
from uuid import UUID

from chassis import clock, outbox
from chassis.db import Session, enter_tenant
from chassis.errors import Problem, not_found
from chassis.ids import new_id
from chassis.tokens import Principal
from chassis.vault import Vault
from contracts.members import AccountClaimed
from members.accounts import commands as accounts
from members.accounts import queries as account_queries
from members.accounts.credentials.commands import refuse_weak
from members.accounts.credentials.hashing import Hasher
from members.accounts.invitations import policy, queries
from members.accounts.invitations.models import Invitation
from members.accounts.invitations.schemas import InvitationClaim, InvitationOut
from members.accounts.policy import OpaqueToken, Provider, read_token
from members.accounts.sessions import commands as sessions
from members.accounts.sessions.schemas import SessionOut

PREFIX = "hi"
SECRET_BYTES = 32


async def invite(session: Session, principal: Principal, account_id: UUID) -> InvitationOut:
    """Offer an account to the person behind it; an earlier offer is withdrawn. Raises Problem 404, 409."""
    account = await account_queries.lock_account(session, account_id)
    credential = await account_queries.find_credential(session, account_id)
    fault = policy.invite_fault(bot=account.bot, credentialed=credential is not None)
    if fault:
        raise Problem(409, *fault)
    now = clock.now()
    earlier = await queries.find_open(session, account_id)
    if earlier is not None:
        earlier.withdrawn_at = now
        await session.flush()
    token = OpaqueToken(PREFIX, account.organization_id, new_id(), secrets.token_urlsafe(SECRET_BYTES))
    invitation = Invitation(
        id=token.id,
        organization_id=account.organization_id,
        account_id=account_id,
        token_hash=token.digest,
        invited_by=principal.account_id,
        created_at=now,
        expires_at=now + policy.LIFETIME,
    )
    session.add(invitation)
    return InvitationOut(id=invitation.id, account_id=account_id, token=token.text, expires_at=invitation.expires_at)


async def claim(session: Session, vault: Vault, hasher: Hasher, body: InvitationClaim) -> SessionOut:
    """Take over the account with an e-mail and a password, and sign in. Raises Problem 404, 409, 410, 422, 503."""
    token = read_token(PREFIX, body.token.get_secret_value())
    if token is None:
        raise not_found("invitation")
    password = body.password.get_secret_value()
    refuse_weak(password, body.email, "/password")
    hashed = await hasher.hash(password)
    await enter_tenant(session, token.organization_id)
    invitation = await queries.lock_invitation(session, token.id)
    if invitation is None or not token.proves(invitation.token_hash):
        raise not_found("invitation")
    # The account before the decision: two claims, by the same invitation or by two, come one after the other.
    account = await account_queries.lock_account(session, invitation.account_id)
    credential = await account_queries.find_credential(session, account.id)
    now = clock.now()
    fault = policy.claim_fault(
        expires_at=invitation.expires_at,
        claimed=invitation.claimed_at is not None,
        withdrawn=invitation.withdrawn_at is not None,
        credentialed=credential is not None,
        now=now,
    )
    if fault:
        raise Problem(410, *fault)
    await accounts.add_identity(session, account.organization_id, account.id, Provider.EMAIL, body.email)
    await accounts.set_credential(session, account.organization_id, account.id, hashed)
    invitation.claimed_at = now
    account.version += 1
    outbox.emit(
        session,
        AccountClaimed(account_id=account.id),
        organization_id=account.organization_id,
        aggregate_id=account.id,
        version=account.version,
        actor=account.id,
    )
    return await sessions.start(session, vault, account)
