"""Keeping segments current: who is to be looked at again, and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.db import Session
from contracts.members import SegmentEntered, SegmentLeft
from members.segments.currency import policy, queries
from members.segments.currency.queries import Saved
from members.segments.filters import queries as asking
from members.segments.filters.compiler import compile_filters

REFRESH = "segments.refresh"
RECOMPUTE = "segments.recompute"
DAILY = "segments.daily"
BATCH = 2_000
CHUNK = 20_000


async def touch(session: Session, organization_id: UUID, people: Collection[tuple[UUID, UUID]]) -> None:
    """Have (community, account) pairs looked at again, together with whoever else is touched in the same two seconds."""
    if not people:
        return
    pairs = sorted(people)
    await session.execute(
        text("""
            INSERT INTO segment_dirty (organization_id, community_id, account_id)
            SELECT :organization_id, community_id, account_id
            FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[])) AS touched(community_id, account_id)
        """),
        {
            "organization_id": organization_id,
            "communities": [community for community, _ in pairs],
            "accounts": [account for _, account in pairs],
        },
    )
    name, ends = policy.beat(clock.now())
    for community in sorted({community for community, _ in pairs}):
        payload = {"community_id": str(community)}
        await due.schedule(session, organization_id, REFRESH, f"{community}/{name}", ends, payload, keep=True)


async def recompute_soon(session: Session, organization_id: UUID, segments: Collection[UUID]) -> None:
    """Have whole segments worked out anew."""
    now = clock.now()
    wanted = [(str(segment), now) for segment in segments]
    await due.schedule_many(session, organization_id, RECOMPUTE, wanted, keep=False)


_TAKE = text("""
DELETE FROM segment_dirty WHERE id IN (
    SELECT id FROM segment_dirty WHERE community_id = :community_id ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED)
RETURNING account_id
""")

_DIFFERENCE = """
WITH wanted AS MATERIALIZED (
    SELECT (CAST(:segments AS uuid[]))[1 + place] AS segment_id, account_id FROM ({standings}) AS standings
), gone AS (
    DELETE FROM segment_member AS member
    WHERE member.community_id = :community_id AND member.account_id = ANY(CAST(:touched AS uuid[]))
        AND member.segment_id = ANY(CAST(:segments AS uuid[]))
        AND NOT EXISTS (SELECT FROM wanted WHERE wanted.segment_id = member.segment_id AND wanted.account_id = member.account_id)
    RETURNING segment_id, account_id
), come AS (
    INSERT INTO segment_member (organization_id, community_id, segment_id, account_id, entered_at)
    SELECT :organization_id, :community_id, segment_id, account_id, :now FROM wanted
    ON CONFLICT DO NOTHING RETURNING segment_id, account_id
)
SELECT segment_id, account_id, false AS entered FROM gone
UNION ALL SELECT segment_id, account_id, true FROM come
"""


async def refresh(session: Session, organization_id: UUID, community_id: UUID) -> bool:
    """Look at touched members again, in all segments at once; return whether more wait."""
    taken = await session.execute(_TAKE, {"community_id": community_id, "batch": BATCH})
    rows = taken.scalars().all()
    touched = sorted(set(rows))
    if not touched:
        return False
    known = await queries.filters(session, community_id)
    saved = await queries.lock(session, community_id, known)
    if saved:
        # Read again under the locks: a filter may have changed while we waited.
        known = await queries.filters(session, community_id)
        saved = [Saved(one.id, known[one.id], one.filter_version, one.crossings) for one in saved if one.id in known]
    if saved:
        moment = await queries.moment(session, community_id)
        compiled = compile_filters([one.node for one in saved], known, moment, community_id, each=True)
        found = await session.execute(
            text(_DIFFERENCE.format(standings=asking.standings_of(compiled))),
            {
                **compiled.parameters,
                "touched": touched,
                "segments": [one.id for one in saved],
                "organization_id": organization_id,
                "now": moment.now,
            },
        )
        await _tell(session, organization_id, community_id, saved, found.all())
    return len(rows) == BATCH


_WHOLE = """
WITH wanted AS MATERIALIZED ({selection}), come AS (
    INSERT INTO segment_member (organization_id, community_id, segment_id, account_id, entered_at)
    SELECT :organization_id, :community_id, :segment_id, account_id, :now FROM (
        SELECT account_id FROM wanted
        EXCEPT SELECT account_id FROM segment_member WHERE segment_id = :segment_id
        LIMIT :chunk) AS fresh
    ON CONFLICT DO NOTHING RETURNING account_id
), gone AS (
    DELETE FROM segment_member AS member USING (
        SELECT account_id FROM segment_member WHERE segment_id = :segment_id
        EXCEPT SELECT account_id FROM wanted
        LIMIT :chunk) AS stale
    WHERE member.segment_id = :segment_id AND member.account_id = stale.account_id
    RETURNING member.account_id
)
SELECT CAST(:segment_id AS uuid) AS segment_id, account_id, false AS entered FROM gone
UNION ALL SELECT CAST(:segment_id AS uuid), account_id, true FROM come
"""


async def recompute(session: Session, organization_id: UUID, segment_id: UUID) -> bool:
    """Work out a whole segment, some thousand crossings at a time; return whether more are left."""
    community_id = await queries.community_of(session, segment_id)
    if community_id is None:
        return False
    known = await queries.filters(session, community_id)
    saved = await queries.lock(session, community_id, known, segment_id)
    known = await queries.filters(session, community_id)
    if not saved or segment_id not in known:
        return False
    moment = await queries.moment(session, community_id)
    compiled = compile_filters([known[segment_id]], known, moment, community_id)
    parameters: dict[str, Any] = {
        **compiled.parameters,
        "segment_id": segment_id,
        "organization_id": organization_id,
        "now": moment.now,
        "chunk": CHUNK,
    }
    await asking.over_all(session, compiled)
    statement = _WHOLE.format(selection=asking.selection(compiled, "membership.account_id"))
    rows = (await session.execute(text(statement), parameters)).all()
    await _tell(session, organization_id, community_id, saved, rows)
    came = sum(row.entered for row in rows)
    if CHUNK in (came, len(rows) - came):
        return True
    await session.execute(
        text("UPDATE segment SET current_version = filter_version, current_at = :now WHERE id = :id"),
        {"id": segment_id, "now": moment.now},
    )
    return False


_MOVE = text("""
UPDATE segment SET crossings = crossings + 1, members = members + change
FROM unnest(CAST(:segments AS uuid[]), CAST(:changes AS bigint[])) AS moved(segment_id, change)
WHERE segment.id = moved.segment_id
""")


async def _tell(
    session: Session, organization_id: UUID, community_id: UUID, saved: Sequence[Saved], rows: Sequence[Any]
) -> None:
    """Tell of crossings. The segments' rows are locked, so that their counter gives each member's crossings rising versions."""
    if not rows:
        return
    versions = {one.id: one.crossings + 1 for one in saved}
    changes: Counter[UUID] = Counter()
    for row in rows:
        changes[row.segment_id] += 1 if row.entered else -1
        event = SegmentEntered if row.entered else SegmentLeft
        outbox.emit(
            session,
            event(segment_id=row.segment_id, community_id=community_id, account_id=row.account_id),
            organization_id=organization_id,
            aggregate_id=policy.crossing_id(row.segment_id, row.account_id),
            version=versions[row.segment_id],
            community_id=community_id,
        )
    await session.execute(_MOVE, {"segments": list(changes), "changes": list(changes.values())})
