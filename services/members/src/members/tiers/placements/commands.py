"""Placing members by hand, and giving them back to the standard."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.requests import check_version
from contracts.members import MembershipState, TierChanged, TierStandingChanged
from members.memberships import queries as memberships
from members.memberships.models import Membership
from members.segments.currency import commands as currency
from members.tiers.evaluation import commands as evaluation
from members.tiers.evaluation import queries as tiers
from members.tiers.evaluation.policy import Reason
from members.tiers.placements import policy
from members.tiers.placements.schemas import TierPlace
from members.tiers.standards import queries as standards
from members.tiers.standards.models import TierStandard

END = "tiers.placement_end"

_PLACE = text("""
INSERT INTO tier_member AS tier (organization_id, community_id, account_id, tier_code, since, manual_until, standard_version, version)
VALUES (:organization_id, :community_id, :account_id, :tier, :now, :until, :number, 1)
ON CONFLICT (community_id, account_id) DO UPDATE SET tier_code = EXCLUDED.tier_code,
    since = CASE WHEN tier.tier_code IS NOT DISTINCT FROM EXCLUDED.tier_code THEN tier.since ELSE EXCLUDED.since END,
    grace_until = NULL, manual_until = EXCLUDED.manual_until, standard_version = EXCLUDED.standard_version,
    version = tier.version + 1
RETURNING version
""")
_LOG = text("""
INSERT INTO tier_move (organization_id, community_id, account_id, at, from_tier, to_tier, manual_until, standard_version, reason,
    inputs, actor, note)
VALUES (:organization_id, :community_id, :account_id, :now, :from_tier, :tier, :until, :number, :reason,
    CAST(:inputs AS jsonb), :actor, :note)
""")


async def _locked(
    session: Session, standing: Standing, membership_id: UUID, expected: int
) -> tuple[TierStandard, Membership, Any]:
    """Return the standard in force, the membership and where it stands, all locked. Raises Problem 404, 409, 412."""
    standard = await standards.find_in_force(session, standing.community_id, lock=True)
    membership = await memberships.get_for_update(session, standing.community_id, membership_id)
    if standard is None:
        raise Problem(409, "no-tier-standard", "No tier standard is in force.")
    held = await tiers.find_tier(session, standing.community_id, membership.account_id)
    check_version(expected, held["version"] if held else 0)
    if membership.state != MembershipState.APPROVED or membership.staff or membership.bot:
        raise Problem(409, "not-tiered", "Only members who are no staff and no bots have a tier.")
    return standard, membership, held


async def place(session: Session, standing: Standing, membership_id: UUID, expected: int, body: TierPlace) -> None:
    """Put a member into a tier until a date, whatever their figures. Raises Problem 404, 409, 412, 422."""
    now = clock.now()
    fault = policy.until_fault(body.until, now)
    if fault:
        raise invalid("/until", *fault)
    key = await _key(session, standing, membership_id)
    await due.schedule(session, standing.principal.organization_id, END, key, body.until)
    standard, membership, held = await _locked(session, standing, membership_id, expected)
    if standards.read(standard).rank(body.tier) is None:
        raise invalid("/tier", "tier-unknown", "The standard in force has no such tier.")
    before = held["tier_code"] if held else None
    values: dict[str, Any] = {
        "organization_id": standard.organization_id,
        "community_id": standard.community_id,
        "account_id": membership.account_id,
        "tier": body.tier,
        "now": now,
        "until": body.until,
        "number": standard.number,
    }
    version = (await session.execute(_PLACE, values)).scalar_one()
    inputs = orjson.dumps({"tier": before, "at": now}).decode()
    kept = {"from_tier": before, "reason": Reason.PLACED, "actor": standing.principal.account_id, "note": body.reason}
    await session.execute(_LOG, {**values, **kept, "inputs": inputs})
    _tell(session, standing, standard, membership, before, body.tier, body.until, version)
    if before != body.tier:
        await currency.touch(session, standard.organization_id, {(standard.community_id, membership.account_id)})


async def _key(session: Session, standing: Standing, membership_id: UUID) -> str:
    """Return the key of a placement's end, before anything is locked: a worker holds its work's row, then locks the standard in force."""
    account_id = await memberships.account_of(session, standing.community_id, membership_id)
    return f"{standing.community_id}/{account_id}"


def _tell(  # noqa: PLR0917  one call above
    session: Session,
    standing: Standing,
    standard: TierStandard,
    membership: Membership,
    before: str | None,
    tier: str,
    until: datetime,
    version: int,
) -> None:
    told: dict[str, Any] = {
        "membership_id": membership.id,
        "community_id": standard.community_id,
        "account_id": membership.account_id,
        "to_tier": tier,
        "grace_until": None,
        "manual_until": until,
        "standard_version": standard.number,
        "reason": Reason.PLACED,
    }
    outbox.emit(
        session,
        TierStandingChanged(**told) if before == tier else TierChanged(**told, from_tier=before),
        organization_id=standard.organization_id,
        aggregate_id=membership.id,
        version=version,
        community_id=standard.community_id,
        actor=standing.principal.account_id,
    )


async def end(session: Session, standing: Standing, membership_id: UUID, expected: int) -> None:
    """End a placement before its date: the standard decides at once. Raises Problem 404, 409, 412."""
    await due.cancel(session, standing.principal.organization_id, END, await _key(session, standing, membership_id))
    standard, membership, held = await _locked(session, standing, membership_id, expected)
    if held is None or held["manual_until"] is None:
        raise Problem(409, "not-placed", "The member was not placed by hand.")
    await session.execute(
        text(
            "UPDATE tier_member SET manual_until = :now WHERE community_id = :community_id AND account_id = :account_id"
        ),
        {"now": clock.now(), "community_id": standard.community_id, "account_id": membership.account_id},
    )
    await evaluation.look_at(session, standard, membership.account_id)


async def expire(session: Session, community_id: UUID, account_id: UUID) -> None:
    """Give a member back to the standard when their placement is over."""
    standard = await standards.find_in_force(session, community_id, lock=True)
    if standard is not None:
        await evaluation.look_at(session, standard, account_id)
