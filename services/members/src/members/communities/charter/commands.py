"""Writing charters."""

from __future__ import annotations

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.requests import check_version
from contracts.members import CharterChanged, CommunityState
from members.communities import queries as communities
from members.communities.charter import policy, queries
from members.communities.charter.models import CharterRevision
from members.communities.charter.schemas import CharterWrite


async def write(session: Session, standing: Standing, expected: int, body: CharterWrite) -> CharterRevision:
    """Write pieces of the charter as a new version; what it said before stays readable. Raises Problem 404, 409, 412."""
    community = await communities.get_for_update(session, standing.community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    before = await queries.find_current(session, standing.community_id)
    check_version(expected, before.version if before else 0)
    content = policy.merged(before.content if before else {}, body.model_dump(exclude_none=True))
    if before is not None and content == before.content:
        return before
    revision = CharterRevision(
        community_id=community.id,
        version=(before.version if before else 0) + 1,
        organization_id=community.organization_id,
        content=content,
        changed_by=standing.principal.account_id,
        changed_at=clock.now(),
    )
    session.add(revision)
    outbox.emit(
        session,
        CharterChanged(community_id=community.id, complete=not policy.missing(content)),
        organization_id=community.organization_id,
        aggregate_id=community.id,
        version=revision.version,
        community_id=community.id,
        actor=standing.principal.account_id,
    )
    return revision
