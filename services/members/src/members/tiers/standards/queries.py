"""Reading tier standards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.communities.readiness.policy import Missing
from members.tiers.standards import policy
from members.tiers.standards.models import TierStandard
from members.tiers.standards.policy import Standard, StandardState
from members.tiers.standards.schemas import TierStandardOut


async def find_in_force(session: Session, community_id: UUID, *, lock: bool = False) -> TierStandard | None:
    """Return the standard in force, None before the first is adopted. Whoever moves members by it locks it."""
    query = select(TierStandard).where(
        col(TierStandard.community_id) == community_id, col(TierStandard.state) == StandardState.ADOPTED
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = await session.execute(query)
    return found.scalar_one_or_none()


async def get(session: Session, community_id: UUID, number: int) -> TierStandard:
    """Return a standard. Raises Problem 404."""
    standard = await session.get(TierStandard, (community_id, number))
    if standard is None:
        raise not_found("tier standard")
    return standard


async def get_for_update(session: Session, community_id: UUID, number: int) -> TierStandard:
    """Return a standard with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(TierStandard)
        .where(col(TierStandard.community_id) == community_id, col(TierStandard.number) == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    standard = found.scalar_one_or_none()
    if standard is None:
        raise not_found("tier standard")
    return standard


async def count_drafts(session: Session, community_id: UUID) -> int:
    """Return how many drafts a community has."""
    found = await session.execute(
        select(func.count())
        .select_from(TierStandard)
        .where(col(TierStandard.community_id) == community_id, col(TierStandard.state) == StandardState.DRAFT)
    )
    return found.scalar_one()


async def count_adoptions(session: Session, community_id: UUID) -> int:
    """Return how often a community has adopted a standard."""
    found = await session.execute(
        select(func.count())
        .select_from(TierStandard)
        .where(col(TierStandard.community_id) == community_id, col(TierStandard.state) != StandardState.DRAFT)
    )
    return found.scalar_one()


async def last_number(session: Session, community_id: UUID) -> int:
    """Return the number of the newest standard, 0 before the first."""
    found = await session.execute(
        select(func.coalesce(func.max(col(TierStandard.number)), 0)).where(
            col(TierStandard.community_id) == community_id
        )
    )
    return int(found.scalar_one())


def read(standard: TierStandard) -> Standard:
    """Return what a standard asks."""
    return policy.read(standard.number, standard.grace_days, standard.tiers)


def out(standing: Standing, standard: TierStandard) -> TierStandardOut:
    """Return a standard as this caller sees it."""
    state = StandardState(standard.state)
    can = []
    if standing.has() and standing.community_state is not CommunityState.ARCHIVED:
        can = ["edit", "dry_run", "adopt"] if state is StandardState.DRAFT else ["dry_run"]
    tiers: list[dict[str, Any]] = [
        {
            "code": document["code"],
            "name": document["name"],
            "privileges": document["privileges"],
            "entry": policy.write_rule(tier.entry) if place else None,
            "keep": policy.write_rule(tier.keep) if place else None,
            "keep_by_default": bool(place) and not document.get("keep"),
        }
        for place, (document, tier) in enumerate(zip(standard.tiers, read(standard).tiers, strict=True))
    ]
    return TierStandardOut.model_validate({**standard.model_dump(), "tiers": tiers, "can": can})


async def list_page(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[TierStandardOut]:
    """Return a community's standards, newest first; drafts only to managers."""
    scope = f"tier-standards:{standing.principal.organization_id}:{standing.community_id}:{standing.has()}"
    after = cursors.decode(scope, cursor)
    query = (
        select(TierStandard)
        .where(col(TierStandard.community_id) == standing.community_id)
        .order_by(col(TierStandard.number).desc())
        .limit(limit + 1)
    )
    if not standing.has():
        query = query.where(col(TierStandard.state) != StandardState.DRAFT)
    if after is not None:
        query = query.where(col(TierStandard.number) < after[0])
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    return Page[TierStandardOut](
        data=[out(standing, row) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.number),
    )


async def missing(session: Session, community_id: UUID) -> list[Missing]:
    """Return what is missing as long as no tier standard is in force."""
    if await find_in_force(session, community_id):
        return []
    path = f"/v1/communities/{community_id}/tier-standards"
    found = await session.execute(
        select(func.max(col(TierStandard.number))).where(
            col(TierStandard.community_id) == community_id, col(TierStandard.state) == StandardState.DRAFT
        )
    )
    draft = found.scalar_one()
    if draft is not None:
        return [Missing("tier-standard", "The tier standard is a draft: adopt it.", "POST", f"{path}/{draft}/adopt")]
    words = (
        "There is no tier standard: who enters which tier, who stays, and what each gives? Draft one, then adopt it."
    )
    return [Missing("tier-standard", words, "POST", path)]
