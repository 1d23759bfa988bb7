"""The table of files; their rows are only ever read and written in sets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table, Texts


class MemberFile(Table, table=True):
    """A table of people that somebody brought, how far it has come, and when it is dropped."""

    __tablename__ = "member_file"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    state: str
    filename: str | None = None
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    header: bool
    columns: list[str] = Field(sa_type=Texts)
    mapping: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    rows: int
    done: int = 0
    after: int = 0
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    reason: str | None = None
    created_by: UUID
    created_at: datetime = Field(sa_type=Instant)
    started_by: UUID | None = None
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    version: int
