"""Events of posts, the personas of the brand and the rules of writing."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class PostEvent(Event):
    """One post and its author; the words stay in content."""

    aggregate: ClassVar[str] = "post"
    sometimes_withheld: ClassVar[frozenset[str]] = frozenset({"author_id"})

    post_id: UUID
    community_id: UUID
    author_id: PersonId
    persona_id: UUID | None = Field(
        default=None, description="the persona of the brand as which the author speaks: members do not learn who it is"
    )

    def hidden(self) -> frozenset[str]:
        """Return the author, unless the event says that nobody speaks as the brand here: what it leaves open is kept back."""
        open_author = self.persona_id is None and "persona_id" in self.model_fields_set
        return self.withheld if open_author else self.withheld | {"author_id"}


class PostPublished(PostEvent):
    """A member or a persona of the brand said something new."""

    type: ClassVar[str] = "content.post.published.v1"

    section: str = Field(description="the part of the community it stands in", examples=["general"])
    kind: str = Field(
        default="post",
        description="post, article, daily_topic, greeting, resource or announcement",
        examples=["daily_topic"],
    )
    group_id: UUID | None = Field(default=None, description="only this group sees it; none: the whole community")
    theme_id: UUID | None = Field(default=None, description="the theme that it belongs to")
    delivery_id: UUID | None = Field(default=None, description="the calendar's delivery that it is")
    promotion: bool = Field(default=False, description="it sells, where others give")


class PostEdited(PostEvent):
    """A post's text or settings changed."""

    type: ClassVar[str] = "content.post.edited.v1"


class PostWithdrawn(PostEvent):
    """A published post is seen no longer: held, removed, expired, or a draft again. Its words stay."""

    type: ClassVar[str] = "content.post.withdrawn.v1"

    cause: str = Field(description="held, removed, expired or draft", examples=["expired"])


class PostRestored(PostEvent):
    """A withdrawn post is seen again."""

    type: ClassVar[str] = "content.post.restored.v1"


class PostWritten(PostEvent):
    """A post that nobody sees yet was begun, changed, submitted for review, returned or held: for the editors' desk."""

    type: ClassVar[str] = "content.post.written.v1"
    partners: ClassVar[bool] = False  # nobody sees it yet

    state: str = Field(description="draft, in_review, scheduled, held, expired or published", examples=["in_review"])


class PostReviewDue(PostEvent):
    """A pinned or evergreen piece has come to the date at which somebody is to look whether it is still right."""

    type: ClassVar[str] = "content.post.review_due.v1"


class PostDeleted(PostEvent):
    """A post was taken back or taken down; a tombstone stays."""

    type: ClassVar[str] = "content.post.deleted.v1"


class BrandPersonaChanged(Event):
    """A persona of the brand was made, changed or retired; its name stays in content."""

    type: ClassVar[str] = "content.brand_persona.changed.v1"
    aggregate: ClassVar[str] = "brand_persona"

    persona_id: UUID
    retired: bool


class WritingPolicyChanged(Event):
    """A community asks for a second person's eyes on other kinds of posts from now on."""

    type: ClassVar[str] = "content.writing_policy.changed.v1"
    aggregate: ClassVar[str] = "writing_policy"

    community_id: UUID
    reviewed_kinds: list[str] = Field(examples=[["article", "announcement"]])
