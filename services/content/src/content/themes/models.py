"""The table of themes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from content.tables import Table


class Theme(Table, table=True):
    """A theme. Retired, it stays for what was said under it, and takes nothing new."""

    __tablename__ = "theme"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    description: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    target_share: int
    promotion: bool
    created_by: UUID
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
