"""How long a key that was replaced signs on, and how many sign at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

MOST_SECRETS = 5
"""That sign at once: each makes the header longer, and receivers bound it."""
KEEP_OLD_HOURS = 24


def expiry(expires_at: datetime | None, now: datetime, keep_hours: int) -> datetime:
    """Return when a key that is replaced now stops signing: never later than it would have anyway."""
    replaced = now + timedelta(hours=keep_hours)
    return replaced if expires_at is None else min(expires_at, replaced)


def signs(expires_at: datetime | None, now: datetime) -> bool:
    """Tell whether a key signs."""
    return expires_at is None or now < expires_at


def too_many(expiries: Iterable[datetime | None], now: datetime) -> bool:
    """Tell whether one key more would be too many, given when those that are there stop."""
    return sum(signs(one, now) for one in expiries) >= MOST_SECRETS
