"""The table of entry links."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table, Texts


class EntryLink(Table, table=True):
    """A door of a community. `used` counts the applications through it that are open or approved: a place is reserved by applying."""

    __tablename__ = "entry_link"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    token: str
    kind: str
    channel: str
    title: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    most: int | None = None
    used: int = 0
    tags: list[str] = Field(sa_type=Texts)
    group_id: UUID | None = None
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    created_by: UUID
    created_at: datetime = Field(sa_type=Instant)
    version: int
