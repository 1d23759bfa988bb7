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
    """A post: only in state `published` others see it. Deleted, it is a tombstone: id, version and external id stay, the words go."""

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
    kind: str = "post"
    state: str = "published"
    ever_published: bool = True
    theme_id: UUID | None = None
    group_id: UUID | None = None
    persona_id: UUID | None = None
    delivery_id: UUID | None = None
    html: str | None = None
    tree: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    renderer: int = 0
    revision: int = 1
    edited_by: UUID | None = None
    submitted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    submitted_by: UUID | None = None
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    review_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    evergreen: bool = False
    promotion: bool = False
    pinned_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    pinned_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    pin_rank: int | None = None
    acknowledge: bool = False
    acknowledge_by: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    benefit: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))


class PostRevision(Table, table=True):
    """What a post said before it was edited."""

    __tablename__ = "post_revision"

    organization_id: UUID
    post_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    editor_id: UUID
    title: str | None = None
    body: str
    written_at: datetime = Field(sa_type=DateTime(timezone=True))


class PostProposal(Table, table=True):
    """New words of a published piece that a second person has yet to read."""

    __tablename__ = "post_proposal"

    post_id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    title: str | None = None
    body: str
    proposed_by: UUID
    proposed_at: datetime = Field(sa_type=DateTime(timezone=True))
    base_revision: int


class PostReview(Table, table=True):
    """A second person's decision on what a piece said."""

    __tablename__ = "post_review"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    post_id: UUID
    revision: int
    writer_id: UUID
    reviewer_id: UUID
    decision: str
    note: str | None = None
    decided_at: datetime = Field(sa_type=DateTime(timezone=True))
