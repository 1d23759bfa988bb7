"""Uploads as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from content.tables import Table


class Media(Table, table=True):
    """An upload of one account. Erased, it is a tombstone: id, owner's place and version stay; name, type and bytes go."""

    __tablename__ = "media"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    owner_id: UUID | None
    kind: str
    state: str = "uploading"
    name: str | None = None
    media_type: str | None = None
    size: int
    received: int = 0
    variants: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    ready_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    erased_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1


class MediaPart(Table, table=True):
    """Where a part of an upload, or of one of its variants, lies in the store."""

    __tablename__ = "media_part"

    media_id: UUID = Field(primary_key=True)
    variant: str = Field(primary_key=True)
    start: int = Field(primary_key=True)
    organization_id: UUID
    size: int
    key: str


class MediaUse(Table, table=True):
    """What an upload stands in: whoever reads that, reads the upload."""

    __tablename__ = "media_use"

    subject_kind: str = Field(primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    media_id: UUID = Field(primary_key=True)
    organization_id: UUID
    position: int
