"""Events of content: posts, comments and reactions."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class SubjectKind(StrEnum):
    """What a reaction is about."""

    POST = "post"
    COMMENT = "comment"


class PostEvent(Event):
    """One post and its author; the words stay in content."""

    aggregate: ClassVar[str] = "post"

    post_id: UUID
    community_id: UUID
    author_id: UUID


class PostPublished(PostEvent):
    """A member or a persona of the brand said something new."""

    type: ClassVar[str] = "content.post.published.v1"

    section: str = Field(description="the part of the community it stands in", examples=["general"])


class PostEdited(PostEvent):
    """A post's text changed."""

    type: ClassVar[str] = "content.post.edited.v1"


class PostDeleted(PostEvent):
    """A post was taken back or taken down; a tombstone stays."""

    type: ClassVar[str] = "content.post.deleted.v1"


class CommentEvent(Event):
    """One comment, its author and the post that it answers."""

    aggregate: ClassVar[str] = "comment"

    comment_id: UUID
    post_id: UUID
    community_id: UUID
    author_id: UUID


class CommentPublished(CommentEvent):
    """A member answered a post."""

    type: ClassVar[str] = "content.comment.published.v1"

    post_author_id: UUID
    parent_id: UUID | None = Field(description="the comment that it answers, when it answers one")


class CommentEdited(CommentEvent):
    """A comment's text changed."""

    type: ClassVar[str] = "content.comment.edited.v1"


class CommentDeleted(CommentEvent):
    """A comment was taken back or taken down; a tombstone stays."""

    type: ClassVar[str] = "content.comment.deleted.v1"


class ReactionEvent(Event):
    """One emoji of one account on one post or comment; the aggregate is (subject, account)."""

    aggregate: ClassVar[str] = "reaction"

    reaction_id: UUID
    community_id: UUID
    account_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    subject_author_id: UUID
    emoji: str = Field(examples=["👍"])


class ReactionAdded(ReactionEvent):
    """A member reacted."""

    type: ClassVar[str] = "content.reaction.added.v1"

    timed: bool = Field(description="false when the source of an import knew no time: such a reaction is no activity")


class ReactionRemoved(ReactionEvent):
    """A member took a reaction back."""

    type: ClassVar[str] = "content.reaction.removed.v1"


class ContentExportStarted(Event):
    """Somebody took a list of content out as a file; what was in it is not told."""

    type: ClassVar[str] = "content.export.started.v1"
    aggregate: ClassVar[str] = "content_export"

    export_id: UUID
    community_id: UUID
    list_name: str = Field(
        description="posts, comments, post-comments, post-reactions or comment-reactions", examples=["posts"]
    )
    subject_id: UUID | None = Field(description="the post or comment whose list it is; null: of the whole community")
    rows: int = Field(description="how many the list had when the file was begun", examples=[1200])


EVENTS: tuple[type[Event], ...] = (
    PostPublished,
    PostEdited,
    PostDeleted,
    CommentPublished,
    CommentEdited,
    CommentDeleted,
    ReactionAdded,
    ReactionRemoved,
    ContentExportStarted,
)
