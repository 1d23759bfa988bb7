"""The installation's signing keys."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from members.tables import Instant, Table


class SigningKey(Table, table=True):
    """An Ed25519 key; the private half is sealed by the vault. When it stops signing follows from its successor."""

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    public_key: bytes
    sealed_private_key: bytes
    created_at: datetime = Field(sa_type=Instant)
    signs_from: datetime = Field(sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
