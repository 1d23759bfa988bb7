"""Asking who is in which tier, and who would be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from members.segments.filters.fields import Field, Kind
from members.tiers.evaluation import policy, words
from members.tiers.evaluation.compiler import RANGE, TOUCHED, Compiled, compile_standard
from members.tiers.evaluation.policy import Outcome, Reason
from members.tiers.evaluation.schemas import (
    DryRunCount,
    DryRunMember,
    DryRunOut,
    TierCount,
    TierCountsOut,
    TierMemberOut,
    TierMoveOut,
)
from members.tiers.standards import queries as standards
from members.tiers.standards.models import TierStandard
from members.tiers.standards.policy import Standard

LAST = UUID(int=2**128 - 1)
CHUNK = 5_000

TIER_FIELD = Field(
    "tier",
    Kind.SET,
    "EXISTS (SELECT FROM tier_member AS held WHERE held.community_id = membership.community_id "
    "AND held.account_id = membership.account_id AND held.tier_code = ANY({values}))",
)
"""What segments may ask: in one of these tiers."""

_BOUND = text("""
SELECT account_id FROM membership WHERE community_id = :community_id AND account_id > CAST(:after AS uuid)
ORDER BY account_id OFFSET :chunk - 1 LIMIT 1
""")


@asynccontextmanager
async def grouped(session: Session) -> AsyncIterator[None]:
    """Decide about many: the planner must not guess that those who are grouped are few, and nest loops over them."""
    await session.execute(text("SET LOCAL enable_nestloop = off"))
    yield
    await session.execute(text("SET LOCAL enable_nestloop = on"))


async def upto(session: Session, community_id: UUID, after: UUID) -> UUID:
    """Return the end of the range of members that begins behind `after`; LAST when none come after it."""
    found = await session.execute(_BOUND, {"community_id": community_id, "after": after, "chunk": CHUNK})
    return found.scalar_one_or_none() or LAST


async def zone_of(session: Session, community_id: UUID) -> str:
    """Return a community's zone."""
    found = await session.execute(text("SELECT zone FROM community WHERE id = :id"), {"id": community_id})
    zone: str = found.scalar_one()
    return zone


async def state_of(session: Session, community_id: UUID) -> str | None:
    """Return a community's state, None when there is no such community."""
    found = await session.execute(text("SELECT state FROM community WHERE id = :id"), {"id": community_id})
    state: str | None = found.scalar_one_or_none()
    return state


_OUTCOME = f"""
, told AS (SELECT decided.*, (CAST(:codes AS text[]))[to_rank + 1] AS to_tier,
    (CAST(:codes AS text[]))[below + 1] AS below_tier,
    CASE WHEN reason = '{Reason.LEFT.value}' THEN '{Outcome.LEAVE.value}'
        WHEN reason = '{Reason.ENTERED.value}' THEN '{Outcome.ENTER.value}'
        WHEN new_grace_until IS NOT NULL THEN '{Outcome.GRACE.value}'
        WHEN to_rank > coalesce(from_rank, array_position(CAST(:codes_before AS text[]), tier_code) - 1) THEN '{Outcome.RISE.value}'
        WHEN to_rank < coalesce(from_rank, array_position(CAST(:codes_before AS text[]), tier_code) - 1) THEN '{Outcome.FALL.value}'
        ELSE '{Outcome.STAY.value}' END AS outcome
    FROM decided)
"""
_COUNTS = """
SELECT outcome, tier_code AS from_tier, CASE WHEN outcome = 'grace' THEN below_tier ELSE to_tier END AS to_tier,
    count(*) AS members, (array_agg(account_id ORDER BY account_id))[1:CAST(:sample AS integer)] AS sample
FROM told GROUP BY 1, 2, 3
"""
_TOLD = """
SELECT told.*, account.display_name FROM told JOIN account ON account.id = told.account_id
WHERE CAST(:outcome AS text) IS NULL OR outcome = :outcome ORDER BY told.account_id LIMIT :limit
"""


async def _compiled(session: Session, standard: TierStandard, only: str) -> tuple[Standard, Compiled]:
    """Compile a standard as of now, beside the one in force."""
    rules = standards.read(standard)
    zone = await zone_of(session, standard.community_id)
    compiled = compile_standard(rules, standard.community_id, zone, clock.now(), only=only)
    before = await standards.find_in_force(session, standard.community_id)
    compiled.parameters["codes_before"] = standards.read(before).codes if before else []
    return rules, compiled


