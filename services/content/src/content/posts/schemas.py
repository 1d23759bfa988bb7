"""What HTTP accepts and returns of posts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from content.imports import LARGEST_BATCH, Attachments, ExternalId, JudgedAlone, OriginalTime, Source
from content.posts.policy import DEFAULT_SECTION, PostKind, PostState
from content.text import Body, Section, Title
from contracts.base import Origin

Counts = Annotated[
    dict[str, int],
    Field(description="how many people reacted with each emoji", examples=[{"👍": 3, ":party-parrot:": 1}]),
]


class PostCreate(Input):
    """A post to publish."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"body": "今天的单词:*serendipity*。Who can use it?", "section": "daily-topic"}]
        }
    )

    body: Body
    title: Title | None = None
    section: Section = DEFAULT_SECTION
    kind: PostKind = Field(default=PostKind.POST, description="members write posts; everything else is the editors'")
    group_id: UUID | None = Field(default=None, description="only this group sees it; none: the whole community")
    persona_id: UUID | None = Field(
        default=None, description="the persona of the brand to speak as: editors; members do not learn who wrote it"
    )
    draft: bool = Field(default=False, description="begin it, and publish it later")


class PostUpdate(Input):
    """What to change of a post; what is left out stays. A null title takes the title away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "今天的单词:*serendipity*(意外之喜)。"}]})

    body: Body | None = Field(default=None, description="null leaves it as it is")
    title: Title | None = None


class PersonaShown(Output):
    """A persona of the brand, as readers see it."""

    id: UUID
    name: dict[str, str] = Field(description="by language", examples=[{"zh": "小英老师", "en": "Teacher Ying"}])


class PostOut(Output):
    """A post as the caller sees it."""

    id: UUID
    community_id: UUID
    author_id: UUID | None = Field(description="null for others than the author where a persona of the brand speaks")
    persona: PersonaShown | None = Field(description="the persona of the brand that speaks")
    kind: PostKind
    state: PostState = Field(description="others see only what is published")
    group_id: UUID | None = Field(description="only this group sees it; null: the whole community")
    title: str | None = Field(examples=["每日一词"])
    body: str = Field(description="Markdown; a mention is `<@ACCOUNT_ID>`", examples=["今天的单词:*serendipity*。"])
    section: str = Field(examples=["daily-topic"])
    published_at: datetime
    edited_at: datetime | None
    origin: Origin
    external_id: str | None = Field(description="its id where it was imported from")
    attachments: list[dict[str, Any]] = Field(
        description="what is known of its files", examples=[[{"name": "words.pdf", "media_type": "application/pdf"}]]
    )
    comment_count: int = Field(examples=[2])
    reaction_counts: Counts
    version: int
    can: list[str] = Field(
        description="what the caller may do: comment, react, edit, delete",
        examples=[["comment", "react", "edit", "delete"]],
    )


class PostImport(Input):
    """One post of an import."""

    external_id: ExternalId
    author_id: UUID = Field(description="account that wrote it; it needs a membership of any state")
    body: Body
    published_at: OriginalTime
    title: Title | None = None
    section: Section | None = Field(default=None, description=f"{DEFAULT_SECTION} unless given")
    edited_at: OriginalTime | None = None
    attachments: Attachments | None = None


class PostImports(Input):
    """A batch of posts. Items are judged one by one: what is wrong with one is in the report."""

    source: Source
    items: list[Annotated[PostImport, JudgedAlone]] = Field(max_length=LARGEST_BATCH)
