"""A member's presence in one statement, from the facts that pulse counts."""

from __future__ import annotations

from uuid import UUID

from chassis.db import Reader
from chassis.errors import not_found

_PRESENCE = """
WITH told AS MATERIALIZED (
    SELECT occurred_at, (occurred_at AT TIME ZONE $4)::date AS day FROM activity WHERE community_id = $2 AND account_id = $3
), weekly AS (
    SELECT date_trunc('week', day::timestamp)::date AS monday, count(DISTINCT day) AS active_days
    FROM told GROUP BY 1 ORDER BY 1 DESC LIMIT 12
)
SELECT json_build_object('zone', $4::text, 'active_days', count(DISTINCT day),
    'first_active_at', min(occurred_at), 'last_active_at', max(occurred_at),
    'weeks', (SELECT coalesce(json_agg(json_build_object('week', to_char(monday, 'IYYY"-W"IW'), 'from', monday,
        'active_days', active_days) ORDER BY monday DESC), '[]') FROM weekly))
FROM told HAVING EXISTS (SELECT FROM standing_member WHERE community_id = $2 AND account_id = $3)
"""


async def get_presence(reader: Reader, organization_id: UUID, community_id: UUID, account_id: UUID, zone: str) -> bytes:
    """Return when an account was active in a community as JSON (schemas.PresenceOut). Raises Problem 404 for who never applied there."""
    found = await reader.json(organization_id, _PRESENCE, community_id, account_id, zone)
    if found is None:
        raise not_found("member")
    return found