async def dry_run(session: Session, standard: TierStandard, *, sample: int, language: str) -> DryRunOut:
    """Return who would enter, rise, fall and stay if a standard came into force now; nothing changes."""
    rules, compiled = await _compiled(session, standard, RANGE)
    statement = text(compiled.decided + _OUTCOME + _COUNTS)
    counts: dict[tuple[Outcome, str | None, str | None], int] = {}
    chosen: dict[Outcome, list[UUID]] = {outcome: [] for outcome in Outcome}
    after = UUID(int=0)
    while after != LAST:
        end = await upto(session, standard.community_id, after)
        async with grouped(session):
            rows = await session.execute(
                statement, {**compiled.parameters, "after": after, "upto": end, "sample": sample}
            )
        for row in rows:
            key = (Outcome(row.outcome), row.from_tier, row.to_tier)
            counts[key] = counts.get(key, 0) + row.members
            chosen[key[0]] = sorted([*chosen[key[0]], *row.sample])[:sample]
        after = end
    told = await _told(session, standard, [account for group in chosen.values() for account in group], language)
    moves = [
        DryRunCount(outcome=outcome, from_tier=came, to_tier=goes, members=members)
        for (outcome, came, goes), members in sorted(counts.items(), key=str)
    ]
    return DryRunOut(
        number=rules.version,
        members=sum(one.members for one in moves),
        counts={outcome: sum(one.members for one in moves if one.outcome is outcome) for outcome in Outcome},
        moves=moves,
        samples={outcome: [told[account] for account in group] for outcome, group in chosen.items()},
    )


async def _told(
    session: Session, standard: TierStandard, accounts: Collection[UUID], language: str
) -> dict[UUID, DryRunMember]:
    if not accounts:
        return {}
    rules, compiled = await _compiled(session, standard, TOUCHED)
    rows = await session.execute(
        text(compiled.decided + _OUTCOME + _TOLD),
        {**compiled.parameters, "touched": list(accounts), "outcome": None, "limit": len(accounts)},
    )
    teller = words.Teller(standard.tiers, language)
    return {row["account_id"]: _member(rules, compiled, row, teller) for row in rows.mappings()}


def figures_of(compiled: Compiled, row: RowMapping) -> dict[str, int | None]:
    """Return a row's figures by their names."""
    return {key: None if row[column] is None else int(row[column]) for key, column in compiled.columns.items()}


def _member(rules: Standard, compiled: Compiled, row: RowMapping, teller: words.Teller) -> DryRunMember:
    outcome, figures = Outcome(row["outcome"]), figures_of(compiled, row)
    goes = row["below_tier"] if outcome is Outcome.GRACE else row["to_tier"]
    asked = rules.rank(goes if outcome in {Outcome.ENTER, Outcome.RISE} else row["tier_code"])
    criteria = []
    if asked is not None and outcome is not Outcome.STAY:
        tier = rules.tiers[asked]
        rule = tier.entry if outcome in {Outcome.ENTER, Outcome.RISE} else tier.keep
        criteria = [one for side in policy.progress(rule, figures) for one in side]
    elif outcome is Outcome.STAY and asked is not None and asked + 1 < len(rules.tiers):
        criteria = [one for side in policy.progress(rules.tiers[asked + 1].entry, figures) for one in side]
    return DryRunMember(
        account_id=row["account_id"],
        membership_id=row["membership_id"],
        display_name=row["display_name"],
        outcome=outcome,
        from_tier=row["tier_code"],
        to_tier=goes,
        grace_until=row["new_grace_until"],
        reason=row["reason"],
        words=teller.move(row["reason"], row["tier_code"], row["to_tier"]),
        criteria=[teller.criterion(one) for one in criteria],
    )


async def list_dry_run(
    session: Session,
    standing: Standing,
    standard: TierStandard,
    cursors: Cursors,
    *,
    outcome: Outcome,
    language: str,
    limit: int,
    cursor: str | None,
) -> Page[DryRunMember]:
    """Return everybody to whom a standard would do this, a range of members at a time until the page is full."""
    scope = f"tier-dry-run:{standing.principal.organization_id}:{standing.community_id}:{standard.number}:{outcome}"
    place = cursors.decode(scope, cursor)
    rules, compiled = await _compiled(session, standard, RANGE)
    statement = text(compiled.decided + _OUTCOME + _TOLD)
    found: list[Any] = []
    after = UUID(place[0]) if place else UUID(int=0)
    while after != LAST and len(found) <= limit:
        end = await upto(session, standard.community_id, after)
        async with grouped(session):
            rows = await session.execute(
                statement,
                {
                    **compiled.parameters,
                    "after": after,
                    "upto": end,
                    "outcome": outcome,
                    "limit": limit + 1 - len(found),
                },
            )
        found += rows.mappings().all()
        after = end
    page = found[:limit]
    teller = words.Teller(standard.tiers, language)
    return Page[DryRunMember](
        data=[_member(rules, compiled, row, teller) for row in page],
        next_cursor=cursors.following(scope, found, limit, lambda row: row["account_id"]),
    )


async def find_figures(
    session: Session, standard: TierStandard, account_id: UUID
) -> tuple[Standard, dict[str, int | None]] | None:
    """Return what a standard asks and one member's figures, None for whom it does not look at."""
    rules, compiled = await _compiled(session, standard, TOUCHED)
    rows = await session.execute(
        text(compiled.decided + " SELECT * FROM decided"), {**compiled.parameters, "touched": [account_id]}
    )
    row = rows.mappings().one_or_none()
    if row is None or not row["eligible"]:
        return None
    return rules, figures_of(compiled, row)


