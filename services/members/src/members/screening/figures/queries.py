"""Counting what doors brought, door by door or channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from members.screening.figures.schemas import ChannelFigures, EntryLinkFigures, OrderFigures, StillHere
from members.screening.links import queries as links
from members.screening.links.policy import PERIODS

Key = Literal["id::text", "channel"]
"""By what doors are counted together, as SQL."""

_DOOR = """
WITH door AS (
    SELECT id, {key} AS key FROM entry_link WHERE community_id = :community_id AND {key} = ANY(CAST(:keys AS text[]))
)
"""

_PERIOD = """,
    count(*) FILTER (WHERE old_{days}) AS joined_{days},
    count(*) FILTER (WHERE old_{days} AND (belongs OR ended_at > decided_at + interval '{days} days')) AS here_{days},
    count(*) FILTER (WHERE old_{days} AND belongs AND last_active_at > CAST(:now AS timestamptz) - interval '{days} days') AS active_{days}"""

_OLD = """,
        application.state = 'approved' AND application.decided_at <= CAST(:now AS timestamptz) - interval '{days} days' AS old_{days}"""

# These follow a WITH that names the doors: door (id, key).
# A membership's `joined_at` is the first approval; who came back is counted from the approval of the application.
CAME = f"""
SELECT key, count(*) AS applications,
    count(*) FILTER (WHERE approved) AS joins,
    count(*) FILTER (WHERE approved AND belongs) AS members,
    count(*) FILTER (WHERE approved AND belongs AND last_active_at > CAST(:now AS timestamptz) - interval '30 days') AS active
    {"".join(_PERIOD.format(days=days) for days in PERIODS)}
FROM (
    SELECT door.key, application.state = 'approved' AS approved, application.decided_at, membership.state = 'approved' AS belongs,
        membership.ended_at, facts.last_active_at{"".join(_OLD.format(days=days) for days in PERIODS)}
    FROM door JOIN application ON application.link_id = door.id
    JOIN membership ON membership.id = application.membership_id
    LEFT JOIN member_facts AS facts
        ON facts.community_id = application.community_id AND facts.account_id = application.account_id
) AS came GROUP BY key
"""

_OPENS = """
SELECT key, count(*) AS links, coalesce(sum(opens), 0) AS opens
FROM door LEFT JOIN entry_link_opens ON entry_link_opens.link_id = door.id GROUP BY key
"""

# What somebody brings counts for the door that they came through last, and for no other.
_PEOPLE = """, people AS (
    SELECT door.key, last.account_id FROM door JOIN (
        SELECT DISTINCT ON (account_id) account_id, link_id FROM application
        WHERE community_id = :community_id AND state = 'approved' AND link_id IS NOT NULL
            AND account_id IN (SELECT account_id FROM application JOIN door ON door.id = application.link_id)
        ORDER BY account_id, decided_at DESC, id DESC
    ) AS last ON last.link_id = door.id
)
"""

MOMENTS = f"""{_PEOPLE}
SELECT key, count(DISTINCT account_id) AS reached FROM people JOIN entry_value_moment AS moment USING (account_id)
WHERE moment.community_id = :community_id GROUP BY key
"""

ORDERS = f"""{_PEOPLE}
SELECT key, currency, count(*) AS orders, count(DISTINCT account_id) AS buyers, sum(amount_fen - least(reversed_fen, amount_fen)) AS amount_fen
FROM people JOIN entry_order AS bought USING (account_id)
WHERE bought.community_id = :community_id AND NOT cancelled AND (reversed_fen < amount_fen OR amount_fen = 0)
GROUP BY key, currency ORDER BY key, currency
"""


async def _count(session: Session, community_id: UUID, key: Key, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return key → its figures, those of a key that brought nobody too."""
    values = {"community_id": community_id, "keys": list(keys)}
    door = _DOOR.format(key=key)
    opened = {row.key: row for row in await session.execute(text(door + _OPENS), values)}
    came: dict[str, Any] = {
        row.key: row for row in await session.execute(text(door + CAME), values | {"now": clock.now()})
    }
    reached = {row.key: row.reached for row in await session.execute(text(door + MOMENTS), values)}
    orders: dict[str, list[OrderFigures]] = {}
    for row in await session.execute(text(door + ORDERS), values):
        orders.setdefault(row.key, []).append(OrderFigures.model_validate(row, from_attributes=True))
    return {
        one: {
            **{name: getattr(came.get(one), name, 0) for name in ("applications", "joins", "members", "active")},
            "links": opened[one].links,
            "opens": opened[one].opens,
            "still_here": [
                StillHere(
                    days=days,
                    **{name: getattr(came.get(one), f"{name}_{days}", 0) for name in ("joined", "here", "active")},
                )
                for days in PERIODS
            ],
            "value_reached": reached.get(one, 0),
            "orders": orders.get(one, []),
        }
        for one in keys
        if one in opened
    }


async def of_link(session: Session, community_id: UUID, link_id: UUID) -> EntryLinkFigures:
    """Return what a door brought. Raises Problem 404."""
    link = await links.get(session, community_id, link_id)
    counted = (await _count(session, community_id, "id::text", [str(link.id)]))[str(link.id)]
    del counted["links"]
    return EntryLinkFigures(link_id=link.id, channel=link.channel, **counted)


async def list_channels(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[ChannelFigures]:
    """Return what each channel brought, by name."""
    scope = f"entry-channels:{standing.principal.organization_id}:{standing.community_id}"
    after = cursors.decode(scope, cursor)
    rows = await session.execute(
        text("""
            SELECT DISTINCT channel COLLATE "C" AS channel FROM entry_link
            WHERE community_id = :community_id AND channel COLLATE "C" > :after ORDER BY channel LIMIT :limit
        """),
        {"community_id": standing.community_id, "after": after[0] if after else "", "limit": limit + 1},
    )
    channels = list(rows.scalars())
    page = channels[:limit]
    counted = await _count(session, standing.community_id, "channel", page)
    return Page[ChannelFigures](
        data=[ChannelFigures(channel=one, **counted[one]) for one in page],
        next_cursor=cursors.following(scope, channels, limit, lambda channel: channel),
    )
