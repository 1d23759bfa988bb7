"""Sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from members.tables import Instant, Table


class AccountSession(Table, table=True):
    """A family of refresh tokens, of which the newest is good; `counter` says how many there were before it."""

    __tablename__ = "session"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    account_id: UUID
    seed: bytes
    counter: int = Field(default=0, sa_type=BigInteger)
    token_hash: bytes
    rotated_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)
