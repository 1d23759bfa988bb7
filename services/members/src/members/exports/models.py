"""The record of exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class Export(Table, table=True):
    """Somebody took a list out. `sent` and `finished_at` stay empty when the download broke off."""

    __tablename__ = "export"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID | None = None
    list_name: str
    filters: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    rows: int
    sent: int | None = None
    made_by: UUID
    made_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
