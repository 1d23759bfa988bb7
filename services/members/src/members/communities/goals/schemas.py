"""What HTTP accepts and returns of goals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output, TextMap
from members.communities.goals.policy import GoalMetric, GoalState

LARGEST = 10**12
EXAMPLE: dict[str, Any] = {
    "title": {"zh": "每周三百人开口", "en": "Three hundred speak every week"},
    "metric": "active_members_7_days",
    "baseline": 120,
    "target": 300,
    "due_on": "2027-03-31",
}


class GoalCreate(Input):
    """A new goal."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: TextMap = Field(description="language → what is to be reached")
    metric: GoalMetric = Field(
        description="what it is measured by; `permille` is a share in thousandths, of at most 1000"
    )
    baseline: int | None = Field(
        default=None, ge=0, le=LARGEST, description="the value at the start; left out: today's"
    )
    target: int = Field(ge=0, le=LARGEST)
    due_on: date = Field(description="the day, in the community's zone, by which it is to be reached; in the future")


class GoalUpdate(Input):
    """What to change; what is left out stays. GoalMetric and baseline are what a goal is, and do not change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": 350}]})

    title: TextMap | None = None
    target: int | None = Field(default=None, ge=0, le=LARGEST)
    due_on: date | None = None


class GoalOut(Output):
    """A goal and how far it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "created_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "value": 180,
                    "done_permille": 333,
                    "expected_permille": 250,
                    "state": "on_track",
                    "can": ["edit", "withdraw"],
                }
            ]
        }
    )

    id: UUID
    title: dict[str, str]
    metric: GoalMetric
    baseline: int
    target: int
    due_on: date
    created_at: datetime
    version: int
    value: int = Field(description="of the metric, today")
    done_permille: int = Field(description="share of the way from baseline to target that is gone, in thousandths")
    expected_permille: int = Field(description="share of the time that is gone, in thousandths")
    state: GoalState
    can: list[str] = Field(description="what this caller may do with it")


class GoalList(Output):
    """The goals of a community."""

    data: list[GoalOut]
