"""A standard as SQL: one statement decides about a range of members as `policy.decide` does about one.

People are grouped once for all windows; everything that a standard says is a bound parameter or a number of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from members.tiers.evaluation.policy import QUIET, Reason
from members.tiers.standards.policy import ACTS, Criterion, Metric, Rule, Standard

_DAY_COLUMNS = {
    Metric.ACTIVE_DAYS: "count(*)",
    Metric.POSTS: "sum(posts)",
    Metric.COMMENTS: "sum(comments)",
}
_RECEIVED_COLUMNS = {
    Metric.REACTIONS_FROM_DISTINCT: "count(DISTINCT from_account_id)",
    Metric.REACTIONS_ON_DAYS: "count(DISTINCT day)",
}

RANGE = "AND {of}account_id > CAST(:after AS uuid) AND {of}account_id <= CAST(:upto AS uuid)"
"""Narrows a statement to a range of members."""
TOUCHED = "AND {of}account_id = ANY(CAST(:touched AS uuid[]))"
"""Narrows a statement to named members."""


@dataclass(frozen=True)
class Compiled:
    """A statement's beginning, `WITH … decided AS (…)`, one row per member; its parameters, apart from those that narrow it."""

    decided: str
    columns: dict[str, str]
    """Name of a figure → column."""
    parameters: dict[str, Any] = field(default_factory=dict)


def compile_standard(standard: Standard, community_id: UUID, zone: str, now: datetime, *, only: str) -> Compiled:
    """Compile a standard; `only` is RANGE or TOUCHED."""
    compiler = _Compiler(standard, now.astimezone(ZoneInfo(zone)).date())
    compiler.parameters |= {
        "community_id": community_id,
        "zone": zone,
        "today": compiler.today,
        "now": now,
        "grace_ends": now + timedelta(days=standard.grace_days),
        "codes": standard.codes,
    }
    return Compiled(compiler.statement(only), compiler.columns, compiler.parameters)


