"""How far a goal is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class GoalState(StrEnum):
    """Where a goal stands today."""

    REACHED = "reached"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    MISSED = "missed"


@dataclass(frozen=True)
class Progress:
    """Where a goal stands: the value today, the share of the way in thousandths, and what was to be expected by today."""

    value: int
    done_permille: int
    expected_permille: int
    state: GoalState


def progress(*, baseline: int, target: int, value: int, started: date, due: date, today: date) -> Progress:
    """Return how far a goal is. The way from baseline to target is expected to be gone evenly from start to due date.

    Works for goals that go down as well as up. Shares are cut off to 0–1000, so that an overshoot reads as reached.
    """
    way, gone = target - baseline, value - baseline
    done = max(0, min(1000, gone * 1000 // way)) if way else 1000
    days = max(1, (due - started).days)
    expected = max(0, min(1000, (today - started).days * 1000 // days))
    reached = value >= target if way >= 0 else value <= target
    if reached:
        state = GoalState.REACHED
    elif today > due:
        state = GoalState.MISSED
    else:
        state = GoalState.ON_TRACK if done >= expected else GoalState.BEHIND
    return Progress(value, 1000 if reached else min(done, 999), expected, state)
