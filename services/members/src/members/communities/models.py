"""The table of communities."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chassis.db import text_enum
from contracts.members import CommunityState
from members.tables import Table


class Community(Table, table=True):
    """A community of an organization."""

    __tablename__ = "community"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    slug: str
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    description: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    zone: str
    state: CommunityState = Field(sa_column=Column(text_enum(CommunityState), nullable=False))
    created_by: UUID
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    version: int
