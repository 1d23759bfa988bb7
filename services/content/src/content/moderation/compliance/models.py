"""Moderation policies and openings of the publication log as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from content.tables import Table


class ModerationPolicy(Table, table=True):
    """Under which compliance profile a community publishes, and who else judges its texts."""

    __tablename__ = "moderation_policy"

    community_id: UUID = Field(primary_key=True)
    organization_id: UUID
    profile: str
    checker: str
    checker_clause_code: str | None = None
    checker_clause_text: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    version: int = 1


class PublicationLogOpening(Table, table=True):
    """Somebody opened the sealed log, and why."""

    __tablename__ = "publication_log_opening"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    opened_by: UUID
    reason: str
    from_at: datetime = Field(sa_type=DateTime(timezone=True))
    until: datetime = Field(sa_type=DateTime(timezone=True))
    opened_at: datetime = Field(sa_type=DateTime(timezone=True))
