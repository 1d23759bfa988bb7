"""The tables of sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from gateway.tables import Instant, Table


class Source(Table, table=True):
    """A place from which one partner's webhooks are taken."""

    __tablename__ = "source"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    client_id: UUID
    name: str
    verification: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    open: bool = True
    mapping: int | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: UUID
    updated_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int = 1


class SourceKey(Table, table=True):
    """A key by which a source's messages are verified, sealed."""

    __tablename__ = "source_key"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    source_id: UUID
    sealed: bytes
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
