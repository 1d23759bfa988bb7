"""Detections as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from content.tables import Table


class Detection(Table, table=True):
    """Something found in a text that somebody wanted to publish."""

    __tablename__ = "detection"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    detector_id: UUID
    detector_version: int
    kind: str
    action: str
    clause_code: str
    author_id: UUID
    subject_kind: str
    subject_id: UUID
    written: bool
    spans: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    figures: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    similar_to: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    detected_at: datetime = Field(sa_type=DateTime(timezone=True))
