"""Every write of orders. What is told twice, late or out of order changes nothing, and what changes is told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from chassis import outbox
from chassis.db import Session
from chassis.inbox import Received
from contracts.base import Envelope, Event
from contracts.engagement import OrderEvent, OrderRecorded, OrderReversed
from contracts.members import AccountMerged, ErasureOrdered
from contracts.partners import PartnerOrderEvent
from engagement.value.orders import policy, queries

_COLUMNS = {
    "order_id": "uuid",
    "account_id": "uuid",
    "community_id": "uuid",
    "post_id": "uuid",
    "client_id": "uuid",
    "source": "text",
    "external_id": "text",
    "placed_at": "timestamptz",
    "currency": "text",
    "amount_fen": "bigint",
    "reversed_fen": "bigint",
    "cancelled": "boolean",
    "told_version": "bigint",
}
_SAID = tuple(_COLUMNS)[1:-1]
"""What an order says; with its id it is all that an event of ours has."""
_ORDERED = tuple(name for name in _SAID if name not in ("reversed_fen", "cancelled"))
# What was ordered and what came back are told apart, each as a version of its own, however many of a partner's versions came at once. A
# version that says what is known already moves nothing but itself.
_PUT = text(f"""
INSERT INTO customer_order AS kept (organization_id, {", ".join(_COLUMNS)}, version)
SELECT :organization_id, told.*, 1 + CAST(told.reversed_fen > 0 OR told.cancelled AS integer) FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())})
    AS told({", ".join(_COLUMNS)}) ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in (*_SAID, "told_version"))},
    version = kept.version + CAST(({", ".join(f"kept.{name}" for name in _ORDERED)})
        IS DISTINCT FROM ({", ".join(f"EXCLUDED.{name}" for name in _ORDERED)})
        OR EXCLUDED.reversed_fen < kept.reversed_fen OR EXCLUDED.cancelled < kept.cancelled AS integer)
        + CAST(EXCLUDED.reversed_fen > kept.reversed_fen OR EXCLUDED.cancelled > kept.cancelled AS integer)
WHERE kept.told_version < EXCLUDED.told_version
RETURNING kept.*, new.version - coalesce(old.version, 0) AS news,
    coalesce(old.reversed_fen, 0) AS formerly_reversed, coalesce(old.cancelled, false) AS formerly_cancelled
""")
_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended('orders:' || CAST(:organization_id AS text), 0))"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('orders:' || CAST(:organization_id AS text), 0))"


async def record(session: Session, organization_id: UUID, told: Sequence[Received[PartnerOrderEvent]]) -> None:
    """Keep orders as partners told them last, and tell of those that this changes."""
    # Orders come on one stream, merges and erasures on another: an order that is under way while its buyer goes would keep them for good.
    await session.execute(text(_SHARED), {"organization_id": str(organization_id)})
    people = {one.event.account_id for one in told if one.event.account_id is not None}
    became = await queries.became(session, people)
    rows = [_row(one, became) for one in told]
    bound = {name: [row[name] for row in rows] for name in _COLUMNS}
    found = await session.execute(_PUT, {"organization_id": organization_id, **bound})
    by_order = {one.event.order_id: one for one in told}
    for row in found.mappings():
        cause = by_order[row["order_id"]].envelope
        came_back = row["reversed_fen"] > row["formerly_reversed"] or row["cancelled"] > row["formerly_cancelled"]
        if row["news"] > came_back:
            _tell(session, OrderRecorded, _as_ordered(row) if came_back else row, cause)
        if came_back:
            _tell(session, OrderReversed, row, cause)


def _as_ordered(row: RowMapping) -> Mapping[str, Any]:
    """Return an order as it is between what was ordered and what came back."""
    return {
        **row,
        "version": row["version"] - 1,
        "reversed_fen": min(row["formerly_reversed"], row["amount_fen"]),
        "cancelled": row["cancelled"] and row["formerly_cancelled"],
    }


def _row(one: Received[PartnerOrderEvent], became: policy.Became) -> Mapping[str, Any]:
    event = one.event
    return {
        **{name: getattr(event, name) for name in _COLUMNS if name in PartnerOrderEvent.model_fields},
        "account_id": policy.buyer(event.account_id, became),
        "reversed_fen": policy.reversed_fen(event.amount_fen, event.refunded_fen, cancelled=event.cancelled),
        "told_version": one.envelope.aggregateversion,
    }


_GO = text("""
INSERT INTO gone_account (account_id, organization_id, became)
SELECT account_id, :organization_id, became
FROM unnest(CAST(:accounts AS uuid[]), CAST(:became AS uuid[])) AS gone(account_id, became)
ON CONFLICT (account_id) DO UPDATE SET became = NULL WHERE EXCLUDED.became IS NULL
""")
_MOVE = text("""
WITH gone AS (
    SELECT account_id, buyer FROM unnest(CAST(:accounts AS uuid[]), CAST(:buyers AS uuid[])) AS gone(account_id, buyer)
), moved AS (
    SELECT customer_order.order_id, gone.buyer FROM customer_order JOIN gone USING (account_id)
    ORDER BY customer_order.order_id FOR UPDATE OF customer_order
)
UPDATE customer_order AS kept SET account_id = moved.buyer, version = kept.version + 1
FROM moved WHERE kept.order_id = moved.order_id
RETURNING kept.*, old.account_id AS former
""")


async def part(session: Session, organization_id: UUID, told: Sequence[Received[Event]]) -> None:
    """Give merged accounts' orders to those who live on and take erased people off theirs, now and for whatever still comes."""
    await session.execute(text(_ALONE), {"organization_id": str(organization_id)})
    gone = policy.gone(_gone(told))
    accounts = list(gone)
    bound: dict[str, Any] = {"organization_id": organization_id, "accounts": accounts, "became": list(gone.values())}
    await session.execute(_GO, bound)
    became = await queries.became(session, accounts)
    buyers = [policy.buyer(one, became) for one in accounts]
    moved = await session.execute(_MOVE, {"accounts": accounts, "buyers": buyers})
    causes = {account: one.envelope for one in told for account, _ in _gone([one])}
    for row in moved.mappings():
        _tell(session, OrderRecorded, row, causes[row["former"]])


def _gone(told: Iterable[Received[Event]]) -> Iterable[tuple[UUID, UUID | None]]:
    for one in told:
        match one.event:
            case AccountMerged(account_id=account_id, merged_account_id=merged):
                yield merged, account_id
            case ErasureOrdered(account_id=account_id):
                yield account_id, None
            case _:
                raise TypeError(one.envelope.type)


def _tell(session: Session, kind: type[OrderEvent], row: Mapping[str, Any] | RowMapping, cause: Envelope) -> None:
    """Tell of an order as it is now. It happened when its cause did, and is as live as that."""
    outbox.emit(
        session,
        kind(**{name: row[name] for name in kind.model_fields}),
        organization_id=row["organization_id"],
        aggregate_id=row["order_id"],
        version=row["version"],
        community_id=row["community_id"],
        actor=cause.actor,
        occurred_at=cause.time,
        origin=cause.origin,
    )
