"""What an occurrence is before its hour, and what becomes of it then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.members import CommunityState

HORIZON_DAYS = 92
"""How far ahead occurrences are worked out."""
MOST_MOVE_DAYS = 31
READY = "ready"
PUBLISHED = "published"


class OccurrenceState(StrEnum):
    """Where an occurrence stands. `taken` has a delivery, whose state tells the rest; `rested` fell due while the community was not open."""

    OPEN = "open"
    SKIPPED = "skipped"
    RESTED = "rested"
    MISSED = "missed"
    HELD = "held"
    TAKEN = "taken"


class Filling(StrEnum):
    """What an occurrence to come is: something ready stands in it, nothing does, or something that is not ready yet."""

    FILLED = "filled"
    EMPTY = "empty"
    AT_RISK = "at_risk"


class Outcome(StrEnum):
    """What becomes of an occurrence at its hour."""

    REST = "rest"
    ITEM = "item"
    ACTIVITY = "activity"
    FALLBACK = "fallback"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Holding:
    """What stands in an occurrence, by the state of each; None where there is nothing."""

    item: str | None = None
    activity: str | None = None
    fallback: str | None = None


def filling(holding: Holding) -> Filling:
    """Return what an occurrence is before its hour; a fallback fills nothing."""
    if holding.item is None and holding.activity is None:
        return Filling.EMPTY
    ready = holding.item == READY or holding.activity == PUBLISHED
    return Filling.FILLED if ready else Filling.AT_RISK


def outcome(holding: Holding, community: CommunityState) -> Outcome:
    """Return what becomes of an occurrence that is due: what it holds if that is ready, else the fallback, else nothing."""
    if community is not CommunityState.OPEN:
        return Outcome.REST
    if holding.item == READY:
        return Outcome.ITEM
    if holding.activity == PUBLISHED:
        return Outcome.ACTIVITY
    if holding.fallback == READY:
        return Outcome.FALLBACK
    return Outcome.MISS


def abilities(state: OccurrenceState, *, full: bool, may_plan: bool) -> list[str]:
    """Return what a planner may do with an occurrence: fill, clear, skip, restore, move."""
    if not may_plan:
        return []
    if state is OccurrenceState.OPEN:
        return ["fill", "clear", "skip", "move"] if full else ["fill", "skip", "move"]
    return ["restore", "move"] if state is OccurrenceState.SKIPPED else []
