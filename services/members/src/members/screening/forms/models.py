"""The table of forms."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class FormVersion(Table, table=True):
    """What a community asks from one change to the next; the highest version is in force."""

    __tablename__ = "form_version"

    community_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    title: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    introduction: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    questions: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: UUID
    changed_at: datetime = Field(sa_type=Instant)
