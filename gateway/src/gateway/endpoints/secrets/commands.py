"""Every write of endpoints' keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.tokens import Principal
from chassis.vault import Vault
from contracts.partners import EndpointChanged, EndpointSecretsRead
from gateway import signing
from gateway.endpoints import queries as endpoints
from gateway.endpoints import sealing
from gateway.endpoints.models import Endpoint, EndpointSecret, Scheme
from gateway.endpoints.partners import queries as partners
from gateway.endpoints.schemas import SecretOut
from gateway.endpoints.secrets import policy, queries
from gateway.endpoints.secrets.schemas import SecretCreate

FORGET = "endpoints.forget_secrets"
"""The work of destroying keys that have expired; its key is the endpoint."""
AT = "/secret"


def read(given: str, wanted: Scheme | None) -> Scheme:
    """Return the scheme of somebody's own key. Raises Problem 422 at /secret or /scheme, which never repeats the key."""
    try:
        key = signing.signing_key(given)
    except signing.InvalidKeyError as fault:
        raise invalid(AT, fault.code.replace("_", "-"), fault.detail) from None
    scheme: Scheme = "v1" if isinstance(key, signing.SharedKey) else "v1a"
    if wanted is not None and wanted != scheme:
        raise invalid("/scheme", "scheme-other", f"This key is one of {scheme}.")
    return scheme


def make(session: Session, vault: Vault, endpoint: Endpoint, scheme: Scheme, given: str | None = None) -> SecretOut:
    """Give an endpoint a key: somebody's own, which was read before, or a new one."""
    key = given or signing.make_secret(scheme)
    secret = EndpointSecret(
        id=new_id(),
        organization_id=endpoint.organization_id,
        endpoint_id=endpoint.id,
        scheme=scheme,
        sealed=sealing.seal_secret(vault, endpoint.id, key),
        public_key=signing.public_key(key) if scheme == "v1a" else None,
        created_at=clock.now(),
    )
    session.add(secret)
    return queries.out(vault, secret)


async def rotate(
    session: Session, vault: Vault, principal: Principal, endpoint_id: UUID, body: SecretCreate
) -> SecretOut:
    """Give an endpoint another key; those of its scheme before sign on for a while. Raises Problem 404, 409, 422."""
    endpoint = await endpoints.get_endpoint(session, principal, endpoint_id, locked=True)
    scheme = body.scheme or "v1"
    if body.secret is not None:
        scheme = read(body.secret, body.scheme)
    now = clock.now()
    present = await queries.list_secrets(session, endpoint_id, now)
    if body.secret in {sealing.open_secret(vault, endpoint_id, one.sealed) for one in present}:
        raise invalid(AT, "secret-repeated", "This key signs already.")
    for one in present:
        if one.scheme == scheme:
            one.expires_at = policy.expiry(one.expires_at, now, body.keep_old_hours)
    expiries = [one.expires_at for one in present]
    if policy.too_many(expiries, now):
        raise Problem(
            409,
            "too-many-secrets",
            f"{policy.MOST_SECRETS} keys sign already: wait until one has expired, or let the old ones end with keep_old_hours.",
        )
    made = make(session, vault, endpoint, scheme, body.secret)
    endpoint.updated_at = now
    endpoint.version += 1
    await session.flush()
    await _forget_later(session, endpoint, [one for one in expiries if one is not None])
    outbox.emit(
        session,
        EndpointChanged(endpoint_id=endpoint_id, client_id=endpoint.client_id, enabled=endpoint.enabled, deleted=False),
        organization_id=endpoint.organization_id,
        aggregate_id=endpoint_id,
        version=endpoint.version,
        actor=principal.account_id,
    )
    return made


async def show(session: Session, vault: Vault, principal: Principal, endpoint_id: UUID) -> list[SecretOut]:
    """Return the keys that sign now, and tell who has seen them. Raises Problem 404, 403 for a withdrawn program."""
    await partners.refuse_withdrawn(session, principal)
    endpoint = await endpoints.get_endpoint(session, principal, endpoint_id)
    secrets = await queries.list_secrets(session, endpoint_id, clock.now())
    reading_id = new_id()
    outbox.emit(
        session,
        EndpointSecretsRead(reading_id=reading_id, endpoint_id=endpoint_id, client_id=endpoint.client_id),
        organization_id=endpoint.organization_id,
        aggregate_id=reading_id,
        version=1,
        actor=principal.account_id,
    )
    return [queries.out(vault, one) for one in secrets]


async def forget(session: Session, endpoint_id: UUID) -> None:
    """Destroy the keys of an endpoint that have expired."""
    await session.execute(
        text("DELETE FROM endpoint_secret WHERE endpoint_id = :endpoint_id AND expires_at <= :now"),
        {"endpoint_id": endpoint_id, "now": clock.now()},
    )


async def _forget_later(session: Session, endpoint: Endpoint, expiries: list[datetime]) -> None:
    if expiries:
        # A little later than the last of them: what reads them has its own idea of now.
        at = max(expiries) + timedelta(minutes=1)
        await due.schedule(session, endpoint.organization_id, FORGET, str(endpoint.id), at)
