"""The table of screening policies."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class ScreeningPolicy(Table, table=True):
    """How a community decides from one change to the next; the highest version is in force."""

    __tablename__ = "screening_policy"

    community_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    mode: str
    approve_at: int | None = None
    reject_below: int | None = None
    decide_within_hours: int
    reapply_after_days: int
    tag_rules: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: UUID
    changed_at: datetime = Field(sa_type=Instant)
