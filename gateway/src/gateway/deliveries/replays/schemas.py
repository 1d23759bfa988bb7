"""What HTTP accepts and returns of replays."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, Output
from gateway.deliveries.schemas import EVENT

Only = Literal["all", "undelivered"]


class ReplayCreate(Input):
    """What to tell again: one event by its id, or what was made in a span of time."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"since": "2026-11-20T00:00:00Z", "only": "undelivered"}, {"event_id": EVENT}]}
    )

    event_id: UUID | None = Field(default=None, description="a `webhook-id`", examples=[EVENT])
    since: AwareDatetime | None = Field(default=None, description="at most 90 days ago")
    until: AwareDatetime | None = Field(default=None, description="left out: until now")
    only: Only = Field(default="all", description="of a span of time, everything, or what did not arrive")


class RecoveryCreate(Input):
    """Since when to tell again what did not arrive."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-11-20T00:00:00Z"}]})

    since: AwareDatetime = Field(description="at most 14 days ago")


class ReplayOut(Output):
    """What is told again, and how far that is."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID | None = Field(description="none for a span of time")
    since: datetime | None
    until: datetime | None
    only: Only
    state: Literal["running", "finished"]
    replayed: int = Field(description="deliveries that go out again so far", examples=[1200])
    withheld: int = Field(
        description="deliveries that do not, for they are about somebody who does not agree", examples=[0]
    )
    created_at: datetime
    created_by: UUID
    finished_at: datetime | None
