"""Every SELECT of pulse: the figures of a community in one statement, from the facts and who counts."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Reader

# What each figure means stands in policy.figures. Weeks are counted by their Mondays; `before` and `after` are the neighbours
# among a member's own active weeks.
PULSE = """
WITH counted AS MATERIALIZED (
    SELECT account_id, state FROM standing_member WHERE community_id = $2 AND NOT staff AND NOT bot
), day AS MATERIALIZED (
    SELECT DISTINCT account_id, (occurred_at AT TIME ZONE $3)::date AS day FROM activity
    JOIN counted USING (account_id) WHERE community_id = $2
), active AS (
    SELECT week, lag(week) OVER member AS before, lead(week) OVER member AS after
    FROM (SELECT DISTINCT account_id, date_trunc('week', day::timestamp)::date AS week FROM day) AS weekly
    WINDOW member AS (PARTITION BY account_id ORDER BY week)
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
SELECT json_build_object(
    'zone', $3::text,
    'members', (SELECT count(*) FROM counted WHERE state = 'approved'),
    'never_active', (SELECT count(*) FROM counted LEFT JOIN (SELECT DISTINCT account_id FROM day) AS ever USING (account_id)
        WHERE state = 'approved' AND ever.account_id IS NULL),
    'member_days', (SELECT count(*) FROM day),
    'weeks', (SELECT coalesce(json_agg(listed ORDER BY week), '[]') FROM listed))
"""


async def get_pulse(reader: Reader, organization_id: UUID, community_id: UUID, zone: str) -> str:
    """Return a community's figures as JSON (schemas.PulseOut), in the days and weeks of its zone."""
    found = await reader.json(organization_id, PULSE, community_id, zone)
    assert found is not None  # noqa: S101  an aggregate answers always
    return found
