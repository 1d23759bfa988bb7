"""External checks as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class ExternalCheck(Table, table=True):
    """A text that an outside checker is to judge, or has judged."""

    __tablename__ = "external_check"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    subject_kind: str
    subject_id: UUID
    author_id: UUID
    requested_at: datetime = Field(sa_type=DateTime(timezone=True))
    state: str
    judged_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
