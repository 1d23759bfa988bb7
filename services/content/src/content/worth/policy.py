"""What a piece is worth: the published formula (docs/worth.md), from figures to a score; and the days that figures are counted by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

SCORE_VERSION = 1
HALF = Decimal(100)
"""So many points are half of the highest score."""
READER, SAVE, DISCUSSANT, REPLIER, RETURNER, REFERRAL, ORDER = map(Decimal, (1, 3, 4, 6, 10, 20, 20))
"""Points for one person, or for one referral or order."""
HABIT_DAYS = 28
"""So many days before the first reading show a reader's habit."""
LEAST_HABIT_DAYS = 7
"""Who has been a member for fewer has no habit yet, and is not compared."""
SETTLED_DAYS = 2
"""A day's readers are compared when the day after it is over."""
FURTHEST = timedelta(hours=27)
"""No zone's day has an instant further from the day's noon in UTC: 14 hours ahead or 12 behind, 12 of the day, and one to spare."""
_HUNDREDTHS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a piece did, in people; staff, bots and its author are in none of it.

    `repliers` are among the `discussants`. Of `compared` readers `returned` came on the day after, where `expected` would have by habit.
    """

    readers: int = 0
    saves: int = 0
    discussants: int = 0
    repliers: int = 0
    compared: int = 0
    returned: int = 0
    expected: Decimal = Decimal(0)
    referrals: int = 0
    orders: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """Points without bound, by which pieces are ranked, and the score from 0 to 100 that is shown."""

    points: Decimal
    score: Decimal


def score(figures: Figures) -> Score:
    """Weigh what a piece did. Readers who come back less than by their habit take nothing away: why they stay away is not known."""
    points = (
        READER * figures.readers
        + SAVE * figures.saves
        + DISCUSSANT * figures.discussants
        + REPLIER * figures.repliers
        + RETURNER * max(Decimal(0), figures.returned - figures.expected)
        + REFERRAL * figures.referrals
        + ORDER * figures.orders
    )
    points = points.quantize(_HUNDREDTHS, ROUND_HALF_UP)
    return Score(points, (100 * points / (points + HALF)).quantize(_HUNDREDTHS, ROUND_HALF_UP))


def uplift(figures: Figures) -> float | None:
    """Return by how much of the compared readers more came on the day after than by habit, -1 to 1; None for nobody compared."""
    if not figures.compared:
        return None
    return round(float((figures.returned - figures.expected) / figures.compared), 4)


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week: how many pieces served, how many sold."""

    begins_on: date
    value: int
    promotion: int

    @property
    def name(self) -> str:
        """As ISO 8601 names it: 2026-W47."""
        year, number, _ = self.begins_on.isocalendar()
        return f"{year}-W{number:02d}"


def noon(day: date) -> datetime:
    """Return a day's noon in UTC."""
    return datetime.combine(day, time(12), UTC)


def monday(day: date) -> date:
    """Return the first day of the day's ISO week."""
    return day - timedelta(days=day.weekday())


def weeks(since: date, until: date, counts: Mapping[date, tuple[int, int]]) -> list[Week]:
    """Return every week from that of `since` to that of `until`, the empty ones too; `counts` are by Mondays (value, promotion)."""
    found, first = [], monday(since)
    while first <= until:
        value, promotion = counts.get(first, (0, 0))
        found.append(Week(first, value, promotion))
        first += timedelta(days=7)
    return found


def ratio(value: int, promotion: int) -> float | None:
    """Return how many pieces that serve there are for each that sells; None when nothing sells."""
    return round(value / promotion, 4) if promotion else None
