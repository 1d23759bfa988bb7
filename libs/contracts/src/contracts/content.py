"""Events of content: posts, comments and reactions, personas of the brand, and announcements."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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
    kind: str = Field(
        default="post",
        description="post, article, daily_topic, greeting, resource or announcement",
        examples=["daily_topic"],
    )
    persona_id: UUID | None = Field(
        default=None, description="the persona of the brand as which the author speaks: members do not learn who it is"
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

    state: str = Field(description="draft, in_review, scheduled, held, expired or published", examples=["in_review"])


class PostReviewDue(PostEvent):
    """A pinned or evergreen piece has come to the date at which somebody is to look whether it is still right."""

    type: ClassVar[str] = "content.post.review_due.v1"


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


class CommentHeld(CommentEvent):
    """A comment is seen by its author and moderators only, until it is decided upon."""

    type: ClassVar[str] = "content.comment.held.v1"


class CommentWithdrawn(CommentEvent):
    """A comment was removed by a moderator; its words stay as evidence."""

    type: ClassVar[str] = "content.comment.withdrawn.v1"


class CommentRestored(CommentEvent):
    """A comment that had been published is seen again."""

    type: ClassVar[str] = "content.comment.restored.v1"


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


class PostsRead(Event):
    """A member read posts for the first time: one batch of read marks."""

    type: ClassVar[str] = "content.reading.marked.v1"
    aggregate: ClassVar[str] = "reading"

    reading_id: UUID
    community_id: UUID
    account_id: UUID
    post_ids: list[UUID] = Field(
        description="up to 500, none of which the account had read before",
        examples=[["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]],
    )


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


class AnnouncementAcknowledged(Event):
    """A member said that they have read an announcement that asks for it."""

    type: ClassVar[str] = "content.acknowledgement.given.v1"
    aggregate: ClassVar[str] = "acknowledgement"

    acknowledgement_id: UUID
    post_id: UUID
    community_id: UUID
    account_id: UUID


class AnnouncementReminderWanted(Event):
    """Staff want a member reminded of an announcement that they have not acknowledged: for outreach, within the member's budget."""

    type: ClassVar[str] = "content.reminder.wanted.v1"
    aggregate: ClassVar[str] = "reminder"

    reminder_id: UUID = Field(description="the reminding of which this is one")
    post_id: UUID
    community_id: UUID
    account_id: UUID


class ThemeChanged(Event):
    """A theme of a community's mix was defined, changed or retired, whole; its name stays in content."""

    type: ClassVar[str] = "content.theme.changed.v1"
    aggregate: ClassVar[str] = "theme"

    theme_id: UUID
    community_id: UUID
    target_share: int = Field(description="hundredths of what is said", examples=[40])
    promotion: bool = Field(description="it sells, where others give")
    retired: bool


