"""What HTTP accepts and returns of holds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongText, Output
from content.moderation.detections.schemas import DetectionOut
from content.moderation.holds.policy import HoldCause, HoldState
from contracts.content import SubjectKind


class HoldDecision(Input):
    """Why somebody decides so; moderators alone read it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "The number is the brand's own hotline."}]})

    note: LongText | None = None


class HoldOut(Output):
    """A text that waits for a decision, with what was found in it."""

    id: UUID
    community_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    post_id: UUID = Field(description="the post itself, or the one that the comment answers")
    author_id: UUID
    title: str | None = Field(examples=[None])
    body: str = Field(examples=["加我微信 lily_2020"])
    cause: HoldCause
    clause_code: str | None = Field(examples=["3.2"])
    held_at: datetime
    state: HoldState
    decided_at: datetime | None
    decided_by: UUID | None = Field(description="none: an outside checker, or nobody yet")
    note: str | None = Field(examples=[None])
    detections: list[DetectionOut] = Field(description="what was found in it so far, oldest first")
    version: int
    can: list[str] = Field(description="what the caller may do: release, remove", examples=[["release", "remove"]])
