"""What may be done with a segment, and how far a preview may be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

MOST_SEGMENTS = 200
LOOKED_AT = 10_000
"""A preview looks at so many members, in random order; smaller communities are counted whole."""
TOO_FEW = 100
"""When fewer of those match, an estimate would be coarse, and the whole community is counted."""


@dataclass(frozen=True)
class Estimate:
    """How many members match: the count, and two standard errors of it (0: exact)."""

    count: int
    margin: int

    @property
    def exact(self) -> bool:
        """Whether everybody was counted."""
        return self.margin == 0


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
    return Estimate(round(everybody * share), max(1, ceil(2 * everybody * error)))


def allowed(*, manages: bool, archived: bool) -> list[str]:
    """Return what a caller may do with a segment."""
    return ["edit", "delete"] if manages and not archived else []
