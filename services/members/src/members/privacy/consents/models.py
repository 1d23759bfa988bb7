"""The tables of consents."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from chassis.db import text_enum
from contracts.members import ConsentPurpose
from members.tables import Instant, Table


class Consent(Table, table=True):
    """Where one person stands with one purpose; of the purpose `partner`, towards one partner."""

    __tablename__ = "consent"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    account_id: UUID
    purpose: ConsentPurpose = Field(sa_column=Column(text_enum(ConsentPurpose), nullable=False))
    client_id: UUID | None = None
    granted: bool
    decided_at: datetime = Field(sa_type=Instant)
    source: str
    version: int = Field(default=1, sa_type=BigInteger)


class ConsentRecord(Table, table=True):
    """One decision as it came, with what became of it. Nothing changes it; an erasure takes the evidence away."""

    __tablename__ = "consent_record"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    consent_id: UUID
    granted: bool
    decided_at: datetime = Field(sa_type=Instant)
    source: str
    source_client_id: UUID | None = None
    source_version: int | None = Field(default=None, sa_type=BigInteger)
    evidence: str | None = None
    outcome: str
    merged_account_id: UUID | None = None
    recorded_at: datetime = Field(sa_type=Instant)
