"""What may be done with a segment, and how far a preview may be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

MOST_SEGMENTS = 200
STEPS = (1_500, 10_000)
"""A preview of a large community looks at so many members in random order, then at more, then at all, until enough match."""
COUNTED_WHOLE = 20_000
"""Communities up to about this size are counted whole."""
TOO_FEW = 50
"""When fewer of those looked at match, an estimate would be coarse, and more are looked at."""


@dataclass(frozen=True)
class Estimate:
    """How many members match: the count, two standard errors of it (0: exact), and the bounds that follow."""

    count: int
    margin: int
    low: int
    high: int

    @property
    def exact(self) -> bool:
        """Whether everybody was counted."""
        return self.margin == 0


def counted(count: int) -> Estimate:
    """Return what is known when everybody was asked."""
    return Estimate(count, 0, count, count)


def population(looked_at: int, last_hash: int) -> int:
    """Return how many members there are when so many have a hash up to `last_hash`, of hashes spread evenly over 64 bits."""
    share = (last_hash + 2**63 + 1) / 2**64
    return max(looked_at, round((looked_at - 1) / share))


def estimate(looked_at: int, matching: int, last_hash: int) -> Estimate | None:
    """Return what a random sample says of everybody, None when it is too few to say anything."""
    if matching < TOO_FEW:
        return None
    everybody, share = population(looked_at, last_hash), matching / looked_at
    # The share's own error, and that of the size of the population.
    error = sqrt(share * (1 - share) / looked_at + share * share / looked_at)
    count, margin = round(everybody * share), max(1, ceil(2 * everybody * error))
    # Those seen to match are there whatever the estimate says.
    return Estimate(count, margin, max(matching, count - margin), count + margin)


def allowed(*, manages: bool, archived: bool) -> list[str]:
    """Return what a caller may do with a segment."""
    return ["edit", "delete"] if manages and not archived else []