class SlotEvent(Event):
    """A recurring slot, whole, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "slot"

    slot_id: UUID
    community_id: UUID
    group_id: UUID | None = Field(description="only for this group; none: for all of the community")
    kind: str = Field(examples=["daily_topic"])
    theme_id: UUID | None
    rrule: str = Field(description="RFC 5545, days only", examples=["FREQ=WEEKLY;BYDAY=TU,FR"])
    at: str = Field(description="hour and minute in the zone", examples=["07:30"])
    zone: str = Field(description="IANA time zone by which it falls due", examples=["Asia/Shanghai"])


class SlotDefined(SlotEvent):
    """A slot recurs from now on."""

    type: ClassVar[str] = "content.slot.defined.v1"


class SlotChanged(SlotEvent):
    """A slot recurs otherwise from now on."""

    type: ClassVar[str] = "content.slot.changed.v1"


class SlotRetired(SlotEvent):
    """A slot recurs no more."""

    type: ClassVar[str] = "content.slot.retired.v1"


class OccurrenceEvent(Event):
    """One occurrence of a slot."""

    aggregate: ClassVar[str] = "occurrence"

    occurrence_id: UUID
    slot_id: UUID
    community_id: UUID
    group_id: UUID | None
    due_at: datetime


class OccurrenceGapForeseen(OccurrenceEvent):
    """A slot will soon fall due with nothing ready for it: told once, as long ahead as the slot asks."""

    type: ClassVar[str] = "content.occurrence.gap_foreseen.v1"

    standing: str = Field(description="empty, or at_risk when what it holds is not ready", examples=["empty"])
    fallback: bool = Field(description="a fallback is ready to stand in")


class OccurrenceMissed(OccurrenceEvent):
    """A slot fell due, and nothing was ready for it."""

    type: ClassVar[str] = "content.occurrence.missed.v1"


class OccurrenceHeld(OccurrenceEvent):
    """A slot fell due, and the activity that it holds was there."""

    type: ClassVar[str] = "content.occurrence.held.v1"

    activity_id: UUID
    on_time: bool


class DeliveryEvent(Event):
    """One item to one place at one time: by an occurrence of a slot, or sent."""

    aggregate: ClassVar[str] = "delivery"

    delivery_id: UUID
    community_id: UUID
    group_id: UUID | None = Field(description="only to this group; none: to all of the community")
    item_id: UUID
    slot_id: UUID | None = Field(description="none for what was sent")
    occurrence_id: UUID | None
    kind: str = Field(examples=["daily_topic"])
    theme_id: UUID | None
    fallback: bool = Field(description="the slot's fallback, because nothing else was ready")
    due_at: datetime


class DeliveryScheduled(DeliveryEvent):
    """An item was sent, and will go out at its time."""

    type: ClassVar[str] = "content.delivery.scheduled.v1"


class DeliveryDelivered(DeliveryEvent):
    """An item went out as a post: once, whatever crashed."""

    type: ClassVar[str] = "content.delivery.delivered.v1"

    post_id: UUID
    delivered_at: datetime
    on_time: bool = Field(description="within the tolerance of its slot")


class DeliverySkipped(DeliveryEvent):
    """Something due did not go out: too late for its policy, not ready, or the community not open."""

    type: ClassVar[str] = "content.delivery.skipped.v1"

    reason: str = Field(examples=["too-late"])


class DeliveryFailed(DeliveryEvent):
    """Something due could not go out: a rule or its persona forbids it, or publishing failed too often."""

    type: ClassVar[str] = "content.delivery.failed.v1"

    reason: str = Field(examples=["text-blocked"])


class DeliveryCancelled(DeliveryEvent):
    """What was sent was taken back before its time."""

    type: ClassVar[str] = "content.delivery.cancelled.v1"


CALENDAR_EVENTS: tuple[type[Event], ...] = (
    ThemeChanged,
    SlotDefined,
    SlotChanged,
    SlotRetired,
    OccurrenceGapForeseen,
    OccurrenceMissed,
    OccurrenceHeld,
    DeliveryScheduled,
    DeliveryDelivered,
    DeliverySkipped,
    DeliveryFailed,
    DeliveryCancelled,
)


class DetectorChanged(Event):
    """A detector was defined, changed, switched on or off, or retired; what it looks for stays in content."""

    type: ClassVar[str] = "content.detector.changed.v1"
    aggregate: ClassVar[str] = "detector"

    detector_id: UUID
    community_id: UUID
    kind: str = Field(description="words, links, contacts, flooding, duplicates or newcomers", examples=["contacts"])
    action: str = Field(description="block, hold or flag", examples=["hold"])
    clause: str = Field(description="code of the clause that it watches over", examples=["3.2"])
    enabled: bool
    retired: bool


class EvidenceSpan(BaseModel):
    """Where in a text something stands; never what stands there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(description="title or body", examples=["body"])
    start: int = Field(description="first code point, from 0", examples=[12])
    end: int = Field(description="the code point after the last", examples=[23])


class DetectionMade(Event):
    """A detector found something in a text that somebody wanted to publish: the facts for a case, never the words."""

    type: ClassVar[str] = "content.detection.made.v1"
    aggregate: ClassVar[str] = "detection"

    detection_id: UUID
    community_id: UUID
    author_id: UUID
    detector_id: UUID
    detector_version: int
    detector: str = Field(description="the detector's kind", examples=["contacts"])
    action: str = Field(description="block, hold or flag", examples=["hold"])
    clause: str = Field(description="code of the clause", examples=["3.2"])
    subject_kind: SubjectKind
    subject_id: UUID = Field(description="what was written, or would have been")
    written: bool = Field(description="false when it was blocked: there is no such post or comment")
    spans: list[EvidenceSpan] = Field(
        description="where; empty when it is about the author's pace or another text",
        examples=[[{"field": "body", "start": 12, "end": 23}]],
    )
    similar_to: list[UUID] = Field(description="texts of others that it is like", examples=[[]])


