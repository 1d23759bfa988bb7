"""Every write of detections."""

from __future__ import annotations

from chassis import outbox
from chassis.db import Session
from content.moderation.detections.models import Detection
from contracts.content import DetectionMade, EvidenceSpan, SubjectKind


def record(session: Session, detection: Detection) -> None:
    """Keep what was found, and tell of it."""
    session.add(detection)
    outbox.emit(
        session,
        DetectionMade(
            detection_id=detection.id,
            community_id=detection.community_id,
            author_id=detection.author_id,
            detector_id=detection.detector_id,
            detector_version=detection.detector_version,
            detector=detection.kind,
            action=detection.action,
            clause=detection.clause_code,
            subject_kind=SubjectKind(detection.subject_kind),
            subject_id=detection.subject_id,
            written=detection.written,
            spans=[EvidenceSpan.model_validate(span) for span in detection.spans],
            similar_to=detection.similar_to,
        ),
        organization_id=detection.organization_id,
        aggregate_id=detection.id,
        version=1,
        community_id=detection.community_id,
        actor=detection.author_id,
        occurred_at=detection.detected_at,
    )
