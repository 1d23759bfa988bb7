"""What HTTP returns of punctuality."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output

EXAMPLE: dict[str, Any] = {
    "due": 28,
    "on_time": 26,
    "late": 1,
    "in_review": 0,
    "skipped": 0,
    "failed": 0,
    "missed": 1,
    "fallbacks": 2,
    "rate": 0.9286,
    "median_seconds": 0.8,
    "p99_seconds": 42.0,
}


class Punctuality(Output):
    """What was due, and what of it was there in time."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    due: int = Field(description="fell due while the community was open, without those that an editor skipped")
    on_time: int = Field(description="there within the tolerance; an activity that had begun by then too")
    late: int = Field(description="delivered after the tolerance")
    in_review: int = Field(description="held by a detector, and not yet decided upon")
    skipped: int = Field(description="not delivered: too late for the slot's policy, or no longer fit to go out")
    failed: int
    missed: int = Field(description="nothing was ready")
    fallbacks: int = Field(description="of those delivered, by the fallback")
    rate: float | None = Field(description="on_time of due; none when nothing was due")
    median_seconds: float | None = Field(description="from due to delivered")
    p99_seconds: float | None


class SlotPunctuality(Punctuality):
    """The punctuality of one slot."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE, "slot_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"}]}
    )

    slot_id: UUID


class PunctualityOut(Output):
    """How punctual a community and each of its slots was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "since": "2026-11-01",
                    "until": "2026-11-28",
                    "community": EXAMPLE,
                    "slots": [{**EXAMPLE, "slot_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"}],
                }
            ]
        }
    )

    since: date
    until: date
    community: Punctuality
    slots: list[SlotPunctuality] = Field(description="the least punctual first")
