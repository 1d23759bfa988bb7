"""Making, rotating and withdrawing signing keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from chassis import clock, telemetry
from chassis.db import Session
from chassis.ids import new_id
from chassis.vault import Vault
from members.accounts.keys import policy, queries, signing
from members.accounts.keys.models import SigningKey

PURPOSE = "signing keys"

log = telemetry.log("members.keys")


async def _alone(session: Session) -> None:
    """Wait until no other replica changes the keys."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('members signing keys'))"))


async def _make(session: Session, vault: Vault, signs_from: datetime) -> SigningKey:
    private, public = signing.generate()
    kid = new_id().hex
    key = SigningKey(
        kid=kid,
        public_key=public,
        sealed_private_key=vault.seal(PURPOSE, private, kid.encode()),
        created_at=clock.now(),
        signs_from=signs_from,
    )
    session.add(key)
    await session.flush()
    log.info("signing_key_made", kid=kid, signs_from=signs_from.isoformat())
    return key


async def ensure_key(session: Session, vault: Vault) -> SigningKey:
    """Return the key that signs, making the first one when there is none; replicas that start together make one.

    Raises ValueError when the key was sealed with another secret: then no token could be signed.
    """
    await _alone(session)
    now = clock.now()
    found = policy.signer(await queries.list_keys(session), now) or await _make(session, vault, now)
    vault.open(PURPOSE, found.sealed_private_key, found.kid.encode())
    return found


async def rotate(session: Session, vault: Vault, *, withdraw: str | None = None) -> SigningKey:
    """Make the next key and return it; with `withdraw`, drop that key at once and return the one that signs instead.

    The next key signs after the overlap, or at once when nothing else can; a key that waits for its turn already is the next one.
    Raises LookupError when there is no key to withdraw.
    """
    await _alone(session)
    now = clock.now()
    if withdraw is not None:
        compromised = await queries.find_key(session, withdraw)
        if compromised is None:
            raise LookupError(f"there is no key {withdraw}")
        compromised.withdrawn_at = compromised.withdrawn_at or now
        await session.flush()
        log.warning("signing_key_withdrawn", kid=withdraw)
    keys = await queries.list_keys(session)
    ready = policy.signer(keys, now) if withdraw is not None else policy.upcoming(keys, now)
    return ready or await _make(session, vault, policy.start_of_next(keys, now))


async def forget_old(session: Session) -> None:
    """Delete the keys that were retired or withdrawn so long ago that no token of theirs is left."""
    now = clock.now()
    keys = await queries.list_keys(session)
    kept = {key.kid for key in policy.published(keys, now)}
    for key in keys:
        if key.kid not in kept and (key.withdrawn_at or key.created_at) + policy.KEPT_AFTER < now:
            await session.delete(key)


async def signer(session: Session, vault: Vault) -> signing.Signer:
    """Return what signs tokens now; the table is asked each time, so that a withdrawn key signs nothing more anywhere."""
    key = policy.signer(await queries.list_keys(session), clock.now()) or await ensure_key(session, vault)
    return signing.Signer(key.kid, vault.open(PURPOSE, key.sealed_private_key, key.kid.encode()))
