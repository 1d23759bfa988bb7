"""The table of occurrences."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class Occurrence(Table, table=True):
    """A slot on one of its days; the day in the slot's zone says which one, whatever becomes of the hour."""

    __tablename__ = "slot_occurrence"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    slot_id: UUID
    on_date: date
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    moved: bool = False
    state: str
    item_id: UUID | None = None
    activity_id: UUID | None = None
    notice_at: datetime = Field(sa_type=DateTime(timezone=True))
    noticed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    settled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
