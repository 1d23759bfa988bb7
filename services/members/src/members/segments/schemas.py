"""What HTTP accepts and returns of segments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output, TextMap
from members.memberships.schemas import MemberCard

FILTER: dict[str, Any] = {
    "all": [
        {"field": "joined_at", "op": "within_days", "value": 90},
        {"not": {"field": "tag", "op": "in", "value": ["老用户", "mentor"]}},
        {
            "any": [
                {"fact": "active_days", "window_days": 30, "op": ">=", "value": 5},
                {"fact": "reactions_from_distinct", "window_days": 30, "op": ">=", "value": 3},
                {"never_active": True},
            ]
        },
    ]
}
NAME: dict[str, Any] = {"zh": "认真的新人", "en": "Serious newcomers"}
ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
CARD: dict[str, Any] = {"id": ID, "display_name": "小雨 Rain", "avatar_url": "https://example.com/rain.png"}

Filter = Annotated[
    dict[str, Any],
    Field(
        examples=[FILTER],
        description=(
            'Conditions: {"all": […]}, {"any": […]}, {"not": {…}}, at most 16 deep and 200 in number; '
            '{"field", "op", "value"} with locale, zone, tag, roles (=, !=, in, not_in), staff, bot, has_avatar, has_bio (=), '
            "joined_at (before, after, within_days), orders and order_total_fen (>=, >, <=, <, =, !=: how many of the member's orders in the "
            "community stand, and what is left of those in CNY, in fen), last_order_at (as joined_at), "
            "and the fields of other capabilities (group, tier, entry_link …) as far as they stand; "
            '{"fact", "window_days", "op", "value"} with active_days, posts, comments, reactions, reactions_from_distinct '
            "(window_days: so many of the community's days, today included; null: ever) or last_activity_days_ago (which the never active "
            'have not), and op >=, >, <=, <, =, !=; {"never_active": true}; {"segment": id}; {"random": {"salt", "bucket", "of"}}. '
            "Only approved members match; staff and bots only where the filter names the field staff or bot."
        ),
    ),
]


class SegmentCreate(Input):
    """A new segment."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": NAME, "filter": FILTER}]})

    name: TextMap = Field(description="language → name")
    filter: Filter


class SegmentUpdate(Input):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"filter": {"never_active": True}}]})

    name: TextMap | None = None
    filter: Filter | None = None


class SegmentState(StrEnum):
    """How far a segment's members may be relied on."""

    CURRENT = "current"
    PENDING = "pending"
    BROKEN = "broken"


class BrokenBy(Output):
    """Why a saved filter cannot be asked any more."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"pointer": "/filter/all/0/field", "code": "field-unknown", "detail": "There is no such field."}
            ]
        }
    )

    pointer: str = Field(description="where in the filter, as a JSON pointer")
    code: str = Field(description="stable; as in the problem that saving this filter now would meet")
    detail: str


class SegmentOut(Output):
    """A segment, and how many are in it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "name": NAME,
                    "filter": FILTER,
                    "members": 37,
                    "state": "current",
                    "broken": None,
                    "current": True,
                    "current_at": "2026-11-22T07:30:00Z",
                    "created_at": "2026-11-20T07:30:00Z",
                    "version": 1,
                    "can": ["edit", "delete"],
                }
            ]
        }
    )

    id: UUID
    name: dict[str, str]
    filter: dict[str, Any]
    members: int = Field(description="who is in it as of now; while not `current`, as of an earlier filter")
    state: SegmentState = Field(
        description="pending: not everybody was looked at since the filter changed; broken: the filter cannot be asked any more, "
        "and the members stay as they were until it is changed"
    )
    broken: BrokenBy | None = Field(description="why it is broken")
    current: bool = Field(description="false from a change of the filter until everybody was looked at again")
    current_at: datetime | None = Field(
        description="when everybody was last looked at; whoever acts is looked at within seconds"
    )
    created_at: datetime
    version: int
    can: list[str] = Field(description="what this caller may do with it")


class PreviewAsk(Input):
    """A filter to try."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"filter": FILTER}]})

    filter: Filter
    exact: bool = Field(default=False, description="count everybody, however long it takes")


class PreviewOut(Output):
    """Whom a filter would mean."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"count": 37, "exact": True, "margin": 0, "low": 37, "high": 37, "looked_at": None, "sample": [CARD]}
            ]
        }
    )

    count: int = Field(description="members who match")
    exact: bool = Field(
        description="false: estimated from `looked_at` members in random order, as communities beyond about 20,000 members are"
    )
    margin: int = Field(description="two standard errors of an estimate; 0 when exact")
    low: int = Field(description="the count less its margin, though not less than were seen to match")
    high: int = Field(description="the count and its margin")
    looked_at: int | None = Field(
        description="how many members in random order the estimate is scaled up from: 1,500, or 10,000 where fewer than 50 of those "
        "match; null when everybody was counted, which is also done where few match of 10,000"
    )
    sample: list[MemberCard] = Field(description="up to 20 of them")


class SegmentMember(Output):
    """Somebody in a segment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"account_id": ID, "member": CARD, "entered_at": "2026-11-22T07:30:00Z"}]}
    )

    account_id: UUID
    member: MemberCard
    entered_at: datetime
