"""Acknowledgements and remindings as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class Acknowledgement(Table, table=True):
    """One member's word that they have read an announcement."""

    __tablename__ = "acknowledgement"

    post_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    organization_id: UUID
    id: UUID
    acknowledged_at: datetime = Field(sa_type=DateTime(timezone=True))


class AnnouncementReminder(Table, table=True):
    """Reminding all who have not acknowledged an announcement, a batch at a time; `reached` is the last account of the last batch."""

    __tablename__ = "announcement_reminder"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    post_id: UUID
    requested_by: UUID
    requested_at: datetime = Field(sa_type=DateTime(timezone=True))
    reached: UUID | None = None
    reminded: int = 0
    finished_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
