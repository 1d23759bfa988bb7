"""Reading segments, and trying filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem, not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.memberships.schemas import MemberCard
from members.segments import policy
from members.segments.currency import queries as currency
from members.segments.filters import queries as asking
from members.segments.filters.compiler import BELONGS, Compiled, compile_filters
from members.segments.filters.evaluation import Moment
from members.segments.filters.policy import Malformed, Node, check_references, dependents, references
from members.segments.filters.reading import Understood, read
from members.segments.models import Segment
from members.segments.policy import Estimate
from members.segments.schemas import BrokenBy, PreviewOut, SegmentMember, SegmentOut, SegmentState

SAMPLE = 20


async def get(session: Session, community_id: UUID, segment_id: UUID, *, lock: bool = False) -> Segment:
    """Return a segment, on demand with its row locked. Raises Problem 404."""
    query = select(Segment).where(
        col(Segment.id) == segment_id, col(Segment.community_id) == community_id, col(Segment.deleted_at).is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = await session.execute(query)
    segment = found.scalar_one_or_none()
    if segment is None:
        raise not_found("segment")
    return segment


async def out(session: Session, segment: Segment, standing: Standing) -> SegmentOut:
    """Return a segment as this caller sees it."""
    understood = await currency.understood(session, standing.community_id)
    return _out(segment, standing, understood.faults.get(segment.id))


def _out(segment: Segment, standing: Standing, fault: Fault | None) -> SegmentOut:
    can = policy.allowed(manages=standing.has(), archived=standing.community_state is CommunityState.ARCHIVED)
    current = fault is None and segment.current_version == segment.filter_version
    state = SegmentState.BROKEN if fault else SegmentState.CURRENT if current else SegmentState.PENDING
    broken = BrokenBy(pointer=fault.pointer, code=fault.code, detail=fault.detail) if fault else None
    return SegmentOut.model_validate(
        {**segment.model_dump(), "state": state, "broken": broken, "current": current, "can": can}
    )


async def list_page(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[SegmentOut]:
    """Return the community's segments, oldest first."""
    scope = f"segments:{standing.principal.organization_id}:{standing.community_id}"
    after = cursors.decode(scope, cursor)
    query = (
        select(Segment)
        .where(col(Segment.community_id) == standing.community_id, col(Segment.deleted_at).is_(None))
        .order_by(col(Segment.id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(Segment.id) > UUID(after[0]))
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    faults = (await currency.understood(session, standing.community_id)).faults
    return Page[SegmentOut](
        data=[_out(row, standing, faults.get(row.id)) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )


async def list_members(
    session: Session, standing: Standing, cursors: Cursors, segment_id: UUID, *, limit: int, cursor: str | None
) -> Page[SegmentMember]:
    """Return who is in a segment, oldest account first. Raises Problem 404."""
    await get(session, standing.community_id, segment_id)
    scope = f"segment-members:{standing.principal.organization_id}:{segment_id}"
    after = cursors.decode(scope, cursor)
    rows = await session.execute(
        text("""
            SELECT member.account_id, member.entered_at, account.display_name, account.avatar_url
            FROM segment_member AS member JOIN account ON account.id = member.account_id
            WHERE member.segment_id = :segment_id AND (CAST(:after AS uuid) IS NULL OR member.account_id > :after)
            ORDER BY member.account_id LIMIT :limit
        """),
        {"segment_id": segment_id, "after": UUID(after[0]) if after else None, "limit": limit + 1},
    )
    found = rows.all()
    page = found[:limit]
    return Page[SegmentMember](
        data=[
            SegmentMember(
                account_id=row.account_id,
                entered_at=row.entered_at,
                member=MemberCard(id=row.account_id, display_name=row.display_name, avatar_url=row.avatar_url),
            )
            for row in page
        ],
        next_cursor=cursors.following(scope, found, limit, lambda row: row.account_id),
    )


def _unacceptable(malformed: Malformed) -> Problem:
    return Problem(422, "invalid", "The filter cannot be meant.", errors=malformed.faults)


def _check_sound(node: Node, known: Understood, own: UUID | None) -> None:
    for reference in references(node):
        if reference.segment_id in known.faults and reference.segment_id != own:
            raise Malformed(Fault(reference.at, "segment-broken", "This segment cannot be asked: mend it first."))


async def understand(
    session: Session, community_id: UUID, document: dict[str, Any], own: UUID | None = None
) -> tuple[Node, Understood]:
    """Return a filter and those of the community's segments. Raises Problem 422 for one that cannot be meant."""
    try:
        node = read(document)
        known = await currency.understood(session, community_id)
        _check_sound(node, known, own)
        check_references(node, known.readable, own)
        if own is not None:
            # Whoever mentions this segment grows with it.
            whole = {**known.readable, own: node}
            for other in dependents(own, known.readable) & known.sound.keys():
                check_references(known.readable[other], whole, other)
    except Malformed as malformed:
        raise _unacceptable(malformed) from malformed
    return node, known


async def preview(session: Session, standing: Standing, document: dict[str, Any], *, exact: bool) -> PreviewOut:
    """Return how many members a filter means, and some of them. Raises Problem 422."""
    node, known = await understand(session, standing.community_id, document)
    moment = Moment(clock.now(), standing.zone)
    steps = () if exact else await _steps(session, standing.community_id)
    for looked_at in steps:
        compiled = compile_filters([node], known.sound, moment, standing.community_id, each=True)
        estimate, some = await _look(session, compiled, looked_at)
        if estimate is not None:
            break
    else:
        compiled = compile_filters([node], known.sound, moment, standing.community_id)
        count, some = await asking.count_and_some(session, compiled, SAMPLE)
        estimate, looked_at = policy.counted(count), None
    cards = await _cards(session, some)
    return PreviewOut(
        count=estimate.count,
        exact=estimate.exact,
        margin=estimate.margin,
        low=estimate.low,
        high=estimate.high,
        looked_at=looked_at,
        sample=cards,
    )


async def _steps(session: Session, community_id: UUID) -> Sequence[int]:
    """Return how many members to look at, fewest first; none when the community is small enough to be counted whole."""
    found = await session.execute(
        text(f"""
            SELECT uuid_hash_extended(account_id, 0) FROM membership WHERE {BELONGS}
            ORDER BY uuid_hash_extended(account_id, 0) OFFSET :others LIMIT 1
        """),
        {"community_id": community_id, "others": policy.STEPS[0] - 1},
    )
    last_hash = found.scalar_one_or_none()
    if last_hash is None or policy.population(policy.STEPS[0], last_hash) <= policy.COUNTED_WHOLE:
        return ()
    return policy.STEPS


async def _look(session: Session, compiled: Compiled, looked_at: int) -> tuple[Estimate | None, Sequence[UUID]]:
    """Ask of so many members in random order."""
    found = await session.execute(
        text(f"""
            WITH looked_at AS MATERIALIZED (
                SELECT *, uuid_hash_extended(account_id, 0) AS hash FROM membership WHERE {BELONGS}
                ORDER BY uuid_hash_extended(account_id, 0) LIMIT :looked_at
            ), matching AS MATERIALIZED (
                SELECT membership.account_id {compiled.source("looked_at")} WHERE {compiled.where()}
            )
            SELECT (SELECT count(*) FROM looked_at) AS looked_at, (SELECT max(hash) FROM looked_at) AS last_hash,
                (SELECT count(*) FROM matching) AS matching, ARRAY(SELECT account_id FROM matching LIMIT :sample) AS some
        """),
        {**compiled.parameters, "looked_at": looked_at, "sample": SAMPLE},
    )
    row = found.one()
    if row.looked_at < looked_at:
        return policy.counted(row.matching), row.some
    return policy.estimate(row.looked_at, row.matching, row.last_hash), row.some


async def _cards(session: Session, accounts: Sequence[UUID]) -> list[MemberCard]:
    rows = await session.execute(
        text("SELECT id, display_name, avatar_url FROM account WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id"),
        {"ids": list(accounts)},
    )
    return [MemberCard(id=row.id, display_name=row.display_name, avatar_url=row.avatar_url) for row in rows]
