"""The table of groups."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from chassis.db import text_enum
from contracts.members import GroupDimension, GroupState
from members.tables import Instant, Table


class Group(Table, table=True):
    """A group of a community. Groups that opened because the one before was full are one series, named after the first."""

    __tablename__ = "community_group"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    series_id: UUID
    ordinal: int
    dimension: GroupDimension = Field(sa_column=Column(text_enum(GroupDimension), nullable=False))
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    hosts: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    capacity: int | None = None
    members: int
    state: GroupState = Field(sa_column=Column(text_enum(GroupState), nullable=False))
    self_join: bool
    template_key: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    version: int
