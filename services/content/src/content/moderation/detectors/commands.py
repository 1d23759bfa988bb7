"""Every write of detectors."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.moderation.detection.words import empty_words
from content.moderation.detectors import queries
from content.moderation.detectors.models import Detector
from content.moderation.detectors.policy import MOST_DETECTORS, DetectorKind, Facts, Read
from content.moderation.detectors.schemas import DetectorCreate, DetectorTrial, DetectorTrialOut, DetectorUpdate
from content.moderation.detectors.settings import AnySettings, WordsSettings
from contracts.content import DetectorChanged, EvidenceSpan

_CHANGEABLE = {"name", "action", "clause_code", "clause_text", "settings", "subjects", "staff", "enabled"}
_ABOUT_TEXT = {DetectorKind.WORDS, DetectorKind.LINKS, DetectorKind.CONTACTS}


def _check_words(settings: AnySettings | None) -> None:
    """Raise Problem 422 for words of which nothing is left to look for."""
    if isinstance(settings, WordsSettings):
        for name, words in (("words", settings.words), ("exceptions", settings.exceptions)):
            empty = empty_words(words)
            if empty:
                raise invalid(
                    f"/settings/{name}/{empty[0]}", "word-empty", "No letter, digit or ideograph is in this word."
                )


async def create_detector(session: Session, member: Standing, new: DetectorCreate) -> Detector:
    """Put a detector up. Raises Problem 409 for one too many, 422."""
    _check_words(new.settings)
    # One at a time in a community, so that the limit holds.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('detectors:' || CAST(:community_id AS text), 0))"),
        {"community_id": str(member.community_id)},
    )
    if await queries.count_detectors(session, member.community_id) >= MOST_DETECTORS:
        raise Problem(409, "too-many-detectors", f"A community has at most {MOST_DETECTORS} detectors.")
    detector = Detector(
        id=new_id(),
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        kind=new.settings.kind,
        created_at=clock.now(),
        **new.model_dump(mode="json", include=_CHANGEABLE),
    )
    session.add(detector)
    await session.flush()
    _tell(session, member, detector)
    return detector


async def update_detector(
    session: Session, member: Standing, detector_id: UUID, expected: int, change: DetectorUpdate
) -> Detector:
    """Change a detector; a change that changes nothing is none. Raises Problem 404, 409 for another kind, 412, 422."""
    detector = await queries.get_detector(session, member.community_id, detector_id, locked=True)
    check_version(expected, detector.version)
    if change.settings is not None and change.settings.kind != detector.kind:
        raise Problem(409, "detector-kind-fixed", "A detector keeps its kind: put up another and take this one down.")
    _check_words(change.settings)
    wanted = change.model_dump(mode="json", include=_CHANGEABLE)
    different = {
        name: value for name, value in wanted.items() if value is not None and getattr(detector, name) != value
    }
    if different:
        for name, value in different.items():
            setattr(detector, name, value)
        detector.version += 1
        await session.flush()
        _tell(session, member, detector)
    return detector


async def retire_detector(session: Session, member: Standing, detector_id: UUID, expected: int) -> None:
    """Take a detector down; what it found stays. Raises Problem 404, 412."""
    detector = await queries.get_detector(session, member.community_id, detector_id, locked=True)
    check_version(expected, detector.version)
    detector.retired_at = clock.now()
    detector.version += 1
    _tell(session, member, detector)


def try_detector(trial: DetectorTrial) -> DetectorTrialOut:
    """Return where settings find something in a text. Raises Problem 422."""
    _check_words(trial.settings)
    finding = None
    if DetectorKind(trial.settings.kind) in _ABOUT_TEXT:
        finding = trial.settings.detection().find({"body": Read(trial.text)}, Facts(now=clock.now()))
    spans = [] if finding is None else finding.spans.get("body", [])
    return DetectorTrialOut(spans=[EvidenceSpan(field="body", start=start, end=end) for start, end in spans])


def _tell(session: Session, member: Standing, detector: Detector) -> None:
    outbox.emit(
        session,
        DetectorChanged(
            detector_id=detector.id,
            community_id=detector.community_id,
            kind=detector.kind,
            action=detector.action,
            clause=detector.clause_code,
            enabled=detector.enabled,
            retired=detector.retired_at is not None,
        ),
        organization_id=detector.organization_id,
        aggregate_id=detector.id,
        version=detector.version,
        community_id=detector.community_id,
        actor=member.principal.account_id,
    )
