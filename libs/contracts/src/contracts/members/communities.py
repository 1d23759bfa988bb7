"""Events of communities: their settings, charter, goals and card."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class CommunityState(StrEnum):
    """The life of a community."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    ARCHIVED = "archived"


class CommunityEvent(Event):
    """What others need to know of a community, whole, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "community"

    community_id: UUID
    slug: str = Field(examples=["english-learning"])
    zone: str = Field(description="IANA time zone of its schedule and its figures", examples=["Asia/Shanghai"])
    state: CommunityState


class CommunityCreated(CommunityEvent):
    """A community exists, as a draft."""

    type: ClassVar[str] = "members.community.created.v1"


class CommunityUpdated(CommunityEvent):
    """A community's settings or state changed."""

    type: ClassVar[str] = "members.community.updated.v1"


class CharterChanged(Event):
    """A community's charter was written; the words stay in members."""

    type: ClassVar[str] = "members.charter.changed.v1"
    aggregate: ClassVar[str] = "charter"

    community_id: UUID
    complete: bool = Field(description="whether it says everything that a charter must say")


class GoalChanged(Event):
    """A goal was set, changed or withdrawn."""

    type: ClassVar[str] = "members.goal.changed.v1"
    aggregate: ClassVar[str] = "goal"

    goal_id: UUID
    community_id: UUID
    metric: str = Field(
        description="what it is measured by; more may come, so that this is text", examples=["active_members_7_days"]
    )
    baseline: int
    target: int = Field(examples=[300])
    due_on: str = Field(description="day in the community's zone", examples=["2027-03-31"])
    withdrawn: bool


class CardChanged(Event):
    """The card of a community or of a group was written; the words stay in members."""

    type: ClassVar[str] = "members.card.changed.v1"
    aggregate: ClassVar[str] = "card"

    community_id: UUID
    group_id: UUID | None = Field(description="none: the community's own card")
