"""The table of the backlog."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from content.tables import Table


class Item(Table, table=True):
    """Something to be said one day."""

    __tablename__ = "item"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    kind: str
    theme_id: UUID | None = None
    title: str | None = None
    body: str | None = None
    note: str | None = None
    section: str
    persona_id: UUID | None = None
    state: str
    author_id: UUID
    edited_by: UUID | None = None
    approved_by: UUID | None = None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = 1
    promotion: bool = False
    evergreen: bool = False
    expires_after_days: int | None = None
    review_after_days: int | None = None
    acknowledge: bool = False
    acknowledge_within_days: int | None = None
    benefit: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
