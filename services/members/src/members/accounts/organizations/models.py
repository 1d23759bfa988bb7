"""Organizations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from members.tables import Instant, Table


class Organization(Table, table=True):
    """A brand: the tenant that everything belongs to."""

    __tablename__ = "organization"

    id: UUID = Field(primary_key=True)
    slug: str
    name: str
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)
