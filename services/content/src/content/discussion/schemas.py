"""What HTTP accepts and returns of comments and reactions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.schemas import Input, Output
from content.discussion.policy import LONGEST_EMOJI, MOST_EMOJIS, CommentState, is_emoji
from content.imports import (
    LARGEST_BATCH,
    LARGEST_REACTION_BATCH,
    Attachments,
    ExternalId,
    JudgedAlone,
    OriginalTime,
    Source,
)
from content.posts.schemas import Counts
from content.text import Body
from contracts.base import Origin
from contracts.content import SubjectKind


def _emoji(value: str) -> str:
    if not is_emoji(value):
        raise PydanticCustomError("emoji", "Neither one emoji nor a short code such as :party-parrot:.")
    return value


Emoji = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_EMOJI),
    AfterValidator(_emoji),
    Field(description="one emoji, or a short code such as `:party-parrot:`", examples=["👍"]),
]


class CommentCreate(Input):
    """A comment to publish."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "It was pure *serendipity* that we met here."}]})

    body: Body
    parent_id: UUID | None = Field(default=None, description="the comment of the same post that it answers")


class CommentUpdate(Input):
    """A comment's new text."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "It was *serendipity* that we met here."}]})

    body: Body


class CommentOut(Output):
    """A comment as the caller sees it."""

    id: UUID
    community_id: UUID
    post_id: UUID
    parent_id: UUID | None = Field(description="the comment that it answers; that one may have been deleted since")
    author_id: UUID
    state: CommentState = Field(
        description="others see only what is published; what is held, its author and moderators"
    )
    body: str = Field(description="Markdown; a mention is `<@ACCOUNT_ID>`", examples=["It was pure *serendipity*."])
    html: str | None = Field(
        description="the body, safe to show, as a post's; null for a moment after an import, until it is rendered",
        examples=['<p dir="auto">It was pure <em>serendipity</em>.</p>'],
    )
    tree: list[dict[str, Any]] | None = Field(
        description="the body as nodes, where `tree=true` asks for it", examples=[None]
    )
    commented_at: datetime
    edited_at: datetime | None = Field(description="when it last changed: it is shown as edited")
    origin: Origin
    external_id: str | None = Field(description="its id where it was imported from")
    attachments: list[dict[str, Any]] = Field(
        description="what is known of its files", examples=[[{"name": "words.pdf"}]]
    )
    reaction_counts: Counts
    version: int
    can: list[str] = Field(
        description="what the caller may do: reply, react, edit, delete", examples=[["reply", "react"]]
    )


class ReactionOut(Output):
    """What one person feels about a post or a comment."""

    id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    account_id: UUID
    emojis: list[str] = Field(
        description=f"{MOST_EMOJIS} at most, in the order in which they were added", examples=[["👍", ":party-parrot:"]]
    )
    reacted_at: datetime = Field(description="last change")
    version: int


class CommentImport(Input):
    """One comment of an import."""

    external_id: ExternalId
    post_external_id: ExternalId
    author_id: UUID = Field(description="account that wrote it; it needs a membership of any state")
    body: Body
    commented_at: OriginalTime
    edited_at: OriginalTime | None = None
    attachments: Attachments | None = None


class CommentImports(Input):
    """A batch of comments. Items are judged one by one: what is wrong with one is in the report."""

    source: Source
    items: list[Annotated[CommentImport, JudgedAlone]] = Field(max_length=LARGEST_BATCH)


class ReactionImport(Input):
    """One emoji of one person on an imported post or comment."""

    subject_external_id: ExternalId
    author_id: UUID = Field(description="account that reacted; it needs a membership of any state")
    emoji: Emoji

    @property
    def external_id(self) -> str:
        """The subject's external id, by which the report names it."""
        return self.subject_external_id


class ReactionImports(Input):
    """A batch of reactions. Items are judged one by one: what is wrong with one is in the report."""

    source: Source
    items: list[Annotated[ReactionImport, JudgedAlone]] = Field(max_length=LARGEST_REACTION_BATCH)
