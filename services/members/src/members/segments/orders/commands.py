"""Every write of orders. What members' orders come to is added up anew from the orders whenever one of theirs changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from members.segments.facts import queries as facts
from members.segments.orders import policy, queries
from members.segments.orders.policy import Order

Pairs = set[tuple[UUID, UUID]]
"""(community, account)"""

_PUT = text("""
INSERT INTO order_kept AS kept (order_id, organization_id, community_id, account_id, placed_at, currency, net_fen, stands, version)
SELECT order_id, :organization_id, community_id, account_id, placed_at, currency, net_fen, stands, version
FROM unnest(CAST(:ids AS uuid[]), CAST(:communities AS uuid[]), CAST(:accounts AS uuid[]), CAST(:times AS timestamptz[]),
    CAST(:currencies AS text[]), CAST(:nets AS bigint[]), CAST(:standing AS boolean[]), CAST(:versions AS bigint[]))
    AS told(order_id, community_id, account_id, placed_at, currency, net_fen, stands, version)
ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET community_id = EXCLUDED.community_id, account_id = EXCLUDED.account_id,
    placed_at = EXCLUDED.placed_at, currency = EXCLUDED.currency, net_fen = EXCLUDED.net_fen, stands = EXCLUDED.stands,
    version = EXCLUDED.version
WHERE kept.version < EXCLUDED.version
RETURNING old.community_id AS was_in, old.account_id AS was_of, new.community_id AS is_in, new.account_id AS is_of
""")


async def keep(session: Session, organization_id: UUID, orders: Sequence[Order]) -> Pairs:
    """Keep orders as they were told last; return whose figures moved, of the former buyer and community too."""
    people = {one.account_id for one in orders if one.account_id is not None}
    # This also holds the accounts: a merge or an erasure waits for the orders that are under way, and moves them after.
    merged = await facts.merged(session, people)
    erased = await queries.erased(session, people | set(merged.values()))
    changed = await session.execute(
        _PUT,
        {
            "organization_id": organization_id,
            "ids": [one.order_id for one in orders],
            "communities": [one.community_id for one in orders],
            "accounts": [policy.buyer(one.account_id, merged, erased) for one in orders],
            "times": [one.placed_at for one in orders],
            "currencies": [one.currency for one in orders],
            "nets": [one.net_fen for one in orders],
            "standing": [one.stands for one in orders],
            "versions": [one.version for one in orders],
        },
    )
    pairs = {pair for row in changed for pair in ((row.was_in, row.was_of), (row.is_in, row.is_of))}
    return await _add_up(session, organization_id, {(place, account) for place, account in pairs if place and account})


# In one order for everybody. Who holds these rows is alone with these members' orders: only then they are added up.
_HOLD = text("""
INSERT INTO member_orders AS kept (organization_id, community_id, account_id, orders, last_order_at, totals)
SELECT :organization_id, community_id, account_id, 0, NULL, '{}'
FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[])) AS held(community_id, account_id)
ORDER BY community_id, account_id
ON CONFLICT (community_id, account_id) DO UPDATE SET orders = kept.orders
""")
_ADD_UP = text("""
WITH held AS (
    SELECT * FROM unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[])) AS held(community_id, account_id)
), by_currency AS (
    SELECT community_id, account_id, currency, count(*) AS orders, max(placed_at) AS last_order_at, sum(net_fen) AS net_fen
    FROM held JOIN order_kept USING (community_id, account_id) WHERE stands GROUP BY community_id, account_id, currency
), added AS (
    SELECT held.community_id, held.account_id, coalesce(sum(orders), 0) AS orders, max(last_order_at) AS last_order_at,
        coalesce(jsonb_object_agg(currency, net_fen) FILTER (WHERE currency IS NOT NULL), '{}') AS totals
    FROM held LEFT JOIN by_currency USING (community_id, account_id) GROUP BY held.community_id, held.account_id
)
UPDATE member_orders AS kept SET orders = added.orders, last_order_at = added.last_order_at, totals = added.totals
FROM added WHERE kept.community_id = added.community_id AND kept.account_id = added.account_id
""")
_DROP = text("""
DELETE FROM member_orders AS kept
USING unnest(CAST(:communities AS uuid[]), CAST(:accounts AS uuid[])) AS held(community_id, account_id)
WHERE kept.community_id = held.community_id AND kept.account_id = held.account_id AND kept.orders = 0
""")


async def _add_up(session: Session, organization_id: UUID, pairs: Pairs) -> Pairs:
    if pairs:
        bound = {"communities": [place for place, _ in pairs], "accounts": [account for _, account in pairs]}
        await session.execute(_HOLD, {"organization_id": organization_id, **bound})
        await session.execute(_ADD_UP, bound)
        await session.execute(_DROP, bound)
    return pairs


_MOVE = text("""
WITH gone AS (
    SELECT * FROM unnest(CAST(:accounts AS uuid[]), CAST(:buyers AS uuid[])) AS gone(account_id, buyer)
), moved AS (
    SELECT order_kept.order_id, gone.buyer FROM order_kept JOIN gone USING (account_id)
    ORDER BY order_kept.order_id FOR UPDATE OF order_kept
)
UPDATE order_kept AS kept SET account_id = moved.buyer FROM moved WHERE kept.order_id = moved.order_id
RETURNING kept.community_id, old.account_id AS was_of, new.account_id AS is_of
""")


async def hand_over(session: Session, organization_id: UUID, merged_accounts: Collection[UUID]) -> Pairs:
    """Count merged accounts' orders as those of who lives on; return whose figures moved."""
    merged = await facts.merged(session, merged_accounts)
    erased = await queries.erased(session, {*merged_accounts, *merged.values()})
    return await _move(session, organization_id, {one: policy.buyer(one, merged, erased) for one in merged_accounts})


async def erase(session: Session, organization_id: UUID, accounts: Collection[UUID]) -> Pairs:
    """Count nothing for erased people, whatever still comes; return whose figures moved."""
    bound = {"accounts": sorted(accounts), "organization_id": organization_id}
    await session.execute(
        text("SELECT FROM account WHERE id = ANY(CAST(:accounts AS uuid[])) ORDER BY id FOR NO KEY UPDATE"), bound
    )
    await session.execute(
        text("""
            INSERT INTO erased_buyer (account_id, organization_id)
            SELECT account_id, :organization_id FROM unnest(CAST(:accounts AS uuid[])) AS erased(account_id) ON CONFLICT DO NOTHING
        """),
        bound,
    )
    return await _move(session, organization_id, dict.fromkeys(accounts))


async def _move(session: Session, organization_id: UUID, buyers: dict[UUID, UUID | None]) -> Pairs:
    bound = {"accounts": list(buyers), "buyers": list(buyers.values())}
    rows = (await session.execute(_MOVE, bound)).all()
    pairs = {(row.community_id, account) for row in rows for account in (row.was_of, row.is_of)}
    return await _add_up(session, organization_id, {(place, account) for place, account in pairs if place and account})


async def forget(session: Session) -> None:
    """Delete the tenant's orders, before a backfill; who was erased stays so."""
    for table in ("order_kept", "member_orders"):
        await session.execute(text(f"DELETE FROM {table}"))
