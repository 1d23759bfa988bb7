"""Holds as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class Hold(Table, table=True):
    """A text that waits for a decision, or the last decision about it."""

    __tablename__ = "hold"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    subject_kind: str
    subject_id: UUID
    author_id: UUID
    cause: str
    clause_code: str | None = None
    held_at: datetime = Field(sa_type=DateTime(timezone=True))
    state: str
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    decided_by: UUID | None = None
    note: str | None = None
    version: int = 1
