"""What a mix of themes may ask, and how far the real one is from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

WHOLE = 100
MOST_THEMES = 50


def share_left(others: int, wanted: int) -> int | None:
    """Return how many hundredths are left for a theme when they are too few, None when there are enough."""
    left = WHOLE - others
    return left if wanted > left else None


@dataclass(frozen=True, slots=True)
class Share:
    """One theme in the mix; `theme_id` None is what stands under no theme. Shares are hundredths of the whole."""

    theme_id: UUID | None
    count: int
    share: float
    target: int
    gap: float


def mix(targets: Mapping[UUID, int], counts: Mapping[UUID | None, int]) -> list[Share]:
    """Compare what was said (or is planned), by theme, with the target; where the most is missing comes first."""
    total = sum(counts.values())
    names: list[UUID | None] = [*targets, *(name for name in counts if name not in targets)]
    shares = []
    for name in names:
        count = counts.get(name, 0)
        share = WHOLE * count / total if total else 0.0
        target = targets.get(name, 0) if name is not None else 0
        shares.append(Share(name, count, round(share, 2), target, round(share - target, 2)))
    return sorted(shares, key=lambda one: (one.gap, str(one.theme_id)))


def distance(shares: list[Share]) -> float:
    """Return how many hundredths of the target are missing: 0 is as planned, 100 is nothing of it. Nothing said misses nothing."""
    if not any(one.count for one in shares):
        return 0.0
    return round(sum(max(0.0, one.target - one.share) for one in shares), 2)
