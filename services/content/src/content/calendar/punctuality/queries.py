"""Counting what was due and what of it was there in time."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from content.calendar.punctuality.schemas import Punctuality, PunctualityOut, SlotPunctuality
from content.periods import Period

_COUNTED = text("""
WITH settled AS (
    SELECT o.slot_id, o.state, d.state AS delivery_state, d.fallback, extract(epoch FROM d.delivered_at - d.due_at) AS seconds,
        CASE WHEN o.state = 'held' THEN a.starts_at <= o.due_at + make_interval(secs => s.tolerance_seconds)
            ELSE coalesce(d.delivered_at <= d.due_at + make_interval(secs => d.tolerance_seconds), false) END AS on_time
    FROM slot_occurrence AS o JOIN slot AS s ON s.id = o.slot_id
    LEFT JOIN delivery AS d ON d.occurrence_id = o.id LEFT JOIN standing_activity AS a ON a.activity_id = o.activity_id
    WHERE o.community_id = :community AND o.due_at >= :since AND o.due_at < :until
        AND (o.state IN ('missed', 'held') OR o.state = 'taken' AND d.state IN ('in_review', 'delivered', 'skipped', 'failed'))
)
SELECT slot_id, count(*) AS due, count(*) FILTER (WHERE on_time) AS on_time,
    count(*) FILTER (WHERE NOT on_time AND (delivery_state = 'delivered' OR state = 'held')) AS late,
    count(*) FILTER (WHERE delivery_state = 'in_review') AS in_review,
    count(*) FILTER (WHERE delivery_state = 'skipped') AS skipped, count(*) FILTER (WHERE delivery_state = 'failed') AS failed,
    count(*) FILTER (WHERE state = 'missed') AS missed,
    count(*) FILTER (WHERE delivery_state = 'delivered' AND fallback) AS fallbacks,
    round(count(*) FILTER (WHERE on_time)::numeric / nullif(count(*), 0), 4)::float AS rate,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99_seconds
FROM settled GROUP BY GROUPING SETS ((), (slot_id))
ORDER BY slot_id IS NOT NULL, rate, slot_id
""")


async def count(session: Session, community_id: UUID, days: Period) -> PunctualityOut:
    """Return how punctual a community and its slots were in some days."""
    rows = await session.execute(_COUNTED, {"community": community_id, "since": days.begins_at, "until": days.ends_at})
    whole, *slots = rows.all()
    return PunctualityOut(
        since=days.since,
        until=days.until,
        community=Punctuality.model_validate(whole),
        slots=[SlotPunctuality.model_validate(row) for row in slots],
    )
