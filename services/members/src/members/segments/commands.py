"""Making, changing and deleting segments."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import CommunityState, SegmentChanged
from members.segments import policy, queries
from members.segments.currency import commands as currency
from members.segments.currency import policy as times
from members.segments.currency import queries as currently
from members.segments.filters.policy import dependents, references
from members.segments.models import Segment
from members.segments.schemas import SegmentCreate, SegmentUpdate


async def _alone(session: Session, standing: Standing) -> None:
    """Let one change of a community's segments happen at a time: two at once could make a circle. Raises Problem 409 when archived."""
    if standing.community_state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('segments:' || CAST(:id AS text), 0))"),
        {"id": str(standing.community_id)},
    )


def _emit(session: Session, segment: Segment, actor: UUID) -> None:
    outbox.emit(
        session,
        SegmentChanged(
            segment_id=segment.id, community_id=segment.community_id, deleted=segment.deleted_at is not None
        ),
        organization_id=segment.organization_id,
        aggregate_id=segment.id,
        version=segment.version,
        community_id=segment.community_id,
        actor=actor,
    )


async def create(session: Session, standing: Standing, body: SegmentCreate) -> Segment:
    """Save a filter. Its members are worked out at once in the background. Raises Problem 409, 422."""
    await _alone(session, standing)
    _, known = await queries.understand(session, standing.community_id, body.filter)
    if len(known.readable) + len(known.faults.keys() - known.readable.keys()) >= policy.MOST_SEGMENTS:
        raise Problem(409, "too-many-segments", f"A community has at most {policy.MOST_SEGMENTS} segments.")
    now = clock.now()
    segment = Segment(
        id=new_id(),
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        name=body.name,
        filter=body.filter,
        filter_version=1,
        created_by=standing.principal.account_id,
        created_at=now,
        version=1,
    )
    session.add(segment)
    await session.flush()
    organization, community = segment.organization_id, segment.community_id
    await currency.recompute_soon(session, organization, [segment.id])
    night = times.next_night(now, standing.zone)
    await due.schedule(session, organization, currency.DAILY, str(community), night, keep=True)
    _emit(session, segment, standing.principal.account_id)
    return segment


async def update(session: Session, standing: Standing, segment_id: UUID, expected: int, body: SegmentUpdate) -> Segment:
    """Name a segment anew, or give it another filter; then it and all that mention it are worked out anew. Raises Problem 404, 409, 412, 422."""
    await _alone(session, standing)
    segment = await queries.get(session, standing.community_id, segment_id)
    check_version(expected, segment.version)
    fresh = body.filter if body.filter != segment.filter else None
    if fresh is not None:
        _, known = await queries.understand(session, standing.community_id, fresh, segment.id)
        # Before the segment: a worker that works it out holds its work's row and then locks segments.
        above = dependents(segment.id, known.readable)
        await currency.recompute_soon(session, segment.organization_id, {segment.id, *above})
    segment = await queries.get(session, standing.community_id, segment_id, lock=True)
    if body.name is not None:
        segment.name = body.name
    if fresh is not None:
        segment.filter = fresh
        segment.filter_version += 1
    segment.version += 1
    _emit(session, segment, standing.principal.account_id)
    return segment


async def delete(session: Session, standing: Standing, segment_id: UUID, expected: int) -> None:
    """Delete a segment; a tombstone stays. Raises Problem 404, 409 while another segment mentions it, 412."""
    await _alone(session, standing)
    # Before the segment: a worker that works it out holds its work's row and then locks segments.
    await due.cancel(session, standing.principal.organization_id, currency.RECOMPUTE, str(segment_id))
    segment = await queries.get(session, standing.community_id, segment_id, lock=True)
    check_version(expected, segment.version)
    users = sorted(
        other
        for other, node in (await currently.understood(session, standing.community_id)).readable.items()
        if any(one.segment_id == segment.id for one in references(node))
    )
    if users:
        path = f"/v1/communities/{standing.community_id}/segments"
        faults = [Fault(f"{path}/{user}", "segment-mentioned", "This segment mentions it.") for user in users]
        raise Problem(409, "segment-in-use", "Other segments mention it.", errors=faults)
    segment.deleted_at = clock.now()
    segment.members = 0
    segment.version += 1
    await session.flush()
    await session.execute(text("DELETE FROM segment_member WHERE segment_id = :id"), {"id": segment.id})
    _emit(session, segment, standing.principal.account_id)
