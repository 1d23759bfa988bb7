"""The tables of charters and of what they said before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Table


class CharterRevision(Table, table=True):
    """What a community's charter said from one change to the next; the highest version is in force."""

    __tablename__ = "charter_revision"

    community_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: UUID
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
