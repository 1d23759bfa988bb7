"""Events of the API clients by which partners act."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class ClientChanged(Event):
    """An API client of a partner was created, rotated or withdrawn."""

    type: ClassVar[str] = "members.client.changed.v1"
    aggregate: ClassVar[str] = "client"

    client_id: UUID
    active: bool
    scopes: list[str] = Field(examples=[["contacts:write", "orders:write"]])
