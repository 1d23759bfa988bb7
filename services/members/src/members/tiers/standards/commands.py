"""Writing and adopting tier standards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.requests import check_version
from contracts.members import CommunityState, TierGrant, TierPrivilege, TierStandardAdopted
from members.communities import queries as communities
from members.tiers.standards import policy, queries
from members.tiers.standards.models import TierStandard
from members.tiers.standards.policy import StandardState
from members.tiers.standards.schemas import Tier, TierStandardCreate, TierStandardUpdate

EVALUATE = "tiers.evaluate"
"""The work of looking at everybody: a standard that is adopted asks for it."""
MOST_DRAFTS = 20


def _checked(tiers: Sequence[Tier]) -> list[dict[str, Any]]:
    """Return tiers as they are kept. Raises Problem 422 where they contradict themselves."""
    documents = [tier.model_dump(mode="json") for tier in tiers]
    faults = policy.faults(documents)
    if faults:
        raise Problem(422, "invalid", "The standard contradicts itself.", errors=faults[:50])
    return documents


async def _community(session: Session, community_id: UUID) -> None:
    """Lock the community, so that its standards are numbered one by one. Raises Problem 409 when archived."""
    community = await communities.get_for_update(session, community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")


async def create(session: Session, standing: Standing, body: TierStandardCreate) -> TierStandard:
    """Write a draft. Raises Problem 409, 422."""
    tiers = _checked(body.tiers)
    await _community(session, standing.community_id)
    if await queries.count_drafts(session, standing.community_id) >= MOST_DRAFTS:
        raise Problem(409, "too-many-drafts", f"There are {MOST_DRAFTS} drafts: change one of them.")
    standard = TierStandard(
        community_id=standing.community_id,
        number=await queries.last_number(session, standing.community_id) + 1,
        organization_id=standing.principal.organization_id,
        state=StandardState.DRAFT,
        tiers=tiers,
        grace_days=body.grace_days,
        created_by=standing.principal.account_id,
        created_at=clock.now(),
        version=1,
    )
    session.add(standard)
    await session.flush()
    return standard


async def _draft(session: Session, standing: Standing, number: int, expected: int) -> TierStandard:
    await _community(session, standing.community_id)
    standard = await queries.get_for_update(session, standing.community_id, number)
    check_version(expected, standard.version)
    if standard.state != StandardState.DRAFT:
        raise Problem(
            409, "standard-adopted", "It was adopted, and what was decided by it must stay readable: draft another."
        )
    return standard


async def update(
    session: Session, standing: Standing, number: int, expected: int, body: TierStandardUpdate
) -> TierStandard:
    """Change a draft. Raises Problem 404, 409, 412, 422."""
    standard = await _draft(session, standing, number, expected)
    if body.tiers is not None:
        standard.tiers = _checked(body.tiers)
    if body.grace_days is not None:
        standard.grace_days = body.grace_days
    standard.version += 1
    return standard


async def adopt(session: Session, standing: Standing, number: int, expected: int) -> TierStandard:
    """Put a draft in force in place of the standard before it, and have everybody looked at. Raises Problem 404, 409, 412."""
    # Before the standards: a worker that looks at everybody holds its work's row and then locks the standard in force.
    organization_id = standing.principal.organization_id
    await due.schedule(session, organization_id, EVALUATE, str(standing.community_id), clock.now())
    standard = await _draft(session, standing, number, expected)
    before = await queries.find_in_force(session, standing.community_id, lock=True)
    if before is not None:
        before.state = StandardState.SUPERSEDED
        before.version += 1
        # One is in force at any instant: the index sees the old one go first.
        await session.flush()
    standard.state = StandardState.ADOPTED
    standard.adopted_by = standing.principal.account_id
    standard.adopted_at = clock.now()
    standard.version += 1
    await session.flush()
    outbox.emit(
        session,
        TierStandardAdopted(
            community_id=standard.community_id,
            standard_version=standard.number,
            grace_days=standard.grace_days,
            tiers=[
                TierGrant(
                    code=tier["code"],
                    privileges=[TierPrivilege(code=one["code"], params=one["params"]) for one in tier["privileges"]],
                )
                for tier in standard.tiers
            ],
        ),
        organization_id=standard.organization_id,
        aggregate_id=standard.community_id,
        # Drafts may be adopted in any order: the numbers of standards do not rise, those of adoptions do.
        version=await queries.count_adoptions(session, standard.community_id),
        community_id=standard.community_id,
        actor=standing.principal.account_id,
    )
    return standard
