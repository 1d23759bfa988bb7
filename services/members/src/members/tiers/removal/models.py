"""The tables of membership standards and of notices for silence."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column
from sqlmodel import Field

from members.tables import Instant, Table, Texts


class MembershipStandard(Table, table=True):
    """When silence ends a membership, from one change to the next; the highest number is in force."""

    __tablename__ = "membership_standard"

    community_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    organization_id: UUID
    enabled: bool
    silent_days: int
    notice_days: int
    exempt_roles: list[str] = Field(sa_column=Column(Texts, nullable=False))
    exempt_tags: list[str] = Field(sa_column=Column(Texts, nullable=False))
    changed_by: UUID
    changed_at: datetime = Field(sa_column=Column(Instant, nullable=False))


class SilenceNotice(Table, table=True):
    """A notice to one silent member, with its end, and the appeal against it."""

    __tablename__ = "silence_notice"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    account_id: UUID
    membership_id: UUID
    standard_number: int
    silent_since: datetime = Field(sa_column=Column(Instant, nullable=False))
    given_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    remove_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    state: str
    reason: str | None = None
    ended_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    appeal: str | None = None
    appealed_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    decision: str | None = None
    version: int
