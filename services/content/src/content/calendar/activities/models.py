"""The table of activities."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class KnownActivity(Table, table=True):
    """An activity as engagement told of it last."""

    __tablename__ = "standing_activity"

    activity_id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    group_id: UUID | None = None
    state: str
    starts_at: datetime = Field(sa_type=DateTime(timezone=True))
    ends_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
