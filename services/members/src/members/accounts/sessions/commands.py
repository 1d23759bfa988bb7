"""Signing in, refreshing, signing out, and changing the password."""

from __future__ import annotations

import base64
import hmac
import math
import os
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock, due, outbox
from chassis.db import Session, enter_tenant, transaction
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.tokens import Principal, unauthorized
from chassis.vault import Vault
from contracts.members import SessionRevoked
from members.accounts import commands as accounts
from members.accounts import queries as account_queries
from members.accounts.credentials import commands as credentials
from members.accounts.credentials import queries as credential_queries
from members.accounts.credentials.hashing import Hasher
from members.accounts.keys import commands as keys
from members.accounts.keys.signing import Subject
from members.accounts.models import Account
from members.accounts.organizations import queries as organizations
from members.accounts.policy import OpaqueToken, read_token, scopes_of
from members.accounts.sessions import policy, queries
from members.accounts.sessions.models import AccountSession
from members.accounts.sessions.policy import Family, Reason, Verdict
from members.accounts.sessions.schemas import PasswordChange, SessionCreate, SessionOut, SessionRefresh

PREFIX = "hrt"
PURPOSE = "refresh tokens"
PURGE_KIND = "sessions.purge"
_COUNTER_BYTES = 4


@dataclass(frozen=True, slots=True)
class Doors:
    """What proving who one is needs beside the request's transaction."""

    engine: AsyncEngine
    vault: Vault
    hasher: Hasher
    address: str


def _wrong() -> Problem:
    return Problem(
        401,
        "credentials-invalid",
        "The organization, the e-mail address or the password is wrong.",
        headers={"WWW-Authenticate": 'Bearer realm="hearth"'},
    )


def _refused() -> Problem:
    return unauthorized("The refresh token is not good any more: sign in again.", "refresh-token-invalid")


async def sign_in(session: Session, doors: Doors, body: SessionCreate) -> SessionOut:
    """Start a session. Raises Problem 401, 429, 503.

    What is read before the hash, and the failure that is counted after it, are transactions of their own: the failure must stay although
    the request answers 401 and rolls back, and no connection is held while the password waits for a thread.
    """
    login, password = body.email, body.password.get_secret_value()
    async with transaction(doors.engine) as before:
        organization_id = await organizations.enter_organization(before, body.organization)
        stored = await credential_queries.find_stored(before, login) if organization_id else None
    identity = credentials.identity_counter(doors.vault, str(organization_id or body.organization), login)
    counters = [identity, credentials.address_counter(doors.vault, doors.address)]
    async with credentials.attempt(doors.engine, counters):
        # Where there is no credential a decoy is verified, so that the time does not tell.
        right = await doors.hasher.verify(stored.hash if stored else None, password)
        if not right or stored is None or organization_id is None:
            await credentials.record_failure(doors.engine, counters)
            raise _wrong()
    renewed = await doors.hasher.hash(password) if doors.hasher.outdated(stored.hash) else None
    await enter_tenant(session, organization_id)
    # The account may have been merged, or its password changed, while the hash was computed.
    account = await account_queries.find_locked(session, stored.account_id)
    credential = await account_queries.find_credential(session, stored.account_id)
    if account is None or credential is None or credential.hash != stored.hash:
        raise _wrong()
    if renewed:
        await credentials.rehash(session, account.id, stored.hash, renewed)
    await credentials.forgive(session, identity)
    return await start(session, doors.vault, account)


async def start(session: Session, vault: Vault, account: Account) -> SessionOut:
    """Start a session of an account that has proved who it is."""
    now = clock.now()
    row = AccountSession(
        id=new_id(),
        organization_id=account.organization_id,
        account_id=account.id,
        seed=os.urandom(32),
        token_hash=b"",
        rotated_at=now,
        expires_at=now + policy.LIFETIME,
        created_at=now,
    )
    token = _refresh_token(vault, row, 0)
    row.token_hash = token.digest
    session.add(row)
    await session.flush()
    await due.schedule(session, row.organization_id, PURGE_KIND, "all", row.expires_at, keep=True)
    return await _answer(session, vault, row, account, token, now)


def _refresh_token(vault: Vault, row: AccountSession, counter: int) -> OpaqueToken:
    """Return the token with this number in the session's family.

    It is derived from the vault and the session's random seed, so that a lost answer can be given again though only the digest is stored.
    """
    number = counter.to_bytes(_COUNTER_BYTES, "big")
    proof = vault.mac(PURPOSE, row.organization_id.bytes, row.id.bytes, row.seed, number)
    secret = base64.urlsafe_b64encode(number + proof).decode()
    return OpaqueToken(PREFIX, row.organization_id, row.id, secret)


def _number_of(vault: Vault, row: AccountSession, token: OpaqueToken) -> int | None:
    """Return which of the family a token is, None when it never was one: a guess must not end a session."""
    if token.proves(row.token_hash):
        return row.counter
    try:
        counter = int.from_bytes(base64.urlsafe_b64decode(token.secret)[:_COUNTER_BYTES], "big")
    except ValueError:
        return None
    genuine = _refresh_token(vault, row, counter).secret
    return counter if hmac.compare_digest(genuine.encode(), token.secret.encode()) else None


