"""Activity facts as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from engagement.tables import Table


class Activity(Table, table=True):
    """Somebody posted, commented or reacted: a fact, whatever becomes of the words. `source_id` is the event's id."""

    __tablename__ = "activity"

    source_id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    account_id: UUID
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    kind: str
