"""Groups and their members as rows: projections of members' events."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import Field

from content.tables import Table


class KnownGroup(Table, table=True):
    """A group of a community."""

    __tablename__ = "standing_group"

    group_id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    state: str
    hosts: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(PG_UUID), nullable=False))
