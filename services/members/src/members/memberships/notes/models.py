"""The table of notes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from members.tables import Instant, Table


class MembershipNote(Table, table=True):
    """One note of one staff person on one member. Deleted, the words are gone."""

    __tablename__ = "membership_note"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    account_id: UUID
    membership_id: UUID
    author_id: UUID
    body: str
    written_at: datetime = Field(sa_type=Instant)
    edited_at: datetime | None = Field(default=None, sa_type=Instant)
    edited_by: UUID | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int = 1
