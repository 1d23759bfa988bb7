"""How far a goal is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class GoalMetric(StrEnum):
    """What a goal can be measured by. Staff and bots count in none of them; shares are told in thousandths."""

    MEMBERS = "members"
    MEMBERS_EVER_ACTIVE = "members_ever_active"
    ACTIVE_MEMBERS_7_DAYS = "active_members_7_days"
    ACTIVE_MEMBERS_30_DAYS = "active_members_30_days"
    POSTS_30_DAYS = "posts_30_days"
    COMMENTS_30_DAYS = "comments_30_days"
    CONTRIBUTIONS_30_DAYS = "contributions_30_days"
    REACTIONS_30_DAYS = "reactions_30_days"
    ACTIVE_PERMILLE_7_DAYS = "active_permille_7_days"
    ACTIVE_PERMILLE_30_DAYS = "active_permille_30_days"
    RETENTION_PERMILLE_30_DAYS = "retention_permille_30_days"
    """Of those who joined at least 30 days ago, those who left since included: who did something in the last 30 days and belongs."""
    NEVER_ACTIVE_PERMILLE = "never_active_permille"


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
