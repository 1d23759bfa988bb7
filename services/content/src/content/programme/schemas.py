"""What HTTP returns of what comes next."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output
from content.posts.policy import PostKind
from content.posts.schemas import PostOut
from contracts.members import CommunityState

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
COMMUNITY = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11"
EXAMPLE: dict[str, Any] = {
    "community_id": COMMUNITY,
    "group_id": None,
    "community_state": "open",
    "zone": "Asia/Shanghai",
    "announcement": None,
    "slots": [
        {
            "slot_id": ID,
            "occurrence_id": ID,
            "group_id": None,
            "name": {"zh": "早安", "en": "Good morning"},
            "kind": "greeting",
            "due_at": "2026-11-22T23:30:00Z",
            "activity_id": None,
        }
    ],
    "activities": [
        {
            "activity_id": ID,
            "group_id": None,
            "starts_at": "2026-11-23T12:00:00Z",
            "ends_at": "2026-11-23T13:00:00Z",
            "running": False,
        }
    ],
}


class NextSlot(Output):
    """A recurring slot, and its next hour."""

    slot_id: UUID
    occurrence_id: UUID
    group_id: UUID | None = Field(description="only in this group; null: in the whole community")
    name: dict[str, str] = Field(description="by language", examples=[{"zh": "早安", "en": "Good morning"}])
    kind: PostKind = Field(description="what comes out of it")
    due_at: datetime
    activity_id: UUID | None = Field(description="the activity that it holds this time")


class NextActivity(Output):
    """An activity that begins next, or that is under way; its words are engagement's."""

    activity_id: UUID
    group_id: UUID | None = Field(description="only in this group; null: in the whole community")
    starts_at: datetime
    ends_at: datetime | None
    running: bool = Field(description="it has begun")


class ProgrammeOut(Output):
    """What a community or a group has pinned, and what comes next there."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    community_id: UUID
    group_id: UUID | None = Field(description="null: the community's own")
    community_state: CommunityState = Field(description="what falls due while it is not open rests")
    zone: str = Field(description="in which the community lives", examples=["Asia/Shanghai"])
    announcement: PostOut | None = Field(
        description="the announcement pinned first: the group's own where there is one, else the community's"
    )
    slots: list[NextSlot] = Field(description="up to 10 slots with the next hour of each, the soonest first")
    activities: list[NextActivity] = Field(description="up to 10 that are under way or begin next, the soonest first")
