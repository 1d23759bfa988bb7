"""Accounts, the identities by which a person is known, and their credential."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from members.tables import Instant, Table


class Account(Table, table=True):
    """One person, or one bot, in one organization. `merged_into` makes it a tombstone."""

    __tablename__ = "account"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    display_name: str
    avatar_url: str | None = None
    bio: str | None = None
    locale: str
    zone: str
    bot: bool = False
    organization_role: str | None = None
    merged_into: UUID | None = None
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)


class Identity(Table, table=True):
    """How a provider knows the person: (organization, provider, subject) is unique."""

    __tablename__ = "identity"

    organization_id: UUID = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    account_id: UUID
    created_at: datetime = Field(sa_type=Instant)


class Credential(Table, table=True):
    """An account's password, as Argon2id wrote it."""

    __tablename__ = "credential"

    account_id: UUID = Field(primary_key=True)
    organization_id: UUID
    hash: str
    changed_at: datetime = Field(sa_type=Instant)
