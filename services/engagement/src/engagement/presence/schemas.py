"""What HTTP returns of a member's presence."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import ConfigDict, Field

from chassis.schemas import Output


class PresenceOut(Output):
    """When one member was active in a community, in the days and weeks of its zone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "zone": "Asia/Shanghai",
                    "active_days": 12,
                    "first_active_at": "2026-09-01T01:00:00Z",
                    "last_active_at": "2026-11-20T09:00:00Z",
                    "weeks": [{"week": "2026-W47", "from": "2026-11-16", "active_days": 3}],
                }
            ]
        }
    )

    zone: str
    active_days: int = Field(description="days on which the member posted, commented or reacted")
    first_active_at: datetime | None = Field(description="null: never active")
    last_active_at: datetime | None
    weeks: list[PresenceWeek] = Field(description="the last 12 weeks in which the member was active, newest first")


class PresenceWeek(Output):
    """One ISO week in which the member was active."""

    week: str = Field(description="ISO year and week", examples=["2026-W47"])
    monday: date = Field(alias="from", description="its first day")
    active_days: int = Field(ge=1, le=7)


PresenceOut.model_rebuild()
