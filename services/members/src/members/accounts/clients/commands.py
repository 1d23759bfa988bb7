"""Making, rotating and withdrawing API clients, and their tokens."""

from __future__ import annotations

import secrets
from uuid import UUID

from chassis import clock, delegation, outbox
from chassis.db import Session, enter_tenant
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from chassis.vault import Vault
from contracts.members import ClientChanged
from members.accounts.clients import policy, queries
from members.accounts.clients.models import Client
from members.accounts.clients.schemas import ClientCreate, ClientSecretOut, ClientTokenOut, ClientUpdate
from members.accounts.keys import commands as keys
from members.accounts.keys.signing import Subject
from members.accounts.policy import digest, same_digest

PREFIX = "hcs_"
SECRET_BYTES = 32


def _emit(session: Session, client: Client, actor: UUID) -> None:
    outbox.emit(
        session,
        ClientChanged(client_id=client.id, active=client.deleted_at is None, scopes=client.scopes, basis=client.basis),
        organization_id=client.organization_id,
        aggregate_id=client.id,
        version=client.version,
        actor=actor,
    )


def _with_secret(client: Client, secret: str) -> ClientSecretOut:
    return ClientSecretOut(**queries.out(client).model_dump(), client_secret=secret)


async def create(session: Session, principal: Principal, body: ClientCreate) -> ClientSecretOut:
    """Make a client; its secret is in the answer and nowhere else."""
    secret, now = PREFIX + secrets.token_urlsafe(SECRET_BYTES), clock.now()
    client = Client(
        id=new_id(),
        organization_id=principal.organization_id,
        name=body.name,
        scopes=[scope.value for scope in body.scopes],
        basis=body.basis,
        shared=body.shared,
        secret_hash=digest(secret),
        created_by=principal.account_id,
        created_at=now,
        secret_changed_at=now,
    )
    session.add(client)
    _emit(session, client, principal.account_id)
    return _with_secret(client, secret)


async def update(session: Session, principal: Principal, identifier: UUID, body: ClientUpdate, expected: int) -> Client:
    """Change a client's name, scopes, basis or what is said of it. Raises Problem 404, 412."""
    client = await queries.lock_client(session, identifier)
    check_version(expected, client.version)
    changed = {
        name: value
        for name, value in body.model_dump(exclude_unset=True, mode="json").items()
        if getattr(client, name) != value
    }
    if not changed:
        return client
    for name, value in changed.items():
        setattr(client, name, value)
    client.version += 1
    _emit(session, client, principal.account_id)
    return client


async def rotate_secret(session: Session, principal: Principal, identifier: UUID) -> ClientSecretOut:
    """Give another secret; the one before is good for a day more, the one before that for no moment longer. Raises Problem 404."""
    client = await queries.lock_client(session, identifier)
    secret, now = PREFIX + secrets.token_urlsafe(SECRET_BYTES), clock.now()
    client.previous_secret_hash = client.secret_hash
    client.previous_expires_at = now + policy.OLD_SECRET_GOOD_FOR
    client.secret_hash = digest(secret)
    client.secret_changed_at = now
    client.version += 1
    _emit(session, client, principal.account_id)
    return _with_secret(client, secret)


async def delete(session: Session, principal: Principal, identifier: UUID) -> None:
    """Withdraw a client: it gets no more tokens; those that it has expire within ten minutes. Raises Problem 404."""
    client = await queries.lock_client(session, identifier)
    client.deleted_at = clock.now()
    client.version += 1
    _emit(session, client, principal.account_id)


async def issue_token(
    session: Session, vault: Vault, client_id: str, secret: str, scope: str | None
) -> ClientTokenOut | str:
    """Return a token for a client that proves itself, or the error code of RFC 6749 §5.2.

    Secrets are 256 random bits: there is nothing to guess, so guesses are not counted here; the gateway limits the rate.
    """
    place = policy.read_client_id(client_id)
    if place is None:
        return "invalid_client"
    organization_id, identifier = place
    await enter_tenant(session, organization_id)
    client = await queries.find_locked(session, identifier)
    if client is None:
        return "invalid_client"
    now, given = clock.now(), digest(secret)
    present = same_digest(given, client.secret_hash)
    before = same_digest(given, client.previous_secret_hash) and policy.old_secret_good(client.previous_expires_at, now)
    if not (present or before):
        return "invalid_client"
    scopes = policy.granted(scope, client.scopes)
    if scopes is None:
        return "invalid_scope"
    client.last_used_at = now
    return await _token(session, vault, Subject(organization_id, client.id, None, scopes, client_id=client.id))


async def delegate_token(
    session: Session, vault: Vault, secret: str, assertion: str, scope: str | None
) -> ClientTokenOut | str:
    """Return a token of the client that the gateway names and acts for, or the error code of RFC 7523 §3.1.

    The token says so (`act`), and `last_used_at` stays: it tells when the partner's own program came.
    """
    try:
        asked = delegation.read(secret, assertion, clock.now())
    except delegation.AssertionInvalidError:
        return "invalid_grant"
    await enter_tenant(session, asked.organization_id)
    client = await queries.find_client(session, asked.client_id)
    if client is None:
        return "invalid_grant"
    scopes = policy.granted(scope, client.scopes)
    if scopes is None:
        return "invalid_scope"
    subject = Subject(asked.organization_id, client.id, None, scopes, client_id=client.id, actor=delegation.ISSUER)
    return await _token(session, vault, subject)


async def _token(session: Session, vault: Vault, subject: Subject) -> ClientTokenOut:
    now, scopes = clock.now(), subject.scopes
    signer = await keys.signer(session, vault)
    access = signer.issue(subject, now)
    return ClientTokenOut(access_token=access.text, expires_in=access.expires_in(now), scope=" ".join(scopes))
