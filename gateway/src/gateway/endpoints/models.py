"""Partners, whom they may be told of, where they are told it, and by which keys."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from chassis.db import text_enum
from contracts.members import ClientBasis
from contracts.partners import EndpointDisabling
from gateway.tables import Instant, Table, Texts, Uuids

Ordering = Literal["parallel", "fifo"]
Scheme = Literal["v1", "v1a"]


class Partner(Table, table=True):
    """What members told of an API client."""

    __tablename__ = "partner"

    client_id: UUID = Field(primary_key=True)
    organization_id: UUID
    active: bool
    scopes: list[str] = Field(sa_type=Texts)
    basis: ClientBasis = Field(sa_type=text_enum(ClientBasis))


class PartnerConsent(Table, table=True):
    """Whether a person agreed that a partner may be told of them; no row means that nobody asked them."""

    __tablename__ = "partner_consent"

    client_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    organization_id: UUID
    granted: bool


class PartnerMerged(Table, table=True):
    """An account that became one with another: what names it needs the consent of the one that lives on."""

    __tablename__ = "partner_merged"

    account_id: UUID = Field(primary_key=True)
    organization_id: UUID
    survivor_id: UUID


class Endpoint(Table, table=True):
    """Where a partner is told what happens. A deleted one stays as a tombstone, for the log of what it was told."""

    __tablename__ = "endpoint"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    client_id: UUID
    url: str
    description: str = ""
    event_types: list[str] = Field(sa_type=Texts)
    community_ids: list[UUID] = Field(sa_type=Uuids)
    ordering: str
    headers: bytes | None = None
    header_names: list[str] = Field(default_factory=list, sa_type=Texts)
    enabled: bool = True
    disabled_reason: EndpointDisabling | None = Field(default=None, sa_type=text_enum(EndpointDisabling))
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    created_by: UUID
    updated_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    version: int = Field(default=1, sa_type=BigInteger)


class EndpointSecret(Table, table=True):
    """A key that signs what an endpoint gets, sealed; replaced, it signs on until it expires."""

    __tablename__ = "endpoint_secret"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    endpoint_id: UUID
    scheme: str = Field(sa_type=Text)
    sealed: bytes
    public_key: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
