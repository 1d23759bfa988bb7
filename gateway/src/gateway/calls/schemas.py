"""What HTTP returns of calls."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output


class Ended(StrEnum):
    """How a call ended, by the class of its status."""

    SUCCESS = "2xx"
    REDIRECT = "3xx"
    REFUSED = "4xx"
    FAILED = "5xx"
    NEVER = "none"


class CallOut(Output):
    """One call of an API client."""

    id: UUID
    at: datetime
    method: str = Field(examples=["PUT"])
    route: str = Field(description="the gateway's row for it", examples=["/v1/contacts/{}"])
    path: str = Field(
        description="as it was sent, without the query; up to 500 characters", examples=["/v1/contacts/4711"]
    )
    address: str = Field(description="where it came from, as the gateway saw it", examples=["198.51.100.7"])
    trace_id: str = Field(description="finds it in logs and traces", examples=["4bf92f3577b34da6a3ce929d0e0e4736"])
    delegated: bool = Field(description="whether the gateway acted for the partner, on a webhook of theirs")
    status: int | None = Field(
        description="of the answer, 499 when the caller left before it; null: begun and never completed", examples=[200]
    )
    milliseconds: int | None = Field(description="until the last byte of the answer", examples=[12])
