"""The hot order's formula, and how far back unread looks: decisions over plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HOT_FORMULA = 1
"""The version of the formula."""
COMMENT_WEIGHT = 2
SAVE_WEIGHT = 3
READERS_PER_POINT = 10
SECONDS_PER_TENFOLD = 45_000
"""A post that is half a day (12.5 hours) younger stands where one with ten times its points does."""
HOT_CANDIDATES = 1000
"""The newest posts of a community that are ranked."""
UNREAD_LOOK = 2000
"""The newest posts of which unread ones are looked for."""
UNREAD_DAYS = timedelta(days=90)


class Order(StrEnum):
    """How the feed is ordered."""

    NEWEST = "newest"
    HOT = "hot"


@dataclass(frozen=True, slots=True)
class Heat:
    """What people did with a post: accounts that reacted, comments, accounts that saved it, accounts that read it."""

    reactors: int
    comments: int
    saves: int
    readers: int


def points(heat: Heat) -> int:
    """Return what a post is worth to the hot order, at least 1."""
    worth = (
        heat.reactors + COMMENT_WEIGHT * heat.comments + SAVE_WEIGHT * heat.saves + heat.readers // READERS_PER_POINT
    )
    return max(1, worth)


def hot(heat: Heat, published_at: datetime) -> float:
    """Return a post's score in the hot order: log10(points) + seconds since 1970 / 45,000, to 7 digits (docs/reading.md).

    It does not hang on when it is asked, so two posts change places only when people did something with one of them.
    """
    return round(math.log10(points(heat)) + published_at.timestamp() / SECONDS_PER_TENFOLD, 7)


def ranked_at(now: datetime) -> datetime:
    """Return the instant of the ranking that serves an instant: they are made once a minute, where somebody reads."""
    return now.replace(second=0, microsecond=0)


KEPT = timedelta(hours=1)
"""How long a ranking can be read on."""
