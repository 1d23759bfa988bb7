"""How long calls are kept, and what is kept of one."""

from __future__ import annotations

from datetime import datetime, timedelta

KEPT_DAYS = 180
LONGEST_PATH = 500
LONGEST_ADDRESS = 64


def kept_since(now: datetime) -> datetime:
    """Return since when calls are kept; what is older is destroyed."""
    return now - timedelta(days=KEPT_DAYS)
