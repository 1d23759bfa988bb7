"""Invitations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from members.tables import Instant, Table


class Invitation(Table, table=True):
    """An offer to claim an account, good once and for a week; an account has one open invitation at the most."""

    __tablename__ = "invitation"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    account_id: UUID
    token_hash: bytes
    invited_by: UUID
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    claimed_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
