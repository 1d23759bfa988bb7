"""Reading signing keys."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import select

from chassis.db import Session
from members.accounts.keys.models import SigningKey


async def list_keys(session: Session) -> Sequence[SigningKey]:
    """Return every key that is kept; there are a handful."""
    return (await session.scalars(select(SigningKey))).all()


async def find_key(session: Session, kid: str) -> SigningKey | None:
    """Return a key by its name."""
    return await session.get(SigningKey, kid)
