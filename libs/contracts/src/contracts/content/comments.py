"""Events of comments."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class CommentEvent(Event):
    """One comment, its author and the post that it answers."""

    aggregate: ClassVar[str] = "comment"

    comment_id: UUID
    post_id: UUID
    community_id: UUID
    author_id: PersonId


class CommentPublished(CommentEvent):
    """A member answered a post."""

    type: ClassVar[str] = "content.comment.published.v1"
    withheld: ClassVar[frozenset[str]] = frozenset({"post_author_id"})  # who may speak as the brand

    post_author_id: PersonId
    parent_id: UUID | None = Field(description="the comment that it answers, when it answers one")


class CommentEdited(CommentEvent):
    """A comment's text changed."""

    type: ClassVar[str] = "content.comment.edited.v1"


class CommentHeld(CommentEvent):
    """A comment is seen by its author and moderators only, until it is decided upon."""

    type: ClassVar[str] = "content.comment.held.v1"
    partners: ClassVar[bool] = False  # moderation


class CommentWithdrawn(CommentEvent):
    """A comment was removed by a moderator; its words stay as evidence."""

    type: ClassVar[str] = "content.comment.withdrawn.v1"


class CommentRestored(CommentEvent):
    """A comment that had been published is seen again."""

    type: ClassVar[str] = "content.comment.restored.v1"


class CommentDeleted(CommentEvent):
    """A comment was taken back or taken down; a tombstone stays."""

    type: ClassVar[str] = "content.comment.deleted.v1"