async def _answer(
    session: Session, vault: Vault, row: AccountSession, account: Account, token: OpaqueToken, now: datetime
) -> SessionOut:
    signer = await keys.signer(session, vault)
    subject = Subject(row.organization_id, account.id, row.id, scopes_of(account.organization_role))
    access = signer.issue(subject, row.rotated_at)
    return SessionOut(
        access_token=access.text,
        expires_in=access.expires_in(now),
        refresh_token=token.text,
        refresh_expires_in=math.ceil((row.expires_at - now).total_seconds()),
        account_id=account.id,
        organization_id=row.organization_id,
    )


async def refresh(session: Session, vault: Vault, body: SessionRefresh) -> SessionOut | Problem:
    """Give the next refresh token and a new access token. Raises Problem 401.

    When the token was used before, its family ends. That answer is *returned*, not raised: the end must be committed with it.
    """
    token = read_token(PREFIX, body.refresh_token.get_secret_value())
    if token is None:
        raise _refused()
    await enter_tenant(session, token.organization_id)
    row = await queries.lock_session(session, token.id)
    account = await account_queries.find_account(session, row.account_id) if row else None
    if row is None or account is None or account.merged_into is not None:
        raise _refused()
    now = clock.now()
    family = Family(row.counter, row.rotated_at, row.expires_at, row.revoked_at is not None)
    verdict = policy.judge(family, _number_of(vault, row, token), now)
    if verdict is Verdict.REFUSE:
        raise _refused()
    if verdict is Verdict.REVOKE:
        _revoke(session, row, Reason.REFRESH_REUSED, actor=None)
        return _refused()
    if verdict is Verdict.ROTATE:
        row.counter += 1
        row.rotated_at = now
        row.expires_at = now + policy.LIFETIME
    successor = _refresh_token(vault, row, row.counter)
    row.token_hash = successor.digest
    return await _answer(session, vault, row, account, successor, now)


def _revoke(session: Session, row: AccountSession, reason: Reason, *, actor: UUID | None) -> None:
    row.revoked_at = clock.now()
    row.version += 1
    outbox.emit(
        session,
        SessionRevoked(session_id=row.id, account_id=row.account_id, reason=reason),
        organization_id=row.organization_id,
        aggregate_id=row.id,
        version=row.version,
        actor=actor,
    )


async def sign_out(session: Session, principal: Principal) -> None:
    """End the session that the token belongs to; one that is over stays so."""
    row = await queries.lock_session(session, principal.session_id) if principal.session_id else None
    if row is not None and row.account_id == principal.account_id and row.revoked_at is None:
        _revoke(session, row, Reason.SIGNED_OUT, actor=principal.account_id)


async def revoke_all(
    session: Session, account_id: UUID, reason: Reason, *, actor: UUID | None, but: UUID | None = None
) -> int:
    """End the sessions of an account, `but` one; return how many."""
    rows = await queries.lock_sessions_of(session, account_id, but=but)
    for row in rows:
        _revoke(session, row, reason, actor=actor)
    return len(rows)


async def change_password(session: Session, doors: Doors, principal: Principal, body: PasswordChange) -> None:
    """Set another password and end the account's other sessions. Raises Problem 403, 422, 429, 503.

    Guessing at the old password is limited like signing in, on a counter of its own. As there, the hash holds no connection.
    """
    async with transaction(doors.engine, principal.organization_id) as before:
        view = await account_queries.get_view(before, principal.account_id)
        stored = await account_queries.find_credential(before, principal.account_id)
    new = body.new_password.get_secret_value()
    credentials.refuse_weak(new, view.email or "", "/new_password")
    login = f"account {principal.account_id}"
    counters = [
        credentials.identity_counter(doors.vault, str(principal.organization_id), login),
        credentials.address_counter(doors.vault, doors.address),
    ]
    async with credentials.attempt(doors.engine, counters):
        current = body.current_password.get_secret_value()
        if not await doors.hasher.verify(stored.hash if stored else None, current) or stored is None:
            await credentials.record_failure(doors.engine, counters)
            raise Problem(403, "password-wrong", "The current password is another one.")
    hashed = await doors.hasher.hash(new)
    await enter_tenant(session, principal.organization_id)
    await account_queries.lock_account(session, principal.account_id)
    now_stored = await account_queries.find_credential(session, principal.account_id)
    if now_stored is None or now_stored.hash != stored.hash:
        raise Problem(409, "password-changed", "The password was changed at the same time.")
    await accounts.set_credential(session, principal.organization_id, principal.account_id, hashed)
    await credentials.forgive(session, counters[0])
    await revoke_all(
        session,
        principal.account_id,
        Reason.CREDENTIAL_CHANGED,
        actor=principal.account_id,
        but=principal.session_id,
    )


async def purge(session: Session, organization_id: UUID) -> None:
    """Delete the tenant's sessions that have expired; come back when the next one does."""
    await session.execute(text("DELETE FROM session WHERE expires_at <= :now"), {"now": clock.now()})
    earliest = await queries.earliest_expiry(session)
    if earliest is not None:
        await due.schedule(session, organization_id, PURGE_KIND, "all", earliest, keep=True)
