"""What HTTP accepts and returns of reading."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, Output
from content.posts.schemas import PostOut
from contracts.content import SubjectKind

MOST_MARKS = 500
ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
NOW = "2026-11-20T09:00:00Z"


class HeatOut(Output):
    """Why a post stands where it does in the hot order, as it was when the ranking was made."""

    score: float = Field(
        description="log10(max(1, reactors + 2·comments + 3·saves + readers/10)) + seconds since 1970 / 45,000",
        examples=[39887.3010300],
    )
    reactors: int = Field(description="accounts that reacted", examples=[12])
    comments: int = Field(examples=[4])
    saves: int = Field(description="accounts that bookmarked it", examples=[1])
    readers: int = Field(description="accounts that read it", examples=[80])


class FeedItemOut(PostOut):
    """A post in the feed."""

    theme_id: UUID | None = Field(description="the theme that it belongs to")
    read: bool = Field(description="the caller has read it, wrote it, or counts everything of its time as read")
    bookmarked: bool
    heat: HeatOut | None = Field(description="in the hot order only")


class ReadsCreate(Input):
    """Posts that the caller has read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"post_ids": [ID]}]})

    post_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_MARKS)] = Field(
        description="up to 500; those read before, and those that the caller does not see, change nothing"
    )


class ReadsOut(Output):
    """What a batch of read marks did."""

    marked: int = Field(description="posts that the caller had not read before", examples=[1])


class HorizonUpdate(Input):
    """Everything up to here is read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"until": NOW}]})

    until: AwareDatetime = Field(description="not in the future; an earlier one than before changes nothing")


class HorizonOut(Output):
    """Up to when everything counts as read."""

    until: datetime


class UnreadOut(Output):
    """How many posts the caller has not read, by what they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "total": 3,
                    "capped": False,
                    "sections": {"general": 3},
                    "kinds": {"post": 2, "daily_topic": 1},
                    "themes": {ID: 1},
                    "groups": {ID: 1},
                }
            ]
        }
    )

    total: int
    capped: bool = Field(description="there are more than the 2,000 newest posts that were looked at")
    sections: dict[str, int]
    kinds: dict[str, int]
    themes: dict[str, int] = Field(description="by theme id")
    groups: dict[str, int] = Field(description="by group id; what the whole community sees is in none")


class BookmarkOut(Output):
    """That the caller keeps a post."""

    post_id: UUID
    saved_at: datetime


class MentionOut(Output):
    """Where the caller was mentioned."""

    subject_kind: SubjectKind
    subject_id: UUID
    post_id: UUID = Field(description="the post itself, or the one that the comment is on")
    author_id: UUID | None = Field(description="null where a persona of the brand speaks")
    mentioned_at: datetime
    excerpt: str = Field(description="the first 200 characters, Markdown", examples=[f"<@{ID}> 你怎么看?"])
