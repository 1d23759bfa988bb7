"""Where a check stands: plain values."""

from __future__ import annotations

from enum import StrEnum


class CheckState(StrEnum):
    """What an outside checker said, or that it has not yet."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    HELD = "held"
    REFUSED = "refused"
