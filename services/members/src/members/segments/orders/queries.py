"""What orders know of accounts, and what filters may ask of orders."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from members.segments.filters.fields import Field, Kind

FIELDS = (
    Field("orders", Kind.NUMBER, "coalesce(bought.orders, 0)", of_orders=True),
    Field("last_order_at", Kind.TIME, "bought.last_order_at", of_orders=True),
    Field("order_total_fen", Kind.NUMBER, "coalesce(CAST(bought.totals ->> 'CNY' AS numeric), 0)", of_orders=True),
)
"""How many of a member's orders in the community stand, when the last was placed, and what is left of those in CNY, in fen."""


async def erased(session: Session, accounts: Collection[UUID]) -> set[UUID]:
    """Return which of these accounts were erased."""
    found = await session.execute(
        text("SELECT account_id FROM erased_buyer WHERE account_id = ANY(CAST(:accounts AS uuid[]))"),
        {"accounts": sorted(accounts)},
    )
    return set(found.scalars())
