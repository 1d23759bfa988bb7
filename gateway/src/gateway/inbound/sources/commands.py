"""Making, changing, closing and deleting sources, and giving them other keys."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from chassis.vault import Vault
from contracts.partners import SourceChanged
from gateway.inbound.sources import policy, queries
from gateway.inbound.sources.models import Source, SourceKey
from gateway.inbound.sources.schemas import (
    CustomVerification,
    SourceCreate,
    SourceSecretOut,
    SourceUpdate,
    StandardVerification,
)

PURPOSE = "source key"

_RETIRE = text("""
UPDATE source_key SET expires_at = LEAST(coalesce(expires_at, :until), :until) WHERE source_id = :source_id
""")
_FORGET = text("DELETE FROM source_key WHERE source_id = :source_id AND expires_at <= :now")


def emit(session: Session, source: Source, actor: UUID | None) -> None:
    """Tell that a source is another than it was, whose version has been raised."""
    source.updated_at = clock.now()
    outbox.emit(
        session,
        SourceChanged(source_id=source.id, client_id=source.client_id, open=source.open and source.deleted_at is None),
        organization_id=source.organization_id,
        aggregate_id=source.id,
        version=source.version,
        actor=actor,
    )


def _verification(given: StandardVerification | CustomVerification) -> dict[str, object]:
    return given.model_dump(mode="json")


def _add_key(session: Session, vault: Vault, source: Source, secret: str | None) -> str | None:
    """Add a key; return what of it is shown."""
    if secret is not None:
        policy.check_secret(source.verification, secret)
    else:
        secret = policy.new_secret(source.verification)
    key_id = new_id()
    session.add(
        SourceKey(
            id=key_id,
            organization_id=source.organization_id,
            source_id=source.id,
            sealed=vault.seal(PURPOSE, secret.encode(), key_id.bytes),
            created_at=clock.now(),
        )
    )
    return secret if policy.shown(source.verification) and not secret.startswith("whpk_") else None


async def create(session: Session, vault: Vault, principal: Principal, body: SourceCreate) -> SourceSecretOut:
    """Make a source. Raises Problem 403, 422."""
    client_id = policy.client_of(principal, body.client_id)
    active = await queries.partner_active(session, client_id)
    if active is False or (active is None and principal.client_id is None):
        raise invalid("/client_id", "client-unknown", "The organization has no such API client.")
    now = clock.now()
    source = Source(
        id=new_id(),
        organization_id=principal.organization_id,
        client_id=client_id,
        name=body.name,
        verification=_verification(body.verification),
        created_at=now,
        created_by=principal.account_id,
        updated_at=now,
    )
    session.add(source)
    await session.flush()
    secret = _add_key(session, vault, source, body.secret)
    emit(session, source, principal.account_id)
    await session.flush()
    return await _with_secret(session, source, secret)


async def _with_secret(session: Session, source: Source, secret: str | None) -> SourceSecretOut:
    [out] = await queries.outs(session, [source])
    return SourceSecretOut(**out.model_dump(), secret=secret)


async def change(session: Session, principal: Principal, source_id: UUID, expected: int, body: SourceUpdate) -> Source:
    """Change a source. Raises Problem 404, 412, 422."""
    source = await queries.get_source(session, principal, source_id, lock=True)
    check_version(expected, source.version)
    if body.name is not None:
        source.name = body.name
    if body.verification is not None:
        wanted = _verification(body.verification)
        for part in ("kind", "algorithm"):
            if wanted.get(part) != source.verification.get(part):
                raise invalid(
                    f"/verification/{part}", "key-unfit", "The source's keys are for another: make a new source."
                )
        source.verification = wanted
    source.version += 1
    emit(session, source, principal.account_id)
    return source


async def turn(session: Session, principal: Principal, source_id: UUID, expected: int, *, opened: bool) -> Source:
    """Open or close a source; doing so again changes nothing. Raises Problem 404, 409, 412."""
    source = await queries.get_source(session, principal, source_id, lock=True)
    check_version(expected, source.version)
    if opened and await queries.partner_active(session, source.client_id) is False:
        raise Problem(409, "client-withdrawn", "The partner's API client was withdrawn.")
    if source.open != opened:
        source.open = opened
        source.version += 1
        emit(session, source, principal.account_id)
    return source


async def rotate(
    session: Session, vault: Vault, principal: Principal, source_id: UUID, secret: str | None
) -> SourceSecretOut:
    """Give a source another key; those before verify for 24 hours more. Raises Problem 404, 409, 422."""
    source = await queries.get_source(session, principal, source_id, lock=True)
    good = (await queries.keys_of(session, [source.id])).get(source.id, [])
    if len(good) >= policy.MOST_KEYS:
        raise Problem(409, "too-many-keys", f"{policy.MOST_KEYS} keys are good at once: wait until one has expired.")
    now = clock.now()
    await session.execute(_RETIRE, {"source_id": source.id, "until": now + policy.OLD_KEY_GOOD_FOR})
    await session.execute(_FORGET, {"source_id": source.id, "now": now})
    session.expire_all()
    source = await queries.get_source(session, principal, source_id, lock=True)
    shown = _add_key(session, vault, source, secret)
    source.version += 1
    emit(session, source, principal.account_id)
    await session.flush()
    return await _with_secret(session, source, shown)


async def delete(session: Session, principal: Principal, source_id: UUID, expected: int) -> None:
    """Delete a source and its keys; what it brought stays. Raises Problem 404, 412."""
    source = await queries.get_source(session, principal, source_id, lock=True)
    check_version(expected, source.version)
    source.deleted_at = clock.now()
    source.version += 1
    await session.execute(text("DELETE FROM source_key WHERE source_id = :source_id"), {"source_id": source.id})
    emit(session, source, principal.account_id)
