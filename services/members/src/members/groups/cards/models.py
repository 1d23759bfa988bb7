"""The table of cards and of what they said before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class CardRevision(Table, table=True):
    """What a card said from one change to the next; the subject is the group, or the community itself."""

    __tablename__ = "card_revision"

    subject_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: UUID | None = None
    changed_at: datetime = Field(sa_type=Instant)
