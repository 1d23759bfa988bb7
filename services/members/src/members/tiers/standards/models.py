"""The table of tier standards."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Table


class TierStandard(Table, table=True):
    """A version of a community's tier standard; one is in force at most, and what was adopted once never changes."""

    __tablename__ = "tier_standard"

    community_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    organization_id: UUID
    state: str
    tiers: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    grace_days: int
    created_by: UUID
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    adopted_by: UUID | None = None
    adopted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int
