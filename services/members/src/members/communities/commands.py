"""Changing communities."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from contracts.members import CommunityCreated, CommunityEvent, CommunityState, CommunityUpdated
from members.communities import policy, queries
from members.communities.models import Community
from members.communities.readiness import queries as readiness
from members.communities.schemas import CommunityCreate, CommunityUpdate


def _emit(session: Session, community: Community, event: type[CommunityEvent], actor: UUID) -> None:
    outbox.emit(
        session,
        event(
            community_id=community.id, slug=community.slug, zone=community.zone, state=CommunityState(community.state)
        ),
        organization_id=community.organization_id,
        aggregate_id=community.id,
        version=community.version,
        community_id=community.id,
        actor=actor,
    )


async def _claim_slug(session: Session) -> None:
    """Write what is pending. Raises Problem 409 when the slug is another community's."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "community_slug" in str(error.orig):
            raise Problem(409, "slug-taken", "Another community of the organization has this slug.") from error
        raise


async def create(session: Session, principal: Principal, body: CommunityCreate) -> Community:
    """Make a community, as a draft. Raises Problem 409 when its slug is taken."""
    community = Community(
        id=new_id(),
        organization_id=principal.organization_id,
        slug=body.slug,
        name=body.name,
        description=body.description,
        zone=body.zone,
        state=CommunityState.DRAFT,
        created_by=principal.account_id,
        created_at=clock.now(),
        version=1,
    )
    session.add(community)
    await _claim_slug(session)
    _emit(session, community, CommunityCreated, principal.account_id)
    return community


async def update(session: Session, standing: Standing, expected: int, body: CommunityUpdate) -> Community:
    """Change a community's settings. Raises Problem 404, 409, 412."""
    community = await queries.get_for_update(session, standing.community_id)
    check_version(expected, community.version)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    changes = body.model_dump(exclude_none=True)
    for name, value in changes.items():
        setattr(community, name, value)
    community.version += 1
    await _claim_slug(session)
    _emit(session, community, CommunityUpdated, standing.principal.account_id)
    return community


async def move(session: Session, standing: Standing, expected: int, transition: str) -> Community:
    """Open, pause or archive a community. Raises Problem 404, 409, 412."""
    community = await queries.get_for_update(session, standing.community_id)
    check_version(expected, community.version)
    state = policy.next_state(transition, CommunityState(community.state))
    if state is None:
        raise Problem(409, "transition-refused", f"A community that is {community.state} cannot {transition}.")
    if state is CommunityState.OPEN and community.state == CommunityState.DRAFT:
        missing = await readiness.list_missing(session, community.id)
        if missing:
            raise Problem(
                409,
                "not-ready",
                f"Before the community opens, {len(missing)} things are missing; GET …/readiness names the routes that mend them.",
                errors=[Fault(one.path, one.code, one.detail) for one in missing],
            )
    community.state = state
    community.version += 1
    _emit(session, community, CommunityUpdated, standing.principal.account_id)
    return community
