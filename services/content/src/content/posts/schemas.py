"""What HTTP accepts and returns of posts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, Output, TextMap
from content.imports import LARGEST_BATCH, Attachments, ExternalId, JudgedAlone, OriginalTime, Source
from content.posts.policy import DEFAULT_SECTION, PostKind, PostState
from content.text import Body, Section, Title
from contracts.base import Origin

Counts = Annotated[
    dict[str, int],
    Field(description="how many people reacted with each emoji", examples=[{"👍": 3, ":party-parrot:": 1}]),
]


class Benefit(Input):
    """What an announcement gives its readers, shown before everything else."""

    kind: Literal["coupon", "points", "gift", "activity", "knowledge", "other"]
    words: TextMap
    reference_id: UUID | None = Field(default=None, description="of the coupon, activity, post or whatever it is")


class Arranged(Input):
    """What editors say of a piece beside its words."""

    expires_at: AwareDatetime | None = Field(
        default=None, description="from then on it is not shown any more", examples=["2027-03-31T16:00:00Z"]
    )
    review_at: AwareDatetime | None = Field(
        default=None, description="somebody looks then whether it is still right", examples=["2027-01-31T16:00:00Z"]
    )
    evergreen: bool = Field(
        default=False, description="meant to stay right: counted in freshness debt past its review date"
    )
    promotion: bool = Field(
        default=False, description="it sells, where others give: counted in the ratio of value to promotion"
    )
    acknowledge: bool = Field(default=False, description="announcements: readers are asked to acknowledge it")
    acknowledge_by: AwareDatetime | None = Field(
        default=None, description="announcements: by when", examples=["2026-12-24T10:00:00Z"]
    )
    benefit: Benefit | None = Field(default=None, description="announcements: what it leads with")

    def arrangement(self) -> dict[str, Any]:
        """Return what was said, by the post's own names."""
        said = {name: getattr(self, name) for name in Arranged.model_fields if name in self.model_fields_set}
        if self.benefit is not None:
            said["benefit"] = self.benefit.model_dump(mode="json", exclude_none=True)
        return said


class PostCreate(Arranged):
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


class PostUpdate(Arranged):
    """What to change of a post; what is left out stays. A null title, date or benefit takes it away."""

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
    html: str | None = Field(
        description="the body, safe to show: a mention is `<span data-mention=ACCOUNT_ID>`, an upload `<img data-media=ID>`, both to be "
        "filled in; null for a moment after an import, until it is rendered",
        examples=['<p dir="auto">今天的单词:<em>serendipity</em>。</p>'],
    )
    tree: list[dict[str, Any]] | None = Field(
        description="the body as nodes, where `tree=true` asks for it (docs/writing.md)",
        examples=[[{"type": "paragraph", "children": [{"type": "text", "text": "今天的单词"}]}]],
    )
    section: str = Field(examples=["daily-topic"])
    published_at: datetime = Field(description="of what is not published yet: when it was begun")
    edited_at: datetime | None = Field(description="when its words last changed: it is shown as edited")
    revision: int = Field(description="1 until its words change", examples=[1])
    expires_at: datetime | None
    review_at: datetime | None
    evergreen: bool
    promotion: bool
    pinned_at: datetime | None
    pinned_until: datetime | None
    acknowledge: bool = Field(description="readers are asked to acknowledge it")
    acknowledge_by: datetime | None
    acknowledged_at: datetime | None = Field(description="when the caller acknowledged it")
    benefit: dict[str, Any] | None = Field(
        description="what an announcement leads with", examples=[{"kind": "coupon", "words": {"zh": "八折券"}}]
    )
    origin: Origin
    external_id: str | None = Field(description="its id where it was imported from")
    attachments: list[dict[str, Any]] = Field(
        description="what is known of its files", examples=[[{"name": "words.pdf", "media_type": "application/pdf"}]]
    )
    comment_count: int = Field(examples=[2])
    reaction_counts: Counts
    version: int
    can: list[str] = Field(
        description="what the caller may do: comment, react, edit, delete, publish, withdraw, review (approve or return), pin",
        examples=[["comment", "react", "edit", "delete", "withdraw"]],
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
