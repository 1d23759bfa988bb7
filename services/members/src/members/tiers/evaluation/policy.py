"""Which tier a member is in: the decision for one member, which SQL makes for all in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from members.tiers.standards.policy import Rule, Standard


class Reason(StrEnum):
    """Why a member is where they are."""

    ENTERED = "tier-entered"
    ROSE = "tier-rose"
    FELL = "tier-fell"
    GRACE_BEGAN = "tier-grace-began"
    RECOVERED = "tier-recovered"
    TIER_GONE = "tier-gone"
    PLACEMENT_ENDED = "tier-placement-ended"
    LEFT = "tier-left"
    STAYS = "tier-stays"
    IN_GRACE = "tier-in-grace"
    PLACED = "tier-placed"


QUIET = frozenset({Reason.STAYS, Reason.IN_GRACE, Reason.PLACED})
"""Nothing changes, and nothing is kept."""


@dataclass(frozen=True)
class Held:
    """Where a member is before a decision."""

    tier: str | None = None
    grace_until: datetime | None = None
    manual_until: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """Where a member is after a decision, and why."""

    tier: str | None
    grace_until: datetime | None
    manual_until: datetime | None
    reason: Reason


Figures = Mapping[str, int | None]


def highest(standard: Standard, figures: Figures, *, keeping: bool, below: int | None = None) -> int:
    """Return the highest tier (below one, if named) that figures enter, or with `keeping` enter or keep."""
    for rank in range((len(standard.tiers) if below is None else below) - 1, 0, -1):
        tier = standard.tiers[rank]
        if tier.entry.met(figures) or (keeping and tier.keep.met(figures)):
            return rank
    return 0


def decide(  # noqa: PLR0911  one return per reason
    standard: Standard, figures: Figures, held: Held, *, eligible: bool, at: datetime
) -> Decision:
    """Decide about one member.

    Rising needs entry; falling needs that keeping fails through the whole grace; a placement by hand stands until it ends,
    and whoever it held up then goes where their figures keep them. Deciding again at the same instant changes nothing.
    """
    codes = standard.codes
    if not eligible:
        return Decision(None, None, None, Reason.LEFT if held.tier is not None else Reason.STAYS)
    reach = highest(standard, figures, keeping=False)
    if held.tier is None:
        return Decision(codes[reach], None, None, Reason.ENTERED)
    rank = standard.rank(held.tier)
    best = highest(standard, figures, keeping=True)
    if rank is None:
        return Decision(codes[best], None, None, Reason.TIER_GONE)
    if held.manual_until is not None:
        if held.manual_until > at:
            return Decision(held.tier, None, held.manual_until, Reason.PLACED)
        return Decision(codes[best], None, None, Reason.PLACEMENT_ENDED)
    if reach > rank:
        return Decision(codes[reach], None, None, Reason.ROSE)
    tier = standard.tiers[rank]
    if rank == 0 or tier.keep.met(figures) or tier.entry.met(figures):
        return Decision(held.tier, None, None, Reason.RECOVERED if held.grace_until else Reason.STAYS)
    ends = held.grace_until or at + timedelta(days=standard.grace_days)
    if ends <= at:
        return Decision(codes[highest(standard, figures, keeping=True, below=rank)], None, None, Reason.FELL)
    return Decision(held.tier, ends, None, Reason.IN_GRACE if held.grace_until else Reason.GRACE_BEGAN)


def again(standard: Standard, inputs: Mapping[str, Any]) -> Decision:
    """Make a decision again from the inputs that were kept with it."""

    def instant(name: str) -> datetime | None:
        return datetime.fromisoformat(inputs[name]) if inputs.get(name) else None

    held = Held(inputs["tier"], instant("grace_until"), instant("manual_until"))
    return decide(
        standard, inputs["figures"], held, eligible=inputs["eligible"], at=datetime.fromisoformat(inputs["at"])
    )


class Outcome(StrEnum):
    """What a standard would do to a member."""

    ENTER = "enter"
    RISE = "rise"
    FALL = "fall"
    GRACE = "grace"
    STAY = "stay"
    LEAVE = "leave"


@dataclass(frozen=True)
class Progress:
    """How far a member is with one criterion."""

    metric: str
    window_days: int | None
    need: int
    have: int | None
    met: bool


def progress(rule: Rule, figures: Figures) -> tuple[list[Progress], list[Progress]]:
    """Return how far figures are with everything that a rule asks for, and with what it offers to choose from."""
    every, some = (
        [
            Progress(one.metric.value, one.window_days, one.threshold, figures[one.key], one.met(figures[one.key]))
            for one in criteria
        ]
        for criteria in (rule.every, rule.some)
    )
    return every, some
