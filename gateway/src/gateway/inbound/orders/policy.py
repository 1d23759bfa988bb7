"""What counts of what partners tell of orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

LARGEST_AMOUNT = 10**15


class Outcome(StrEnum):
    """What became of news."""

    APPLIED = "applied"
    REPEATED = "repeated"
    """This version was known."""
    STALE = "stale"
    """A newer version was known."""


@dataclass(frozen=True, slots=True)
class OrderName:
    """Which order of which partner."""

    client_id: UUID
    source: str
    external_id: str


@dataclass(frozen=True, slots=True)
class OrderNews:
    """An order as a partner tells it, whole."""

    version: int
    placed_at: datetime
    currency: str
    amount_fen: int
    contact: str | None = None
    cancelled: bool = False
    community_id: UUID | None = None
    post_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RefundNews:
    """Money given back for an order, which may be told before the order is."""

    external_id: str
    version: int
    amount_fen: int
    currency: str
    refunded_at: datetime


def compare(known: int, told: int) -> Outcome:
    """Return what becomes of a version that is not newer than what is known."""
    return Outcome.REPEATED if told == known else Outcome.STALE


def refunded(amount_fen: int, refunds: int) -> int:
    """Return how much of an order was given back: never more than was paid, in whatever order the news comes."""
    return min(amount_fen, refunds)
