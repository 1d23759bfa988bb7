"""What of an order counts for its buyer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from members.segments.facts.policy import living


@dataclass(frozen=True)
class Order:
    """An order as of one version: whose it is, and what was paid for it."""

    order_id: UUID
    version: int
    community_id: UUID | None
    account_id: UUID | None
    placed_at: datetime
    currency: str
    amount_fen: int
    refunded_fen: int
    cancelled: bool

    @property
    def net_fen(self) -> int:
        """What is left of it: nothing when it was cancelled, and never less than nothing."""
        return 0 if self.cancelled else max(0, self.amount_fen - self.refunded_fen)

    @property
    def stands(self) -> bool:
        """Whether it counts: something is left of it, or it was for nothing and nothing was given back."""
        return not self.cancelled and (self.refunded_fen == 0 or self.net_fen > 0)


@dataclass(frozen=True)
class Figures:
    """What somebody's orders in a community come to; `totals` are by currency."""

    orders: int
    last_order_at: datetime
    totals: Mapping[str, int]


def figures(orders: Iterable[Order]) -> dict[tuple[UUID, UUID], Figures]:
    """Return what orders, each in its newest version, come to for each (community, buyer). The statement in SQL is held to this."""
    found: dict[tuple[UUID, UUID], list[Order]] = {}
    for one in orders:
        if one.stands and one.community_id is not None and one.account_id is not None:
            found.setdefault((one.community_id, one.account_id), []).append(one)
    return {
        key: Figures(
            len(bought),
            max(one.placed_at for one in bought),
            {
                currency: sum(one.net_fen for one in bought if one.currency == currency)
                for currency in {one.currency for one in bought}
            },
        )
        for key, bought in found.items()
    }


def buyer(account_id: UUID | None, merged: Mapping[UUID, UUID], erased: Collection[UUID]) -> UUID | None:
    """Return whose order it is by now: after every merge, and nobody's when the person was erased."""
    if account_id is None or account_id in erased:
        return None
    found = living(account_id, merged)
    return None if found in erased else found
