"""What HTTP accepts and returns of screening policies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from members.screening.policies.policy import DEFAULT_HOURS, Mode, TagRule

EXAMPLE: dict[str, Any] = {
    "mode": "automatic",
    "approve_at": 5,
    "reject_below": 2,
    "decide_within_hours": 48,
    "reapply_after_days": 30,
    "tag_rules": [{"when": {"all": [{"question": "level", "any_of": ["beginner"]}]}, "tags": ["beginner"]}],
}

Score = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class ScreeningPolicyWrite(Input):
    """A policy, whole: it becomes the version in force; decisions keep the version that they were made by."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    mode: Mode = Field(
        description="open lets everybody in; automatic decides by score and knock-outs and leaves the rest to reviewers; "
        "review leaves all to them"
    )
    approve_at: Score | None = Field(default=None, description="automatic: this score and more is let in")
    reject_below: Score | None = Field(default=None, description="automatic: less is declined")
    decide_within_hours: int = Field(
        default=DEFAULT_HOURS, ge=1, le=24 * 90, description="the deadline of those who review"
    )
    reapply_after_days: int = Field(default=0, ge=0, le=3650, description="how long a declined person waits")
    tag_rules: list[TagRule] = Field(default=[], max_length=50)


class ScreeningPolicyOut(Output):
    """A screening policy."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "version": 2,
                    "changed_at": "2026-11-22T07:30:00Z",
                    "can": ["edit"],
                }
            ]
        }
    )

    community_id: UUID
    mode: Mode
    approve_at: int | None
    reject_below: int | None
    decide_within_hours: int
    reapply_after_days: int
    tag_rules: list[dict[str, Any]]
    version: int = Field(description="0 before one was written: people review within 72 hours")
    changed_at: datetime | None
    can: list[str] = Field(description="what this caller may do with it")
