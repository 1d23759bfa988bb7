"""The tables of personas."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class Persona(Table, table=True):
    """A kind of member that a community wants. `taken` counts the applications that hold one of its places; its row is the lock."""

    __tablename__ = "persona"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    name: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    description: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    position: int
    rule: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    quota: int | None = None
    taken: int = 0
    created_at: datetime = Field(sa_type=Instant)
    retired_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int


class PersonaVersion(Table, table=True):
    """The rule that a persona had in a version: decisions name it."""

    __tablename__ = "persona_version"

    persona_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    position: int
    rule: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
