"""Who may be reminded again: decisions over plain values."""

from __future__ import annotations

from datetime import datetime, timedelta

from content.refusal import Refusal

REST = timedelta(hours=1)
"""Between two remindings of one announcement; how often a member hears of it is outreach's to decide."""


def reminder_refusal(last_at: datetime | None, last_finished: bool, now: datetime) -> Refusal | None:  # noqa: FBT001  a fact
    """Return why nobody is reminded now: a reminding is under way, or the last was a moment ago."""
    if last_at is None:
        return None
    if not last_finished:
        return Refusal("reminder-running", "A reminding of it is under way.")
    if last_at + REST > now:
        return Refusal("reminder-recent", "They were reminded of it less than an hour ago.")
    return None
