"""What HTTP accepts and returns of the backlog."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output
from content.backlog.policy import ItemState, WrittenState
from content.posts.policy import PostKind
from content.posts.schemas import Benefit
from content.text import Body, Plain, Section, Title

Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Plain,
    Field(description="for the editors only", examples=["等周五的访谈稿"]),
]
Days = Annotated[int, Field(ge=1, le=3650, examples=[30])]
AcknowledgeDays = Annotated[int, Field(ge=1, le=365, examples=[3])]
ITEM: dict[str, Any] = {
    "kind": "daily_topic",
    "title": "每日一词",
    "body": "今天的单词:*serendipity*。Who can use it?",
    "state": "ready",
}
IDS = {"id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10", "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11"}


class ItemCreate(Input):
    """An idea, a draft or a finished piece."""

    model_config = ConfigDict(json_schema_extra={"examples": [ITEM]})

    kind: PostKind = Field(default=PostKind.POST, description="what it will be; it fits slots of the same kind")
    theme_id: UUID | None = Field(default=None, description="the slot's theme unless given")
    title: Title | None = None
    body: Body | None = Field(default=None, description="an idea needs none")
    note: Note | None = None
    section: Section | None = Field(default=None, description="the kind's section unless given")
    persona_id: UUID | None = Field(default=None, description="the persona of the brand that says it")
    state: WrittenState = WrittenState.DRAFT
    promotion: bool = Field(
        default=False, description="it sells, where others give; as its theme does, where that sells"
    )
    evergreen: bool = Field(default=False, description="meant to stay right: counted in freshness debt past its review")
    expires_after_days: Days | None = Field(default=None, description="after its delivery it is shown so long")
    review_after_days: Days | None = Field(default=None, description="so long after its delivery somebody looks at it")
    acknowledge: bool = Field(default=False, description="announcements: readers are asked to acknowledge it")
    acknowledge_within_days: AcknowledgeDays | None = Field(default=None, description="announcements: by when")
    benefit: Benefit | None = Field(default=None, description="announcements: what it leads with")


class ItemUpdate(Input):
    """What to change of an item; what is left out stays. Null takes title, theme, note, persona, days or benefit away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "ready"}]})

    theme_id: UUID | None = None
    title: Title | None = None
    body: Body | None = Field(default=None, description="null leaves it as it is")
    note: Note | None = None
    section: Section | None = Field(default=None, description="null leaves it as it is")
    persona_id: UUID | None = None
    state: WrittenState | None = Field(default=None, description="null leaves it as it is")
    promotion: bool | None = None
    evergreen: bool | None = None
    expires_after_days: Days | None = None
    review_after_days: Days | None = None
    acknowledge: bool | None = None
    acknowledge_within_days: AcknowledgeDays | None = None
    benefit: Benefit | None = None


class ItemOut(Output):
    """An item of the backlog."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **IDS,
                    **ITEM,
                    "theme_id": None,
                    "note": None,
                    "section": "daily-topic",
                    "persona_id": None,
                    "author_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a12",
                    "edited_by": None,
                    "approved_by": None,
                    "promotion": False,
                    "evergreen": False,
                    "expires_after_days": None,
                    "review_after_days": None,
                    "acknowledge": False,
                    "acknowledge_within_days": None,
                    "benefit": None,
                    "occurrence_id": None,
                    "due_at": None,
                    "created_at": "2026-11-22T07:30:00Z",
                    "updated_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "can": ["edit", "assign", "retire", "send"],
                }
            ]
        }
    )

    id: UUID
    community_id: UUID
    kind: PostKind
    theme_id: UUID | None
    title: str | None
    body: str | None
    note: str | None
    section: str
    persona_id: UUID | None
    state: ItemState
    author_id: UUID
    edited_by: UUID | None = Field(description="who wrote its words last, when that is not the author")
    approved_by: UUID | None = Field(description="the second person who made it ready")
    promotion: bool
    evergreen: bool
    expires_after_days: int | None
    review_after_days: int | None
    acknowledge: bool
    acknowledge_within_days: int | None
    benefit: dict[str, Any] | None = Field(
        examples=[{"kind": "coupon", "words": {"zh": "八折券", "en": "20 % off"}}], description="what it leads with"
    )
    occurrence_id: UUID | None = Field(description="the hour that it waits for")
    due_at: datetime | None = Field(description="when that is")
    created_at: datetime
    updated_at: datetime
    version: int
    can: list[str] = Field(description="what the caller may do: edit, assign, unassign, send, retire")
