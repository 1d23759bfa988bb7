"""API clients."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chassis.db import text_enum
from contracts.members import ClientBasis
from members.tables import Instant, Table, Texts


class Client(Table, table=True):
    """A partner's program. For a day after a change of secret the one before is good too."""

    __tablename__ = "client"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    name: str
    scopes: list[str] = Field(sa_type=Texts)
    basis: ClientBasis = Field(sa_column=Column(text_enum(ClientBasis), nullable=False))
    shared: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    secret_hash: bytes
    previous_secret_hash: bytes | None = None
    previous_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    created_by: UUID
    created_at: datetime = Field(sa_type=Instant)
    secret_changed_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int = Field(default=1, sa_type=BigInteger)
