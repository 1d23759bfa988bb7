"""The tables of rules of assignment and of their application to everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class GroupRules(Table, table=True):
    """The rules of a community from one change to the next; the highest version is in force."""

    __tablename__ = "group_rules"

    community_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: UUID
    changed_at: datetime = Field(sa_type=Instant)


class GroupRulesRun(Table, table=True):
    """The last time that the rules were applied to everybody who belongs, and how far it is."""

    __tablename__ = "group_rules_run"

    community_id: UUID = Field(primary_key=True)
    organization_id: UUID
    rules_version: int
    started_by: UUID
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    looked_at: int
    placed: int
    taken_out: int = 0
    after_membership_id: UUID | None = None
