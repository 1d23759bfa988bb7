"""Posts as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import Field

from content.tables import Table


class Post(Table, table=True):
    """A post. Deleted, it is a tombstone: id, version and external id stay, the words go."""

    __tablename__ = "post"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    author_id: UUID
    title: str | None = None
    body: str
    section: str
    published_at: datetime = Field(sa_type=DateTime(timezone=True))
    edited_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    deleted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    origin: str
    source: str | None = None
    external_id: str | None = None
    attachments: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    mentions: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(PG_UUID), nullable=False))
    version: int = 1
