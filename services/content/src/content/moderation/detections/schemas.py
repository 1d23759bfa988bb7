"""What HTTP returns of detections."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output
from content.moderation.detectors.policy import Action, DetectorKind
from contracts.content import EvidenceSpan, SubjectKind


class DetectionOut(Output):
    """Something that a detector found."""

    id: UUID
    community_id: UUID
    detector_id: UUID
    detector_version: int
    kind: DetectorKind
    action: Action
    clause_code: str = Field(examples=["3.2"])
    author_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID = Field(description="what was written, or would have been")
    written: bool = Field(description="false when it was blocked: there is no such post or comment")
    spans: list[EvidenceSpan] = Field(examples=[[{"field": "body", "start": 12, "end": 23}]])
    figures: dict[str, float] = Field(
        description="flooding: said, most, seconds; duplicates: similarity, people; newcomers: count, first",
        examples=[{"said": 5, "most": 5, "seconds": 60}],
    )
    similar_to: list[UUID] = Field(description="texts of others that it is like", examples=[[]])
    detected_at: datetime
