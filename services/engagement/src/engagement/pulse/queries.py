"""Every SELECT of pulse: the figures of a community in one statement, from the facts and who counts."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Reader

# What each figure means stands in policy.figures. People and their days are brought together by grouping and not by joining: just after
# an import the planner has no statistics, and took a join for a small one (270 s for a million facts, this takes 1). Weeks are counted
# by their Mondays; `before` and `after` are the neighbours among a member's own active weeks.
_FIGURES = """
WITH person AS MATERIALIZED (
    SELECT account_id, bool_or(state = 'approved') AS approved, array_agg(day) FILTER (WHERE day IS NOT NULL) AS days
    FROM (
        SELECT account_id, state, NULL::date AS day FROM standing_member
        WHERE community_id = {community} AND NOT staff AND NOT bot
        UNION ALL
        SELECT DISTINCT account_id, NULL, (occurred_at AT TIME ZONE {zone})::date FROM activity WHERE community_id = {community}
    ) AS member_or_day
    GROUP BY account_id HAVING count(state) > 0
), active AS (
    SELECT week, lag(week) OVER own AS before, lead(week) OVER own AS after
    FROM (SELECT DISTINCT account_id, date_trunc('week', day::timestamp)::date AS week FROM person, unnest(days) AS day) AS weekly
    WINDOW own AS (PARTITION BY account_id ORDER BY week)
), busy AS (
    SELECT week, count(*) AS active, count(*) FILTER (WHERE before IS NULL) AS new,
        count(*) FILTER (WHERE before = week - 7) AS returning, count(*) FILTER (WHERE before < week - 7) AS resurrected,
        count(*) FILTER (WHERE after IS DISTINCT FROM week + 7) AS leaving
    FROM active GROUP BY week
), listed AS (
    SELECT to_char(every, 'IYYY"-W"IW') AS week, coalesce(busy.active, 0) AS active, coalesce(busy.new, 0) AS new,
        coalesce(busy.returning, 0) AS returning, coalesce(busy.resurrected, 0) AS resurrected,
        coalesce(lag(busy.leaving) OVER (ORDER BY every), 0) AS dormant
    FROM generate_series((SELECT min(week) FROM busy)::timestamp, (SELECT max(week) FROM busy)::timestamp, interval '7 days') AS every
    LEFT JOIN busy ON busy.week = every::date
)
"""
PULSE = f"""{_FIGURES.format(community="$2", zone="$3")}SELECT json_build_object(
    'zone', $3::text,
    'members', (SELECT count(*) FROM person WHERE approved),
    'never_active', (SELECT count(*) FROM person WHERE approved AND days IS NULL),
    'member_days', (SELECT coalesce(sum(cardinality(days)), 0) FROM person),
    'weeks', (SELECT coalesce(json_agg(listed ORDER BY week), '[]') FROM listed))
"""
WEEKS = f"""({_FIGURES.format(community=":community_id", zone="CAST(:zone AS text)")}
SELECT *, to_date(week, 'IYYY"-W"IW') AS monday FROM listed) AS listed"""
"""The same weeks as a source of rows, for the community and the zone that are bound by name."""


async def get_pulse(reader: Reader, organization_id: UUID, community_id: UUID, zone: str) -> bytes:
    """Return a community's figures as JSON (schemas.PulseOut), in the days and weeks of its zone."""
    found = await reader.json(organization_id, PULSE, community_id, zone)
    assert found is not None  # noqa: S101  an aggregate answers always
    return found
