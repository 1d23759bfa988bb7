"""The check: what keeps the author from speaking, what the text breaks, and what is kept of it. `posts.commands.CHECKS` holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text

from chassis import clock, due, telemetry
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from content.moderation.checks import policy, queries
from content.moderation.checks.compiled import Compiled
from content.moderation.checks.queries import Situation
from content.moderation.compliance.commands import log_publication
from content.moderation.compliance.policy import CALLBACK, NO_CHECKER, publishing_refusal
from content.moderation.detection.sketches import Sketch, sketch
from content.moderation.detections import commands as detections
from content.moderation.detections.models import Detection
from content.moderation.detectors.policy import LONGEST_WINDOW, DetectorKind, Facts, Finding, Read
from content.moderation.external import commands as external
from content.moderation.external.checkers import CHECKERS, TIMEOUT_SECONDS, Opinion, Submission
from content.moderation.holds import commands as holds
from content.moderation.holds.policy import HoldCause
from content.posts.policy import Act, Utterance, Verdict
from content.refusal import check as refuse
from contracts.content import SubjectKind

FORGET_KIND = "moderation.forget_said"
MOST_FORGOTTEN = 2000
"""In one transaction: who publishes meanwhile waits for it."""
_PACED = {DetectorKind.FLOODING, DetectorKind.NEWCOMERS}

log = telemetry.log("content.moderation")


async def check(session: Session, utterance: Utterance) -> Verdict:
    """Judge a text that is about to be written, and keep what was found. Raises Problem 403 when its author may not speak."""
    now = clock.now()
    kind = SubjectKind.COMMENT if utterance.kind == SubjectKind.COMMENT else SubjectKind.POST
    situation = await queries.get_situation(session, utterance, kind, now)
    _check_author(utterance, situation)
    detectors = await queries.load_detectors(session, situation.detectors)
    texts = {name: Read(words) for name, words in (("title", utterance.title), ("body", utterance.body)) if words}
    print_ = sketch(texts["body"].compact) if situation.compares and "body" in texts else None
    facts = await _facts(session, utterance, situation, detectors, print_, now)
    found = [(one, finding) for one in detectors if (finding := one.detection.find(texts, facts)) is not None]
    verdict = policy.verdict([(one.action, one.clause, finding.spans) for one, finding in found])
    cause = HoldCause.DETECTOR
    if verdict.act is not Act.BLOCK and situation.checker != NO_CHECKER and not utterance.caller.trusted:
        opinion = await _ask(session, utterance, kind, situation)
        stricter = policy.stricter(verdict, opinion, situation.checker_clause)
        cause = HoldCause.DETECTOR if stricter is verdict else HoldCause.CHECKER
        verdict = stricter
    for one, finding in found:
        _record(session, utterance, kind, one, finding, written=verdict.act is not Act.BLOCK, at=now)
    if verdict.act is Act.BLOCK:
        return verdict
    if verdict.act is Act.HOLD:
        await holds.place(session, utterance, kind, cause, verdict.clause.code if verdict.clause else None)
    await _remember(session, utterance, kind, print_, now)
    await log_publication(
        session,
        situation.profile,
        organization_id=utterance.organization_id,
        community_id=utterance.community_id,
        account_id=utterance.author_id,
        published_by=utterance.by,
        kind=kind,
        subject_id=utterance.id,
    )
    return verdict


def _check_author(utterance: Utterance, situation: Situation) -> None:
    """Raise Problem 403 when who speaks is muted or suspended, or the author may not publish. What the muted wrote others may put right."""
    if utterance.by is None:
        return
    sanction = situation.sanction
    if sanction is not None:
        own = sanction.account_id == utterance.by
        refusal = policy.sanction_refusal(sanction.kind, sanction.until, sanction.clause, own=own)
        more = {
            "clause": {"code": sanction.clause.code, "text": dict(sanction.clause.text)},
            "until": None if sanction.until is None else sanction.until.isoformat(),
        }
        raise Problem(403, refusal.code, refusal.detail, more=more)
    refuse(
        publishing_refusal(
            situation.profile, verified_phone=situation.verified_phone, trusted=utterance.caller.trusted
        ),
        403,
    )


async def _facts(
    session: Session,
    utterance: Utterance,
    situation: Situation,
    detectors: list[Compiled],
    print_: Sketch | None,
    now: datetime,
) -> Facts:
    kinds = {one.kind for one in detectors}
    said: list[datetime] = []
    if kinds & _PACED and not utterance.edited:
        said = await queries.list_said(session, utterance, now - LONGEST_WINDOW)
    alike = []
    if print_ is not None and DetectorKind.DUPLICATES in kinds:
        alike = await queries.list_alike(session, utterance, print_, LONGEST_WINDOW, now)
    return Facts(
        now=now,
        joined_at=situation.joined_at,
        tier=situation.tier,
        said=said,
        alike=alike,
        sketch=print_,
        edited=utterance.edited,
    )


async def _ask(session: Session, utterance: Utterance, kind: SubjectKind, situation: Situation) -> Opinion:
    """Return what the community's checker says; until it has, the text waits."""
    if situation.checker == CALLBACK:
        await external.request(session, utterance, kind)
        return Opinion.HELD
    texts: Mapping[str, str] = {
        name: words for name, words in (("title", utterance.title), ("body", utterance.body)) if words
    }
    try:
        return await asyncio.wait_for(CHECKERS[situation.checker](Submission(texts, utterance.media)), TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001  whatever is wrong with a checker, a moderator decides in its place
        log.warning("checker_failed", checker=situation.checker, error=type(error).__name__)
        return Opinion.HELD


def _record(
    session: Session,
    utterance: Utterance,
    kind: SubjectKind,
    detector: Compiled,
    finding: Finding,
    *,
    written: bool,
    at: datetime,
) -> None:
    spans = [
        {"field": name, "start": start, "end": end} for name, places in finding.spans.items() for start, end in places
    ]
    detection = Detection(
        id=new_id(),
        organization_id=utterance.organization_id,
        community_id=utterance.community_id,
        detector_id=detector.id,
        detector_version=detector.version,
        kind=detector.kind.value,
        action=detector.action.value,
        clause_code=detector.clause.code,
        author_id=utterance.author_id,
        subject_kind=kind.value,
        subject_id=utterance.id,
        written=written,
        spans=spans,
        figures=dict(finding.figures),
        similar_to=[str(one) for one in finding.similar_to],
        detected_at=at,
    )
    detections.record(session, detection)


async def _remember(
    session: Session, utterance: Utterance, kind: SubjectKind, print_: Sketch | None, now: datetime
) -> None:
    """Keep that something was said and what it is like; what is changed is like something else from now on."""
    # The work first and then what it is about, in the order in which the worker locks them.
    await due.schedule(session, utterance.organization_id, FORGET_KIND, "all", now + LONGEST_WINDOW, keep=True)
    kept = await session.execute(
        text("""
            INSERT INTO utterance (id, organization_id, community_id, author_id, subject_kind, subject_id, said_at, sketch)
            VALUES (:id, :organization_id, :community_id, :author_id, :kind, :subject_id, :now, :sketch)
            ON CONFLICT (subject_id) DO UPDATE SET sketch = EXCLUDED.sketch RETURNING id, said_at
        """),
        {
            "id": new_id(),
            "organization_id": utterance.organization_id,
            "community_id": utterance.community_id,
            "author_id": utterance.author_id,
            "kind": kind.value,
            "subject_id": utterance.id,
            "now": now,
            "sketch": None if print_ is None else print_.values,
        },
    )
    row = kept.one()
    if utterance.edited:
        await session.execute(text("DELETE FROM utterance_band WHERE utterance_id = :id"), {"id": row.id})
    if print_ is not None:
        await session.execute(
            text("""
                INSERT INTO utterance_band (utterance_id, organization_id, community_id, band, said_at)
                SELECT :id, :organization_id, :community_id, band, :said_at
                FROM unnest(CAST(:bands AS bigint[])) AS found(band) ON CONFLICT DO NOTHING
            """),
            {
                "id": row.id,
                "organization_id": utterance.organization_id,
                "community_id": utterance.community_id,
                "said_at": row.said_at,
                "bands": print_.bands,
            },
        )


_FORGET = text("""
DELETE FROM utterance WHERE id = ANY(ARRAY(
    SELECT id FROM utterance WHERE organization_id = :id AND said_at <= :until ORDER BY said_at LIMIT :most)) RETURNING id
""")


async def forget_said(session: Session, organization_id: object) -> datetime | None:
    """Forget a batch of the tenant's utterances of more than a month ago; return when the next are to be forgotten."""
    now = clock.now()
    gone = await session.execute(
        _FORGET, {"id": organization_id, "until": now - LONGEST_WINDOW, "most": MOST_FORGOTTEN}
    )
    if len(gone.all()) == MOST_FORGOTTEN:
        return now
    oldest: datetime | None = (
        await session.execute(
            text("SELECT min(said_at) FROM utterance WHERE organization_id = :id"), {"id": organization_id}
        )
    ).scalar_one()
    return None if oldest is None else max(oldest + LONGEST_WINDOW, now + timedelta(hours=1))
