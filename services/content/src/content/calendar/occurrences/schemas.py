"""What HTTP accepts and returns of the calendar."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from chassis.schemas import Input, Output
from content.calendar.occurrences.policy import Filling, OccurrenceState
from content.delivery.policy import DeliveryState
from content.posts.policy import PostKind

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
OCCURRENCE: dict[str, Any] = {
    "id": ID,
    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11",
    "group_id": None,
    "slot_id": ID,
    "name": {"zh": "每日话题", "en": "Topic of the day"},
    "kind": "daily_topic",
    "theme_id": None,
    "on_date": "2026-11-23",
    "due_at": "2026-11-23T04:30:00Z",
    "moved": False,
    "state": "open",
    "filling": "filled",
    "item_id": ID,
    "title": "每日一词",
    "activity_id": None,
    "fallback": True,
    "delivery_id": None,
    "delivery_state": None,
    "version": 2,
    "can": ["fill", "clear", "skip", "move"],
}


class OccurrenceUpdate(Input):
    """An exception: a day without the slot, or another hour for one day. What is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"skipped": True}]})

    skipped: bool | None = Field(
        default=None, description="true: the slot does not fall on this day; false: it does again"
    )
    due_at: AwareDatetime | None = Field(
        default=None, description="the hour of this one day, up to 31 days from its own"
    )


class Filler(Input):
    """What fills an occurrence: an item of the backlog, or an activity."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"item_id": ID}]})

    item_id: UUID | None = Field(
        default=None, description="waits here from now on, and no longer where it waited before"
    )
    activity_id: UUID | None = None

    @model_validator(mode="after")
    def _one(self) -> Filler:
        if (self.item_id is None) == (self.activity_id is None):
            raise ValueError("an item or an activity, one of them")
        return self


class OccurrenceOut(Output):
    """A slot on one of its days."""

    model_config = ConfigDict(json_schema_extra={"examples": [OCCURRENCE]})

    id: UUID
    community_id: UUID
    group_id: UUID | None
    slot_id: UUID
    name: dict[str, str] = Field(description="the slot's")
    kind: PostKind
    theme_id: UUID | None = Field(description="the item's, else the slot's")
    on_date: date = Field(description="its day in the slot's zone")
    due_at: datetime
    moved: bool
    state: OccurrenceState = Field(
        description="open, skipped by an editor, taken (see its delivery), held (an activity), missed, or rested: the community was not open"
    )
    filling: Filling | None = Field(description="while open: filled, empty, or at_risk when what it holds is not ready")
    item_id: UUID | None
    title: str | None = Field(description="the item's")
    activity_id: UUID | None
    fallback: bool = Field(description="the slot's fallback is ready to stand in")
    delivery_id: UUID | None
    delivery_state: DeliveryState | None
    version: int
    can: list[str] = Field(description="what the caller may do: fill, clear, skip, restore, move")


class Gap(Output):
    """The gaps of one community."""

    community_id: UUID
    due: int = Field(description="occurrences in these days", examples=[21])
    empty: int = Field(description="with nothing in them", examples=[4])
    at_risk: int = Field(description="with something that is not ready", examples=[2])
    covered: int = Field(description="of the empty and at risk: how many have a fallback that is ready", examples=[3])
    first_at: datetime | None = Field(description="when the first empty or risky one is due")


class GapForecast(Output):
    """What the next days lack."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "until": "2026-12-06T00:00:00Z",
                    "gaps": [
                        {
                            "community_id": ID,
                            "due": 21,
                            "empty": 4,
                            "at_risk": 2,
                            "covered": 3,
                            "first_at": "2026-11-23T04:30:00Z",
                        }
                    ],
                    "occurrences": [{**OCCURRENCE, "filling": "empty", "item_id": None, "title": None}],
                }
            ]
        }
    )

    until: datetime
    gaps: list[Gap]
    occurrences: list[OccurrenceOut] = Field(description="the first 200 that are empty or at risk")
