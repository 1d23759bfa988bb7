"""What is left of an order, whose it is, and which days are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.errors import Fault, Problem

EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


def reversed_fen(amount_fen: int, refunded_fen: int, *, cancelled: bool) -> int:
    """Return how much of an order was given back: all of it when it was cancelled, and never more than was paid."""
    return amount_fen if cancelled else min(refunded_fen, amount_fen)


Became = Mapping[UUID, UUID | None]
"""Accounts that buy nothing any more → the account that they are part of now, None when the person was erased."""


def buyer(account_id: UUID | None, became: Became) -> UUID | None:
    """Return whose order it is by now: after every merge, and nobody's when the person was erased."""
    seen = set()
    while account_id is not None and account_id in became and account_id not in seen:
        seen.add(account_id)
        account_id = became[account_id]
    return account_id


def gone(told: Iterable[tuple[UUID, UUID | None]]) -> dict[UUID, UUID | None]:
    """Gather what became of accounts, in one order for everybody; who was erased stays so, whatever else is told."""
    found: dict[UUID, UUID | None] = {}
    for account_id, became in told:
        found[account_id] = became if account_id not in found else found[account_id] and became
    return dict(sorted(found.items()))


class Span(NamedTuple):
    """From an instant on, and up to before another; None: without an end on that side."""

    begins_at: datetime | None
    ends_at: datetime | None


def span(zone: str, since: date | None, until: date | None) -> Span:
    """Return the span of some days of a community, both included. Raises Problem 422."""
    faults = [
        Fault(f"/query/{name}", "day-out-of-range", f"Days from {EARLIEST} to {LATEST} can be asked for.")
        for name, day in (("since", since), ("until", until))
        if day is not None and not EARLIEST <= day <= LATEST
    ]
    if not faults and since and until and since > until:
        faults = [Fault("/query/until", "period-backwards", "The last day is before the first.")]
    if faults:
        raise Problem(422, "invalid", "These days cannot be asked for.", errors=faults)
    return Span(_start(since, zone) if since else None, _start(until + timedelta(days=1), zone) if until else None)


def _start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
