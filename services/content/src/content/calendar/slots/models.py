"""The table of slots."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from content.tables import Table


class Slot(Table, table=True):
    """A recurring slot. Retired, it falls no more, and what it brought stays."""

    __tablename__ = "slot"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    group_id: UUID | None = None
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    kind: str
    theme_id: UUID | None = None
    rrule: str
    at: time
    starts_on: date
    zone: str | None = None
    reckoned_zone: str
    late_policy: str
    tolerance_seconds: int
    notice_hours: int
    fallback_item_id: UUID | None = None
    created_by: UUID
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