async def find_tier(session: Session, community_id: UUID, account_id: UUID) -> Any:  # noqa: ANN401  a row
    """Return where a member stands, None before they were ever looked at."""
    rows = await session.execute(
        text("SELECT * FROM tier_member WHERE community_id = :community_id AND account_id = :account_id"),
        {"community_id": community_id, "account_id": account_id},
    )
    return rows.mappings().one_or_none()


async def last_move(session: Session, community_id: UUID, account_id: UUID) -> Any:  # noqa: ANN401  a row
    """Return the last thing that was decided about a member's tier."""
    rows = await session.execute(
        text(
            "SELECT * FROM tier_move WHERE community_id = :community_id AND account_id = :account_id ORDER BY id DESC LIMIT 1"
        ),
        {"community_id": community_id, "account_id": account_id},
    )
    return rows.mappings().one_or_none()


async def counts(session: Session, community_id: UUID) -> TierCountsOut:
    """Return how many members each tier has, the empty ones too, and who has none yet."""
    standard = await standards.find_in_force(session, community_id)
    rows = await session.execute(
        text(
            "SELECT held.tier_code, count(*) AS members, count(held.grace_until) AS in_grace, count(held.manual_until) AS placed "
            "FROM membership LEFT JOIN tier_member AS held USING (community_id, account_id) "
            "WHERE community_id = :community_id AND state = 'approved' AND NOT staff AND NOT bot GROUP BY 1"
        ),
        {"community_id": community_id},
    )
    found = {row.tier_code: TierCount(**row._mapping, name={}) for row in rows}  # noqa: SLF001  SQLAlchemy's name for it
    names = {tier["code"]: tier["name"] for tier in standard.tiers} if standard else {}
    listed = [
        found.pop(code, TierCount(tier_code=code, name={}, members=0, in_grace=0, placed=0)).model_copy(
            update={"name": name}
        )
        for code, name in names.items()
    ]
    return TierCountsOut(
        number=standard.number if standard else None,
        tiers=listed,
        others=sum(one.members for one in found.values()),
    )


_MEMBERS = text("""
SELECT held.account_id, membership.id AS membership_id, account.display_name, account.avatar_url, held.tier_code, held.since,
    held.grace_until, held.manual_until, held.standard_version, held.version
FROM tier_member AS held JOIN membership USING (community_id, account_id) JOIN account ON account.id = held.account_id
WHERE held.community_id = :community_id AND held.tier_code = :tier AND held.account_id > CAST(:after AS uuid)
ORDER BY held.account_id LIMIT :limit
""")


async def list_members(
    session: Session, standing: Standing, cursors: Cursors, *, tier: str, limit: int, cursor: str | None
) -> Page[TierMemberOut]:
    """Return the members of a tier."""
    scope = f"tier-members:{standing.principal.organization_id}:{standing.community_id}:{tier}"
    place = cursors.decode(scope, cursor)
    rows = await session.execute(
        _MEMBERS,
        {
            "community_id": standing.community_id,
            "tier": tier,
            "after": UUID(place[0]) if place else UUID(int=0),
            "limit": limit + 1,
        },
    )
    found = rows.mappings().all()
    page = found[:limit]
    return Page[TierMemberOut](
        data=[TierMemberOut.model_validate({**row, "can": ["place"] if standing.has() else []}) for row in page],
        next_cursor=cursors.following(scope, found, limit, lambda row: row["account_id"]),
    )


async def list_moves(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    *,
    account_id: UUID,
    language: str,
    limit: int,
    cursor: str | None,
) -> Page[TierMoveOut]:
    """Return everything that was decided about a member's tier, newest first."""
    scope = f"tier-moves:{standing.principal.organization_id}:{standing.community_id}:{account_id}"
    place = cursors.decode(scope, cursor)
    rows = await session.execute(
        text("""
            SELECT tier_move.*, tier_standard.tiers FROM tier_move JOIN tier_standard
            ON tier_standard.community_id = tier_move.community_id AND tier_standard.number = tier_move.standard_version
            WHERE tier_move.community_id = :community_id AND account_id = :account_id AND id < CAST(:before AS uuid)
            ORDER BY id DESC LIMIT :limit
        """),
        {
            "community_id": standing.community_id,
            "account_id": account_id,
            "before": UUID(place[0]) if place else LAST,
            "limit": limit + 1,
        },
    )
    found: Sequence[Any] = rows.mappings().all()
    page = found[:limit]
    return Page[TierMoveOut](
        data=[
            TierMoveOut.model_validate(
                {
                    **row,
                    "actor": row["actor"] if standing.has() else None,
                    "words": words.Teller(row["tiers"], language).move(row["reason"], row["from_tier"], row["to_tier"]),
                }
            )
            for row in page
        ],
        next_cursor=cursors.following(scope, found, limit, lambda row: row["id"]),
    )
