"""Events of detectors, holds, checks and the publication log. None of it goes to partners: moderation is the community's own affair."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Event
from contracts.content.subjects import SubjectKind
from contracts.persons import PersonId


class DetectorChanged(Event):
    """A detector was defined, changed, switched on or off, or retired; what it looks for stays in content."""

    type: ClassVar[str] = "content.detector.changed.v1"
    aggregate: ClassVar[str] = "detector"
    partners: ClassVar[bool] = False

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
    partners: ClassVar[bool] = False

    detection_id: UUID
    community_id: UUID
    author_id: PersonId
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
    partners: ClassVar[bool] = False

    hold_id: UUID
    community_id: UUID
    author_id: PersonId
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
    partners: ClassVar[bool] = False

    community_id: UUID
    profile: str = Field(description="none or china", examples=["china"])
    checker: str = Field(description="none, callback or an installed checker", examples=["callback"])


class CheckRequested(Event):
    """A text waits for an outside checker, which fetches it by its own token; only its author sees it until then."""

    type: ClassVar[str] = "content.check.requested.v1"
    aggregate: ClassVar[str] = "check"
    partners: ClassVar[bool] = False

    check_id: UUID
    community_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID


class CheckJudged(Event):
    """An outside checker judged a text."""

    type: ClassVar[str] = "content.check.judged.v1"
    aggregate: ClassVar[str] = "check"
    partners: ClassVar[bool] = False

    check_id: UUID
    community_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    verdict: str = Field(description="allowed, held or refused", examples=["allowed"])


class PublicationLogOpened(Event):
    """Somebody opened the sealed log of who published what from where; their reason stays in content."""

    type: ClassVar[str] = "content.publication_log.opened.v1"
    aggregate: ClassVar[str] = "publication_log_opening"
    partners: ClassVar[bool] = False

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
