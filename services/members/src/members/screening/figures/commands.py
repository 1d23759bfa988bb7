"""Keeping what other nouns and services tell of those who came through doors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db import Session
from chassis.inbox import Received
from contracts.engagement import OrderEvent
from contracts.members import ValueMomentReached
from members.segments.facts import policy as facts
from members.segments.facts import queries as merges

_MOMENTS = text("""
INSERT INTO entry_value_moment AS kept (value_moment_id, organization_id, community_id, account_id, reached_at)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS told(value_moment_id uuid, organization_id uuid, community_id uuid, account_id uuid, reached_at timestamptz)
ON CONFLICT (value_moment_id) DO UPDATE SET reached_at = least(kept.reached_at, EXCLUDED.reached_at)
""")

# An order is told whole: the newest version is what stands, in whatever order they arrive.
_ORDERS = text("""
INSERT INTO entry_order AS kept (order_id, organization_id, community_id, account_id, currency, amount_fen, reversed_fen, cancelled, version)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told(order_id uuid, organization_id uuid, community_id uuid, account_id uuid,
    currency text, amount_fen bigint, reversed_fen bigint, cancelled boolean, version bigint)
ON CONFLICT (order_id) DO UPDATE SET community_id = EXCLUDED.community_id, account_id = EXCLUDED.account_id,
    currency = EXCLUDED.currency, amount_fen = EXCLUDED.amount_fen, reversed_fen = EXCLUDED.reversed_fen,
    cancelled = EXCLUDED.cancelled, version = EXCLUDED.version
WHERE kept.version < EXCLUDED.version
""")


async def note_moments(session: Session, events: Sequence[Received[ValueMomentReached]]) -> None:
    """Keep moments of value, each once, as those of the living accounts."""
    merged = await merges.merged(session, {one.event.account_id for one in events})
    first: dict[UUID, dict[str, Any]] = {}
    for one in sorted(events, key=lambda one: one.envelope.time, reverse=True):
        first[one.event.value_moment_id] = {
            "value_moment_id": one.event.value_moment_id,
            "organization_id": one.envelope.organization,
            "community_id": one.event.community_id,
            "account_id": facts.living(one.event.account_id, merged),
            "reached_at": one.envelope.time,
        }
    await _write(session, _MOMENTS, first)


async def note_orders(session: Session, events: Sequence[Received[OrderEvent]]) -> None:
    """Keep orders as their newest versions tell them, as those of the living accounts."""
    merged = await merges.merged(session, {one.event.account_id for one in events if one.event.account_id})
    newest: dict[UUID, dict[str, Any]] = {}
    for one in sorted(events, key=lambda one: one.envelope.aggregateversion):
        event = one.event
        newest[event.order_id] = {
            "order_id": event.order_id,
            "organization_id": one.envelope.organization,
            "community_id": event.community_id,
            "account_id": facts.living(event.account_id, merged) if event.account_id else None,
            "currency": event.currency,
            "amount_fen": event.amount_fen,
            "reversed_fen": event.reversed_fen,
            "cancelled": event.cancelled,
            "version": one.envelope.aggregateversion,
        }
    await _write(session, _ORDERS, newest)


async def _write(session: Session, statement: Any, rows: dict[UUID, dict[str, Any]]) -> None:  # noqa: ANN401  SQL
    # In one order for everybody, so that two batches cannot wait for each other in a circle.
    ordered = [row for _, row in sorted(rows.items())]
    await session.execute(statement, {"rows": orjson.dumps(ordered, default=str).decode()})


async def hand_over(session: Session, merged_account_id: UUID, account_id: UUID) -> None:
    """After a merge: what the merged account had and bought is the living one's."""
    living = facts.living(account_id, await merges.merged(session, [account_id]))
    for table in ("entry_value_moment", "entry_order"):
        await session.execute(
            text(f"UPDATE {table} SET account_id = :living WHERE account_id = :gone"),
            {"living": living, "gone": merged_account_id},
        )


async def forget(session: Session) -> None:
    """Delete what the tenant's events told, before a backfill."""
    for table in ("entry_value_moment", "entry_order"):
        await session.execute(text(f"DELETE FROM {table}"))