class HoldEvent(Event):
    """A text that only its author and moderators see until somebody decides; the aggregate is the hold."""

    aggregate: ClassVar[str] = "hold"

    hold_id: UUID
    community_id: UUID
    author_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    cause: str = Field(description="detector or checker", examples=["detector"])
    clause: str | None = Field(description="code of the clause", examples=["3.2"])


class HoldPlaced(HoldEvent):
    """A text waits for a decision."""

    type: ClassVar[str] = "content.hold.placed.v1"


class HoldDecided(HoldEvent):
    """A moderator or an outside checker decided about a held text."""

    type: ClassVar[str] = "content.hold.decided.v1"

    decision: str = Field(description="released or removed", examples=["released"])


class ModerationPolicyChanged(Event):
    """A community has texts judged by another checker, or publishes under another compliance profile."""

    type: ClassVar[str] = "content.moderation_policy.changed.v1"
    aggregate: ClassVar[str] = "moderation_policy"

    community_id: UUID
    profile: str = Field(description="none or china", examples=["china"])
    checker: str = Field(description="none, callback or an installed checker", examples=["callback"])


class CheckRequested(Event):
    """A text waits for an outside checker, which fetches it by its own token; only its author sees it until then."""

    type: ClassVar[str] = "content.check.requested.v1"
    aggregate: ClassVar[str] = "check"

    check_id: UUID
    community_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID


class CheckJudged(Event):
    """An outside checker judged a text."""

    type: ClassVar[str] = "content.check.judged.v1"
    aggregate: ClassVar[str] = "check"

    check_id: UUID
    community_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    verdict: str = Field(description="allowed, held or refused", examples=["allowed"])


class PublicationLogOpened(Event):
    """Somebody opened the sealed log of who published what from where; their reason stays in content."""

    type: ClassVar[str] = "content.publication_log.opened.v1"
    aggregate: ClassVar[str] = "publication_log_opening"

    opening_id: UUID
    community_id: UUID
    from_at: datetime
    until: datetime


MODERATION_EVENTS: tuple[type[Event], ...] = (
    DetectorChanged,
    DetectionMade,
    HoldPlaced,
    HoldDecided,
    ModerationPolicyChanged,
    CheckRequested,
    CheckJudged,
    PublicationLogOpened,
)


class MediaEvent(Event):
    """One upload and whose it is; name and content stay in content."""

    aggregate: ClassVar[str] = "media"

    media_id: UUID
    owner_id: UUID | None = Field(
        description="the account that uploaded it; null where that is no longer known",
        examples=["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"],
    )
    kind: str = Field(description="image, avatar, audio, video or file", examples=["image"])


class MediaUploaded(MediaEvent):
    """An upload was finished, judged by its content and kept."""

    type: ClassVar[str] = "content.media.uploaded.v1"

    media_type: str = Field(description="by its content", examples=["image/jpeg"])
    size: int = Field(description="in bytes, of what is kept", examples=[245760])


class MediaErased(MediaEvent):
    """An upload is gone for good, whatever it stood in."""

    type: ClassVar[str] = "content.media.erased.v1"

    cause: str = Field(
        description="owner, staff, replaced (an avatar by a newer one), unused, or person (the account was erased)",
        examples=["owner"],
    )


MEDIA_EVENTS: tuple[type[Event], ...] = (MediaUploaded, MediaErased)


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
    PostWithdrawn,
    PostRestored,
    PostWritten,
    PostReviewDue,
    PostDeleted,
    CommentPublished,
    CommentEdited,
    CommentHeld,
    CommentWithdrawn,
    CommentRestored,
    CommentDeleted,
    ReactionAdded,
    ReactionRemoved,
    PostsRead,
    BrandPersonaChanged,
    WritingPolicyChanged,
    AnnouncementAcknowledged,
    AnnouncementReminderWanted,
    *CALENDAR_EVENTS,
    *MODERATION_EVENTS,
    *MEDIA_EVENTS,
    ContentExportStarted,
)
