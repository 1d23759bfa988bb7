"""Detectors as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from content.tables import Table


class Detector(Table, table=True):
    """What is looked for, and what becomes of a text in which it is found. Retired, it stays for what it once found."""

    __tablename__ = "detector"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    name: str
    kind: str
    action: str
    clause_code: str
    clause_text: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    settings: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    subjects: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    staff: bool
    enabled: bool
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
