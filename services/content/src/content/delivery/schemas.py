"""What HTTP accepts and returns of deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, Output
from content.delivery.policy import DEFAULT_TOLERANCE_SECONDS, DeliveryState, LatePolicy
from content.posts.policy import PostKind

MOST_TARGETS = 500
ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
COMMUNITY = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11"
DELIVERY: dict[str, Any] = {
    "id": ID,
    "community_id": COMMUNITY,
    "group_id": None,
    "item_id": ID,
    "slot_id": None,
    "occurrence_id": None,
    "kind": "announcement",
    "theme_id": None,
    "fallback": False,
    "late_policy": "deliver",
    "tolerance_seconds": 300,
    "due_at": "2026-11-22T07:30:00Z",
    "state": "delivered",
    "reason": None,
    "post_id": ID,
    "delivered_at": "2026-11-22T07:30:01Z",
    "on_time": True,
    "reached": [{"channel": "in_app", "reached_at": "2026-11-22T07:30:04Z", "recipients": 120}],
    "version": 2,
    "can": [],
}

Tolerance = Annotated[
    int, Field(ge=0, le=86_400, description="seconds after its hour within which something is still in time")
]


class Target(Input):
    """A place that an item goes to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"community_id": COMMUNITY}]})

    community_id: UUID
    group_id: UUID | None = Field(default=None, description="only this group of the community; none: all of it")


class SendCreate(Input):
    """Where an item goes, and when."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"targets": [{"community_id": COMMUNITY}], "late_policy": "deliver"}]}
    )

    targets: list[Target] = Field(min_length=1, max_length=MOST_TARGETS)
    at: AwareDatetime | None = Field(default=None, description="at once unless given; up to a year ahead")
    late_policy: LatePolicy = LatePolicy.DELIVER
    tolerance_seconds: Tolerance = DEFAULT_TOLERANCE_SECONDS


class TargetResult(Output):
    """What became of one target."""

    community_id: UUID
    group_id: UUID | None
    delivery_id: UUID | None = Field(description="none where it was refused")
    due_at: datetime | None
    status: str = Field(description="scheduled, already_scheduled or refused", examples=["scheduled"])
    code: str | None = Field(
        description="why it was refused: community-unknown, not-an-editor, community-archived, group-unknown, target-repeated",
        examples=[None],
    )


class SendOut(Output):
    """What became of each target, in the order in which they were given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {
                            "community_id": COMMUNITY,
                            "group_id": None,
                            "delivery_id": ID,
                            "due_at": "2026-11-22T07:30:00Z",
                            "status": "scheduled",
                            "code": None,
                        }
                    ]
                }
            ]
        }
    )

    results: list[TargetResult]


class Reached(Output):
    """What one channel carried."""

    channel: str = Field(examples=["in_app"])
    reached_at: datetime = Field(description="when the channel first had carried it")
    recipients: int = Field(description="how many people it has reached there so far", examples=[120])


class DeliveryOut(Output):
    """One item to one place at one time."""

    model_config = ConfigDict(json_schema_extra={"examples": [DELIVERY]})

    id: UUID
    community_id: UUID
    group_id: UUID | None
    item_id: UUID
    slot_id: UUID | None = Field(description="none for what was sent")
    occurrence_id: UUID | None
    kind: PostKind
    theme_id: UUID | None
    fallback: bool = Field(description="the slot's fallback, because nothing else was ready")
    late_policy: LatePolicy
    tolerance_seconds: int
    due_at: datetime
    state: DeliveryState
    reason: str | None = Field(description="why it was skipped or failed", examples=["too-late"])
    post_id: UUID | None
    delivered_at: datetime | None
    on_time: bool | None = Field(description="none while it is due, and for what was cancelled")
    reached: list[Reached]
    version: int
    can: list[str] = Field(description="what the caller may do: cancel")
