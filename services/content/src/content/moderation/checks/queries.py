"""What the check needs to know, in few statements: each of them is part of every publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db import Session
from content.moderation.checks.compiled import COMPILED, Compiled
from content.moderation.checks.policy import speakers
from content.moderation.compliance.policy import NO_CHECKER, Profile
from content.moderation.detection.sketches import Sketch
from content.moderation.detectors.policy import Like
from content.posts.policy import Clause, Utterance
from contracts.content import SubjectKind
from contracts.members import SanctionKind

MOST_SAID = 10_001
"""So many publications of one author are counted; no rate allows more."""
MOST_ALIKE_PER_BAND = 50


@dataclass(frozen=True, slots=True)
class Sanction:
    """What keeps an account from speaking."""

    account_id: UUID
    kind: SanctionKind
    until: datetime | None
    clause: Clause


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a community and an author before a text is read."""

    profile: Profile
    checker: str
    checker_clause: Clause | None
    detectors: Sequence[tuple[UUID, int]]
    compares: bool
    tier: str | None
    joined_at: datetime | None
    verified_phone: bool
    sanction: Sanction | None


_SITUATION = text("""
SELECT json_build_object(
    'policy', (SELECT row_to_json(moderation_policy) FROM moderation_policy WHERE community_id = :community_id),
    'detectors', (
        SELECT json_agg(json_build_array(id, version) ORDER BY id) FROM detector
        WHERE community_id = :community_id AND retired_at IS NULL AND enabled AND :subject = ANY(subjects)
            AND (staff OR NOT :trusted)),
    'compares', EXISTS (
        SELECT FROM detector WHERE community_id = :community_id AND retired_at IS NULL AND enabled AND kind = 'duplicates'),
    'tier', (SELECT tier FROM member_tier WHERE community_id = :community_id AND account_id = :author_id),
    'joined_at', (SELECT joined_at FROM standing_member WHERE community_id = :community_id AND account_id = :author_id),
    'verified_phone', EXISTS (SELECT FROM verified_phone WHERE account_id = :author_id),
    'sanction', (
        SELECT json_build_object('account_id', account_id, 'kind', kind, 'until', until, 'code', clause_code, 'text', clause_text) FROM sanction
        WHERE community_id = :community_id AND account_id = ANY(CAST(:speakers AS uuid[])) AND NOT ended AND from_at <= :now
            AND (until IS NULL OR until > :now)
        ORDER BY kind DESC, until DESC NULLS FIRST LIMIT 1))::text
""")


async def get_situation(session: Session, utterance: Utterance, kind: SubjectKind, now: datetime) -> Situation:
    """Return what the check needs to know before it reads the text."""
    found = await session.execute(
        _SITUATION,
        {
            "community_id": utterance.community_id,
            "author_id": utterance.author_id,
            "speakers": list(speakers(utterance)),
            "subject": kind.value,
            "trusted": utterance.caller.trusted,
            "now": now,
        },
    )
    row = orjson.loads(found.scalar_one())
    policy: dict[str, Any] = row["policy"] or {"profile": Profile.NONE, "checker": NO_CHECKER}
    code = policy.get("checker_clause_code")
    sanction = row["sanction"]
    return Situation(
        profile=Profile(policy["profile"]),
        checker=policy["checker"],
        checker_clause=Clause(code, policy["checker_clause_text"]) if code else None,
        detectors=[(UUID(identifier), version) for identifier, version in row["detectors"] or ()],
        compares=row["compares"],
        tier=row["tier"],
        joined_at=_time(row["joined_at"]),
        verified_phone=row["verified_phone"],
        sanction=sanction
        and Sanction(
            UUID(sanction["account_id"]),
            SanctionKind(sanction["kind"]),
            _time(sanction["until"]),
            Clause(sanction["code"], sanction["text"]),
        ),
    )


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


async def load_detectors(session: Session, wanted: Sequence[tuple[UUID, int]]) -> list[Compiled]:
    """Return detectors ready to look, those that this process has not met yet read from the database."""
    missing = [identifier for identifier, version in wanted if COMPILED.find(identifier, version) is None]
    if missing:
        rows = await session.execute(
            text("""
                SELECT id, version, kind, action, clause_code, clause_text, settings::text AS settings
                FROM detector WHERE id = ANY(:ids)
            """),
            {"ids": missing},
        )
        for row in rows:
            COMPILED.keep(row)
    # A detector that was changed between the two statements is looked at as it is now.
    found = [COMPILED.find(identifier, version) or COMPILED.newest(identifier) for identifier, version in wanted]
    return [one for one in found if one is not None]


async def list_said(session: Session, utterance: Utterance, since: datetime) -> list[datetime]:
    """Return when an author said something in the community, newest first; nobody else counts for them meanwhile."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:place AS text), 0))"),
        {"place": f"said:{utterance.community_id}:{utterance.author_id}"},
    )
    rows = await session.execute(
        text("""
            SELECT said_at FROM utterance
            WHERE community_id = :community_id AND author_id = :author_id AND said_at > :since AND subject_id <> :id
            ORDER BY said_at DESC LIMIT :most
        """),
        {
            "community_id": utterance.community_id,
            "author_id": utterance.author_id,
            "since": since,
            "id": utterance.id,
            "most": MOST_SAID,
        },
    )
    return list(rows.scalars())


_ALIKE = text("""
SELECT DISTINCT utterance.id, author_id, subject_id, utterance.said_at, sketch
FROM unnest(CAST(:bands AS bigint[])) AS wanted(band)
CROSS JOIN LATERAL (
    SELECT utterance_id FROM utterance_band
    WHERE community_id = :community_id AND utterance_band.band = wanted.band AND said_at > :since
    ORDER BY said_at DESC LIMIT :most) AS near
JOIN utterance ON utterance.id = near.utterance_id
WHERE author_id <> :author_id AND sketch IS NOT NULL
""")


async def list_alike(
    session: Session, utterance: Utterance, sketch: Sketch, longest: timedelta, now: datetime
) -> list[Like]:
    """Return what others said that shares a band with the sketch, the newest of each band."""
    rows = await session.execute(
        _ALIKE,
        {
            "bands": sketch.bands,
            "community_id": utterance.community_id,
            "author_id": utterance.author_id,
            "since": now - longest,
            "most": MOST_ALIKE_PER_BAND,
        },
    )
    return [Like(row.author_id, row.subject_id, row.said_at, list(row.sketch)) for row in rows]
