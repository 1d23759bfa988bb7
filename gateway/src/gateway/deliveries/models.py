"""What endpoints are told: messages, their deliveries, the attempts at them, and what is told again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from chassis.db import text_enum
from gateway.tables import Instant, Table, Uuids


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class Reason(StrEnum):
    """Why something is not delivered."""

    EXHAUSTED = "exhausted"
    """Every attempt of the schedule failed."""
    EXPIRED = "expired"
    """Its endpoint was disabled for so long that it is no news any more."""
    CONSENT_MISSING = "consent_missing"
    """It is about somebody who did not agree that this partner is told."""
    ENDPOINT_DELETED = "endpoint_deleted"
    """There is nowhere to deliver it."""


class Message(Table, table=True):
    """An event as partners get it, once however many endpoints asked for it."""

    __tablename__ = "message"

    event_id: UUID = Field(primary_key=True)
    organization_id: UUID
    type: str
    community_id: UUID | None = None
    occurred_at: datetime = Field(sa_type=Instant)
    payload: str
    persons: list[UUID] = Field(sa_type=Uuids)
    personal: bool
    created_at: datetime = Field(sa_type=Instant)


class Delivery(Table, table=True):
    """One message to one endpoint."""

    __tablename__ = "delivery"

    endpoint_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    organization_id: UUID
    type: str
    state: State = Field(sa_type=text_enum(State))
    reason: Reason | None = Field(default=None, sa_type=text_enum(Reason))
    attempts: int = 0
    tries: int = 0
    replayed: bool = False
    replayed_at: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    last_status: int | None = None
    last_error: str | None = None


class Attempt(Table, table=True):
    """One request to an endpoint, and its answer."""

    __tablename__ = "attempt"

    endpoint_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    organization_id: UUID
    replayed: bool
    started_at: datetime = Field(sa_type=Instant)
    milliseconds: int
    url: str
    address: str | None = None
    request_headers: dict[str, Any] = Field(sa_type=JSONB)
    status: int | None = None
    error: str | None = None
    response_headers: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    response_body: str | None = None


class Replay(Table, table=True):
    """What somebody asked to be told again: one event, or what was made in a span of time."""

    __tablename__ = "replay"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    endpoint_id: UUID
    event_id: UUID | None = None
    since: datetime | None = Field(default=None, sa_type=Instant)
    until: datetime | None = Field(default=None, sa_type=Instant)
    only_undelivered: bool
    reached: UUID | None = None
    replayed: int = 0
    withheld: int = 0
    created_at: datetime = Field(sa_type=Instant)
    created_by: UUID
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
