"""The tables of applications and of the decisions about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table, Texts


class Application(Table, table=True):
    """What somebody answered who wants to belong, and where it stands. One per person and community is open at a time."""

    __tablename__ = "application"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    account_id: UUID
    membership_id: UUID
    state: str
    form_version: int
    policy_version: int
    answers: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    score: int
    persona_id: UUID | None = None
    personas: list[list[Any]] = Field(sa_column=Column(JSONB, nullable=False))
    holds_place: bool = False
    link_id: UUID | None = None
    group_id: UUID | None = None
    tags: list[str] = Field(sa_type=Texts)
    contact_hash: bytes | None = None
    device_hash: bytes | None = None
    question: str | None = None
    information: str | None = None
    submitted_at: datetime = Field(sa_type=Instant)
    deadline: datetime | None = Field(default=None, sa_type=Instant)
    overdue_at: datetime | None = Field(default=None, sa_type=Instant)
    waiting_since: datetime | None = Field(default=None, sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int


class ApplicationDecision(Table, table=True):
    """One judgement with what it was made on; only undoing is written to it later."""

    __tablename__ = "application_decision"

    application_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    organization_id: UUID
    outcome: str
    form_version: int
    policy_version: int
    answers: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    personas: list[list[Any]] = Field(sa_column=Column(JSONB, nullable=False))
    room: bool
    score: int
    persona_id: UUID | None = None
    reason_code: str
    reason_params: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    words: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    judged_by: str
    decided_by: UUID | None = None
    decided_at: datetime = Field(sa_type=Instant)
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    undone_by: UUID | None = None
