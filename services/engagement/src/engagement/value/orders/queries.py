"""Every SELECT of orders."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from engagement.value.orders.policy import Span
from engagement.value.orders.schemas import OrderOut, OrderTotal, OrderTotalsOut

STANDS = "(NOT cancelled AND (reversed_fen < amount_fen OR reversed_fen = 0))"
"""Whether an order counts: it was not cancelled, and not given back in whole."""


class Wanted(NamedTuple):
    """Which orders of a community."""

    account_id: UUID | None = None
    span: Span = Span(None, None)


def _narrowed(community_id: UUID, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    asked = {
        "account_id = :account_id": ("account_id", wanted.account_id),
        "placed_at >= :begins_at": ("begins_at", wanted.span.begins_at),
        "placed_at < :ends_at": ("ends_at", wanted.span.ends_at),
    }
    given = {sql: bound for sql, bound in asked.items() if bound[1] is not None}
    where = " AND ".join(["community_id = :community_id", *given])
    return where, {"community_id": community_id, **dict(given.values())}


async def list_orders(
    session: Session, analyst: Standing, cursors: Cursors, wanted: Wanted, *, limit: int, cursor: str | None
) -> Page[OrderOut]:
    """Return a page of a community's orders, the newest first. Raises Problem 422 for a foreign cursor."""
    scope = f"orders:{analyst.principal.organization_id}:{analyst.community_id}:{wanted}"
    after = cursors.decode(scope, cursor)
    where, bound = _narrowed(analyst.community_id, wanted)
    if after is not None:
        where += " AND (placed_at, order_id) < (:placed_at, :order_id)"
        bound |= {"placed_at": datetime.fromisoformat(after[0]), "order_id": UUID(after[1])}
    found = await session.execute(
        text(
            "SELECT order_id AS id, amount_fen - reversed_fen AS net_fen, * FROM customer_order "
            f"WHERE {where} ORDER BY placed_at DESC, order_id DESC LIMIT :limit"
        ),
        {**bound, "limit": limit + 1},
    )
    rows = found.mappings().all()
    return Page(
        data=[OrderOut.model_validate(dict(row)) for row in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: (row["placed_at"], row["id"])),
    )


async def list_orders_of_member(
    session: Session, analyst: Standing, cursors: Cursors, account_id: UUID, *, limit: int, cursor: str | None
) -> Page[OrderOut]:
    """Return a page of one member's orders in a community, the newest first. Raises Problem 404 for who never applied there."""
    known = await session.execute(
        text("SELECT true FROM standing_member WHERE community_id = :community_id AND account_id = :account_id"),
        {"community_id": analyst.community_id, "account_id": account_id},
    )
    if known.scalar_one_or_none() is None:
        raise not_found("member")
    return await list_orders(session, analyst, cursors, Wanted(account_id), limit=limit, cursor=cursor)


async def totals(session: Session, community_id: UUID, wanted: Wanted) -> OrderTotalsOut:
    """Return what a community's orders come to, by currency."""
    where, bound = _narrowed(community_id, wanted)
    rows = await session.execute(
        text(f"""
            SELECT currency, count(*) AS orders, count(*) FILTER (WHERE {STANDS}) AS standing,
                count(DISTINCT account_id) FILTER (WHERE {STANDS}) AS buyers, sum(amount_fen) AS amount_fen,
                sum(reversed_fen) AS reversed_fen, sum(amount_fen - reversed_fen) AS net_fen
            FROM customer_order WHERE {where} GROUP BY currency ORDER BY currency
        """),
        bound,
    )
    return OrderTotalsOut(data=[OrderTotal.model_validate(dict(row)) for row in rows.mappings()])


async def became(session: Session, accounts: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Return what became of those of these accounts that buy nothing any more, and on to those that do."""
    found: dict[UUID, UUID | None] = {}
    wanted = set(accounts)
    while wanted:
        rows = await session.execute(
            text("SELECT account_id, became FROM gone_account WHERE account_id = ANY(CAST(:accounts AS uuid[]))"),
            {"accounts": sorted(wanted)},
        )
        step = {row.account_id: row.became for row in rows}
        found |= step
        wanted = {one for one in step.values() if one is not None} - found.keys()
    return found
