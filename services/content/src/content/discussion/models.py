"""Comments and reactions as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import Field

from content.tables import Table


class Comment(Table, table=True):
    """A comment on a post, or an answer to one. Deleted, it is a tombstone."""

    __tablename__ = "comment"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    post_id: UUID
    parent_id: UUID | None = None
    author_id: UUID
    body: str
    commented_at: datetime = Field(sa_type=DateTime(timezone=True))
    edited_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    deleted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    origin: str
    source: str | None = None
    external_id: str | None = None
    attachments: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    mentions: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(PG_UUID), nullable=False))
    version: int = 1
    state: str = "published"
    ever_published: bool = True
    html: str | None = None
    tree: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    renderer: int = 0


class Reaction(Table, table=True):
    """What one person feels about one post or comment. Without emojis left it stays, so that its version only grows."""

    __tablename__ = "reaction"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    subject_kind: str
    subject_id: UUID
    account_id: UUID
    emojis: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    imported: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    reacted_at: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = 1
