"""The table of segments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Table


class Segment(Table, table=True):
    """A saved filter. `current_version` is the version of the filter that its members were last worked out with."""

    __tablename__ = "segment"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    filter_version: int
    current_version: int | None = None
    current_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    members: int = Field(default=0, sa_type=BigInteger)
    crossings: int = Field(default=0, sa_type=BigInteger)
    created_by: UUID
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    deleted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int
