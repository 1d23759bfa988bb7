"""The table of memberships."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from chassis.db import text_enum
from contracts.members import CommunityRole, MembershipState
from members.tables import Table


class Membership(Table, table=True):
    """The standing of one account in one community; there is one row for all its comings and goings."""

    __tablename__ = "membership"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    account_id: UUID
    state: MembershipState = Field(sa_column=Column(text_enum(MembershipState), nullable=False))
    roles: list[CommunityRole] = Field(sa_column=Column(ARRAY(text_enum(CommunityRole)), nullable=False))
    staff: bool
    bot: bool
    message: str | None = None
    reason: str | None = None
    applied_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    decided_by: UUID | None = None
    joined_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    version: int
    owner_id: UUID | None = None
    owner_version: int = 0