class _Compiler:
    def __init__(self, standard: Standard, today: date) -> None:
        self.standard = standard
        self.today = today
        self.parameters: dict[str, Any] = {}
        self.columns = {key: f"f{place}" for place, key in enumerate(standard.figures)}

    def bind(self, value: int) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"CAST(:{name} AS integer)"

    def since(self, window: int) -> str:
        name = f"since_{window}"
        self.parameters[name] = self.today - timedelta(days=window)
        return f"CAST(:{name} AS date)"

    def selection(self, only: str) -> str:
        """Return the statement that selects members with where they are and their figures."""
        expressions = [f"{self.figure(one)} AS {self.columns[key]}" for key, one in self.standard.figures.items()]
        lines = [
            "SELECT membership.organization_id, membership.community_id, membership.id AS membership_id, membership.account_id,",
            "membership.state = 'approved' AND NOT membership.staff AND NOT membership.bot AS eligible,",
            "held.tier_code, held.grace_until, held.manual_until, held.version AS held_version",
            *(f", {one}" for one in expressions),
            "FROM membership",
            # A range does not follow from account_id = account_id: without it each range would join everybody's rows.
            "LEFT JOIN tier_member AS held ON held.community_id = membership.community_id AND held.account_id = membership.account_id",
            f"AND held.community_id = :community_id {only.format(of='held.')}",
            "LEFT JOIN member_facts AS facts ON facts.community_id = membership.community_id AND facts.account_id = membership.account_id",
            f"AND facts.community_id = :community_id {only.format(of='facts.')}",
            *self.joins(only),
            f"WHERE membership.community_id = :community_id {only.format(of='membership.')}",
            "AND (held.tier_code IS NOT NULL OR (membership.state = 'approved' AND NOT membership.staff AND NOT membership.bot))",
        ]
        return "\n".join(lines)

    def joins(self, only: str) -> list[str]:
        """Group what members did, and what they got, once for all windows."""
        lines = []
        for table, alias, columns in (
            ("member_day", "days", _DAY_COLUMNS),
            ("reaction_received", "received", _RECEIVED_COLUMNS),
        ):
            asked = [
                one
                for one in self.standard.figures.values()
                if one.metric in columns and (one.window_days is not None or table == "reaction_received")
            ]
            if not asked:
                continue
            selected = ", ".join(
                f"{columns[one.metric]}"
                f"{f' FILTER (WHERE day > {self.since(one.window_days)})' if one.window_days else ''} AS {self.columns[one.key]}"
                for one in asked
            )
            windows = [one.window_days for one in asked]
            longest = max((window for window in windows if window is not None), default=0)
            narrowed = f"AND day > {self.since(longest)}" if None not in windows else ""
            lines.append(
                f"LEFT JOIN (SELECT account_id, {selected} FROM {table} WHERE community_id = :community_id {narrowed} {only.format(of='')} "
                f"GROUP BY account_id) AS {alias} ON {alias}.account_id = membership.account_id"
            )
        return lines

    def figure(self, one: Criterion) -> str:
        column = self.columns[one.key]
        if one.metric is Metric.DAYS_SINCE_JOINED:
            return "CAST(:today AS date) - CAST(membership.joined_at AT TIME ZONE CAST(:zone AS text) AS date)"
        if one.metric is Metric.LAST_ACTIVITY_DAYS_AGO:
            return "CAST(:today AS date) - CAST(facts.last_active_at AT TIME ZONE CAST(:zone AS text) AS date)"
        if one.metric in ACTS:
            return f"coalesce({f'days.{column}' if one.window_days else f'facts.{one.metric.value}'}, 0)"
        return f"coalesce(received.{column}, 0)"

    def met(self, rule: Rule) -> str:
        def one(criterion: Criterion) -> str:
            sign = "<=" if criterion.metric is Metric.LAST_ACTIVITY_DAYS_AGO else ">="
            return f"({self.columns[criterion.key]} {sign} {self.bind(criterion.threshold)}) IS TRUE"

        parts = [one(criterion) for criterion in rule.every]
        if rule.some:
            parts.append("(" + " OR ".join(one(criterion) for criterion in rule.some) + ")")
        return "(" + (" AND ".join(parts) or "true") + ")"

    def statement(self, only: str) -> str:
        tiers = list(enumerate(self.standard.tiers))[1:]
        asked = [f"{self.met(tier.entry)} AS enters_{rank}" for rank, tier in tiers]
        kept = [f"{self.met(tier.keep)} AS keeps_{rank}" for rank, tier in tiers]

        def highest(condition: str) -> str:
            cases = " ".join(f"WHEN {condition.format(rank=rank)} THEN {rank}" for rank, _ in reversed(tiers))
            return f"CASE {cases} ELSE 0 END"

        stands = " ".join(f"WHEN {rank} THEN enters_{rank} OR keeps_{rank}" for rank, _ in tiers)
        quiet = ", ".join(f"'{one.value}'" for one in sorted(QUIET))
        keeping = f"('{Reason.GRACE_BEGAN.value}', '{Reason.IN_GRACE.value}')"
        return f"""
WITH figures AS MATERIALIZED ({self.selection(only)}),
asked AS (SELECT figures.*, array_position(CAST(:codes AS text[]), tier_code) - 1 AS rank, {", ".join(asked + kept)} FROM figures),
ranked AS (SELECT asked.*, {highest("enters_{rank}")} AS reach, {highest("enters_{rank} OR keeps_{rank}")} AS best,
    {highest("{rank} < rank AND (enters_{rank} OR keeps_{rank})")} AS below, CASE rank {stands} ELSE true END AS stands
    FROM asked),
reasoned AS (SELECT ranked.*, CASE
    WHEN NOT eligible THEN '{Reason.LEFT.value}'
    WHEN tier_code IS NULL THEN '{Reason.ENTERED.value}'
    WHEN rank IS NULL THEN '{Reason.TIER_GONE.value}'
    WHEN manual_until > :now THEN '{Reason.PLACED.value}'
    WHEN manual_until IS NOT NULL THEN '{Reason.PLACEMENT_ENDED.value}'
    WHEN reach > rank THEN '{Reason.ROSE.value}'
    WHEN stands AND grace_until IS NOT NULL THEN '{Reason.RECOVERED.value}'
    WHEN stands THEN '{Reason.STAYS.value}'
    WHEN coalesce(grace_until, :grace_ends) <= :now THEN '{Reason.FELL.value}'
    WHEN grace_until IS NULL THEN '{Reason.GRACE_BEGAN.value}'
    ELSE '{Reason.IN_GRACE.value}' END AS reason
    FROM ranked),
decided AS (SELECT reasoned.*, reason NOT IN ({quiet}) AS moves, rank AS from_rank,
    CASE reason WHEN '{Reason.LEFT.value}' THEN NULL
        WHEN '{Reason.ENTERED.value}' THEN reach WHEN '{Reason.ROSE.value}' THEN reach
        WHEN '{Reason.TIER_GONE.value}' THEN best WHEN '{Reason.PLACEMENT_ENDED.value}' THEN best
        WHEN '{Reason.FELL.value}' THEN below ELSE rank END AS to_rank,
    CASE WHEN reason IN {keeping} THEN coalesce(grace_until, :grace_ends) END AS new_grace_until,
    CASE reason WHEN '{Reason.PLACED.value}' THEN manual_until END AS new_manual_until
    FROM reasoned)"""
