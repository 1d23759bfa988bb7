"""The table of goals."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column, Date, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Table


class Goal(Table, table=True):
    """One goal of a community."""

    __tablename__ = "goal"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    title: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    metric: str
    baseline: int
    target: int
    due_on: date = Field(sa_column=Column(Date, nullable=False))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int
