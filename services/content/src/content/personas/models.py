"""Personas as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import Field

from content.tables import Table


class BrandPersona(Table, table=True):
    """A persona of the brand, the organization's own: it speaks where it is named to, and nowhere else."""

    __tablename__ = "brand_persona"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    introduction: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    community_ids: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(PG_UUID), nullable=False))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1
