"""A community's wishes as a row."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Column, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from content.tables import Table


class WritingPolicy(Table, table=True):
    """What a community asks of its writers; none: no review."""

    __tablename__ = "writing_policy"

    community_id: UUID = Field(primary_key=True)
    organization_id: UUID
    reviewed_kinds: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    version: int = 1
