"""Moving members by the standard in force."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.db import Session
from contracts.members import CommunityState, TierChanged, TierStandingChanged
from members.segments.currency import commands as currency
from members.segments.currency import policy as beats
from members.tiers.evaluation import queries
from members.tiers.evaluation.compiler import RANGE, TOUCHED, compile_standard
from members.tiers.standards import queries as standards
from members.tiers.standards.commands import EVALUATE
from members.tiers.standards.models import TierStandard

REFRESH = "tiers.refresh"
DAILY = "tiers.daily"
BATCH = 2_000

_MARK = text("""
INSERT INTO tier_dirty (organization_id, community_id, account_id)
SELECT tier_standard.organization_id, touched.community_id, touched.account_id
FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[])) AS touched(community_id, account_id)
JOIN tier_standard ON tier_standard.community_id = touched.community_id AND tier_standard.state = 'adopted'
RETURNING community_id
""")


async def touch(session: Session, organization_id: UUID, people: Collection[tuple[UUID, UUID]]) -> None:
    """Have (community, account) pairs looked at again, together with whoever else is touched at the same time.

    Communities without a standard are left out: when they adopt one, everybody is looked at.
    """
    if not people:
        return
    pairs = sorted(people)
    marked = await session.execute(
        _MARK,
        {"communities": [community for community, _ in pairs], "accounts": [account for _, account in pairs]},
    )
    name, ends = beats.beat(clock.now())
    for community in sorted(set(marked.scalars())):
        payload = {"community_id": str(community)}
        await due.schedule(session, organization_id, REFRESH, f"{community}/{name}", ends, payload, keep=True)


_TAKE = text("""
DELETE FROM tier_dirty WHERE id IN (
    SELECT id FROM tier_dirty WHERE community_id = :community_id ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED)
RETURNING account_id
""")


async def refresh(session: Session, community_id: UUID) -> bool:
    """Look at touched members again; return whether more wait."""
    standard = await _in_force(session, community_id)
    taken = await session.execute(_TAKE, {"community_id": community_id, "batch": BATCH})
    rows = taken.scalars().all()
    if standard is not None and rows:
        await _move(session, standard, TOUCHED, {"touched": sorted(set(rows))})
    return len(rows) == BATCH


async def evaluate(session: Session, community_id: UUID, after: UUID) -> UUID | None:
    """Look at the range of members behind `after`; return where the next begins, None at the end."""
    standard = await _in_force(session, community_id)
    if standard is None:
        return None
    end = await queries.upto(session, community_id, after)
    await _move(session, standard, RANGE, {"after": after, "upto": end})
    return None if end == queries.LAST else end


async def look_at(session: Session, standard: TierStandard, account_id: UUID) -> None:
    """Look at one member now, by a standard whose row is locked."""
    await _move(session, standard, TOUCHED, {"touched": [account_id]})


async def evaluate_soon(session: Session, organization_id: UUID, community_id: UUID) -> None:
    """Have everybody looked at."""
    await due.schedule(session, organization_id, EVALUATE, str(community_id), clock.now())


async def _in_force(session: Session, community_id: UUID) -> TierStandard | None:
    """Return the standard in force with its row locked, so that one at a time moves members; None in an archived community."""
    if await queries.state_of(session, community_id) in {None, CommunityState.ARCHIVED}:
        return None
    return await standards.find_in_force(session, community_id, lock=True)


_KEEP = """
, moved AS (SELECT decided.*, (CAST(:codes AS text[]))[to_rank + 1] AS to_tier,
    jsonb_build_object('eligible', eligible, 'tier', tier_code, 'grace_until', grace_until, 'manual_until', manual_until,
        'at', CAST(:now AS timestamptz), 'figures', {figures}) AS inputs
    FROM decided WHERE moves),
kept AS (
    INSERT INTO tier_member AS tier (organization_id, community_id, account_id, tier_code, since, grace_until, manual_until,
        standard_version, version)
    SELECT organization_id, community_id, account_id, to_tier, :now, new_grace_until, new_manual_until, :standard_version, 1
    FROM moved ORDER BY account_id
    ON CONFLICT (community_id, account_id) DO UPDATE SET tier_code = EXCLUDED.tier_code,
        since = CASE WHEN tier.tier_code IS NOT DISTINCT FROM EXCLUDED.tier_code THEN tier.since ELSE EXCLUDED.since END,
        grace_until = EXCLUDED.grace_until, manual_until = EXCLUDED.manual_until,
        standard_version = EXCLUDED.standard_version, version = tier.version + 1
    RETURNING account_id, version),
logged AS (
    INSERT INTO tier_move (organization_id, community_id, account_id, at, from_tier, to_tier, grace_until, manual_until,
        standard_version, reason, inputs)
    SELECT organization_id, community_id, account_id, :now, tier_code, to_tier, new_grace_until, new_manual_until,
        :standard_version, reason, inputs FROM moved)
SELECT account_id, membership_id, tier_code AS from_tier, to_tier, new_grace_until AS grace_until,
    new_manual_until AS manual_until, reason, kept.version
FROM moved JOIN kept USING (account_id)
"""


async def _move(session: Session, standard: TierStandard, only: str, narrowing: dict[str, Any]) -> int:
    """Decide about members, keep what changes with its reason, and tell of it; return how many decisions were kept."""
    rules = standards.read(standard)
    zone = await queries.zone_of(session, standard.community_id)
    compiled = compile_standard(rules, standard.community_id, zone, clock.now(), only=only)
    pairs = ", ".join(f"'{key}', {column}" for key, column in compiled.columns.items())
    async with queries.grouped(session):
        rows = await session.execute(
            text(compiled.decided + _KEEP.format(figures=f"jsonb_build_object({pairs})")),
            {**compiled.parameters, **narrowing, "standard_version": standard.number},
        )
    found = rows.all()
    for row in found:
        told = {
            "membership_id": row.membership_id,
            "community_id": standard.community_id,
            "account_id": row.account_id,
            "to_tier": row.to_tier,
            "grace_until": row.grace_until,
            "manual_until": row.manual_until,
            "standard_version": standard.number,
            "reason": row.reason,
        }
        moved = row.from_tier != row.to_tier
        outbox.emit(
            session,
            TierChanged(**told, from_tier=row.from_tier) if moved else TierStandingChanged(**told),
            organization_id=standard.organization_id,
            aggregate_id=row.membership_id,
            version=row.version,
            community_id=standard.community_id,
        )
    changed = {(standard.community_id, row.account_id) for row in found if row.from_tier != row.to_tier}
    await currency.touch(session, standard.organization_id, changed)
    return len(found)
