"""What HTTP accepts and returns of slots."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from chassis.schemas import Input, Output, TextMap, Zone
from content.calendar.recurrence.policy import LONGEST
from content.delivery.policy import DEFAULT_TOLERANCE_SECONDS, LatePolicy
from content.delivery.schemas import Tolerance
from content.posts.policy import PostKind

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
SLOT: dict[str, Any] = {
    "name": {"zh": "早安", "en": "Good morning"},
    "kind": "greeting",
    "rrule": "FREQ=DAILY",
    "at": "07:30",
    "late_policy": "skip",
    "tolerance_seconds": 1800,
    "notice_hours": 24,
}
OUT: dict[str, Any] = {
    **SLOT,
    "id": ID,
    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11",
    "group_id": None,
    "theme_id": None,
    "starts_on": "2026-11-22",
    "zone": None,
    "reckoned_zone": "Asia/Shanghai",
    "fallback_item_id": None,
    "retired_at": None,
    "next_due": ["2026-11-22T23:30:00Z"],
    "unassigned": [],
    "version": 1,
    "can": ["edit", "retire"],
}
_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def _hour(value: object) -> object:
    """Read `07:30`, and nothing else that pydantic would take for a time."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or _HOUR.fullmatch(value) is None:
        raise ValueError("an hour and a minute of the day, such as 07:30")
    return time(int(value[:2]), int(value[3:]))


At = Annotated[
    time,
    BeforeValidator(_hour),
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_HOUR.pattern}$"}),
    Field(description="hour and minute in the slot's zone", examples=["07:30"]),
]
RuleText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST),
    Field(
        description="RFC 5545, days only: FREQ is DAILY, WEEKLY, MONTHLY or YEARLY; it may go on without end",
        examples=["FREQ=WEEKLY;BYDAY=TU,FR"],
    ),
]
NoticeHours = Annotated[
    int, Field(ge=1, le=720, description="how many hours before its time a gap is told of", examples=[24])
]


class SlotCreate(Input):
    """A recurring slot."""

    model_config = ConfigDict(json_schema_extra={"examples": [SLOT]})

    name: TextMap
    kind: PostKind
    theme_id: UUID | None = None
    group_id: UUID | None = Field(default=None, description="only for this group; none: for all of the community")
    rrule: RuleText
    at: At
    starts_on: date | None = Field(default=None, description="the day from which the rule counts; today unless given")
    zone: Zone | None = Field(default=None, description="the community's unless given")
    late_policy: LatePolicy = LatePolicy.DELIVER
    tolerance_seconds: Tolerance = DEFAULT_TOLERANCE_SECONDS
    notice_hours: NoticeHours = 24
    fallback_item_id: UUID | None = Field(
        default=None, description="goes out when nothing else is ready, as often as needed"
    )


class SlotUpdate(Input):
    """What to change of a slot; what is left out stays. Null takes theme, zone or fallback away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"at": "08:00"}]})

    name: TextMap | None = None
    theme_id: UUID | None = None
    rrule: RuleText | None = None
    at: At | None = None
    starts_on: date | None = None
    zone: Zone | None = None
    late_policy: LatePolicy | None = None
    tolerance_seconds: Tolerance | None = None
    notice_hours: NoticeHours | None = None
    fallback_item_id: UUID | None = None


class SlotOut(Output):
    """A recurring slot."""

    model_config = ConfigDict(json_schema_extra={"examples": [OUT]})

    id: UUID
    community_id: UUID
    group_id: UUID | None
    name: dict[str, str]
    kind: PostKind
    theme_id: UUID | None
    rrule: str = Field(examples=["FREQ=DAILY"])
    at: At
    starts_on: date
    zone: str | None = Field(description="its own; none: the community's", examples=[None])
    reckoned_zone: str = Field(description="the zone by which it falls due", examples=["Asia/Shanghai"])
    late_policy: LatePolicy
    tolerance_seconds: int
    notice_hours: int
    fallback_item_id: UUID | None
    retired_at: datetime | None
    next_due: list[datetime] = Field(description="its next three hours, exceptions included")
    unassigned: list[UUID] = Field(
        description="items that this change has sent back to the backlog: their day is none any more"
    )
    version: int
    can: list[str] = Field(description="what the caller may do: edit, retire")


class RulePreview(Input):
    """A rule to try out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rrule": "FREQ=WEEKLY;BYDAY=TU,FR", "at": "20:00", "zone": "Asia/Shanghai"}]}
    )

    rrule: RuleText
    at: At
    starts_on: date | None = None
    zone: Zone | None = None


class Fall(Output):
    """A day on which a rule falls."""

    on_date: date
    due_at: datetime


class RulePreviewOut(Output):
    """Where a rule falls next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rrule": "FREQ=WEEKLY;BYDAY=TU,FR",
                    "zone": "Asia/Shanghai",
                    "falls": [{"on_date": "2026-11-24", "due_at": "2026-11-24T12:00:00Z"}],
                }
            ]
        }
    )

    rrule: str = Field(description="as it is kept", examples=["FREQ=WEEKLY;BYDAY=TU,FR"])
    zone: str
    falls: list[Fall] = Field(description="the next ten")
