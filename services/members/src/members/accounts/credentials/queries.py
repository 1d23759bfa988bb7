"""Reading what a sign-in needs: the credential behind an e-mail, and the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from chassis.db import Session
from members.accounts.credentials.models import LoginLimit
from members.accounts.credentials.policy import Failures
from members.accounts.models import Credential, Identity
from members.accounts.policy import Provider


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """Whose credential it is, and its hash."""

    account_id: UUID
    hash: str


async def find_stored(session: Session, email: str) -> StoredCredential | None:
    """Return the credential behind a normalised e-mail address, None when there is no such account or it cannot sign in."""
    wanted = (
        select(Credential.account_id, Credential.hash)
        .join(Identity, col(Identity.account_id) == col(Credential.account_id))
        .where(Identity.provider == Provider.EMAIL, Identity.subject == email)
    )
    row = (await session.execute(wanted)).one_or_none()
    return StoredCredential(*row) if row else None


async def find_failures(session: Session, keys: Sequence[bytes]) -> dict[bytes, Failures]:
    """Return what is known of these identities and addresses."""
    rows = (await session.scalars(select(LoginLimit).where(col(LoginLimit.key).in_(keys)))).all()
    return {row.key: Failures(row.failures, row.counted_at, row.locked_until) for row in rows}


async def lock_limit(session: Session, key: bytes) -> LoginLimit | None:
    """Return a counter, locked for a change."""
    wanted = select(LoginLimit).where(LoginLimit.key == key).with_for_update()
    return (await session.scalars(wanted, execution_options={"populate_existing": True})).one_or_none()
