"""Calls as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from gateway.tables import Instant, Table


class ClientCall(Table, table=True):
    """One call of an API client. Without a status it was begun and never completed: the process ended first."""

    __tablename__ = "client_call"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    client_id: UUID
    at: datetime = Field(sa_type=Instant)
    method: str
    route: str
    path: str
    address: str
    trace_id: str
    delegated: bool
    status: int | None = None
    milliseconds: int | None = None
