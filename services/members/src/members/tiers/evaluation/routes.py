"""Tiers over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

from chassis.app import router
from chassis.auth import Analyst, Manager, Member
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page
from members.tiers.evaluation import own, queries
from members.tiers.evaluation.policy import Outcome
from members.tiers.evaluation.schemas import (
    DryRunAsk,
    DryRunMember,
    DryRunOut,
    OwnTierOut,
    TierCountsOut,
    TierMemberOut,
)
from members.tiers.standards import queries as standards
from members.tiers.standards.routes import Number

routes = router("tiers")


@routes.get("/v1/communities/{community_id}/tiers")
async def count_tiers(session: TenantSession, analyst: Analyst) -> TierCountsOut:
    """Count the members of each tier."""
    return await queries.counts(session, analyst.community_id)


@routes.get("/v1/communities/{community_id}/tiers/me")
async def get_own_tier(session: TenantSession, member: Member, language: Language) -> OwnTierOut:
    """Read one's own tier: what it gives, what is missing for the next, and what would lose it."""
    return await own.own_tier(session, member, language)


@routes.get("/v1/communities/{community_id}/tiers/members")
async def list_tier_members(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    tier: Annotated[str, Query(max_length=60, description="the tier's code")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[TierMemberOut]:
    """List the members of a tier."""
    return await queries.list_members(
        session, analyst, runtime_of(request).cursors, tier=tier, limit=limit, cursor=cursor
    )


@routes.post("/v1/communities/{community_id}/tier-standards/{number}/dry-runs")
async def dry_run_tier_standard(
    session: TenantSession, manager: Manager, number: Number, language: Language, body: DryRunAsk | None = None
) -> DryRunOut:
    """See who would come in, rise, fall or stay if this standard came into force now, and why. Nothing changes."""
    standard = await standards.get(session, manager.community_id, number)
    return await queries.dry_run(session, standard, sample=(body or DryRunAsk()).sample, language=language)


@routes.get("/v1/communities/{community_id}/tier-standards/{number}/dry-runs/members")
async def list_dry_run_members(  # noqa: PLR0917  FastAPI passes them by name
    request: Request,
    session: TenantSession,
    manager: Manager,
    number: Number,
    language: Language,
    outcome: Annotated[Outcome, Query(description="what would become of them")],
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[DryRunMember]:
    """List everybody to whom this standard would do so if it came into force now."""
    standard = await standards.get(session, manager.community_id, number)
    return await queries.list_dry_run(
        session,
        manager,
        standard,
        runtime_of(request).cursors,
        outcome=outcome,
        language=language,
        limit=limit,
        cursor=cursor,
    )
