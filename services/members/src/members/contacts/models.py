"""The table of contacts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from members.tables import Instant, Table


class Contact(Table, table=True):
    """What a partner's system told of one person. Whom it stands for here an identity says, which merges move along.

    Its address and number are the partner's word: nobody signs in with them, and nobody is found by them.
    """

    __tablename__ = "contact"

    client_id: UUID = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    organization_id: UUID
    version: int = Field(sa_type=BigInteger)
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    made_account_id: UUID | None = None
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
