"""When a member may be placed by hand, and who may do so."""

from __future__ import annotations

from datetime import datetime, timedelta

LONGEST = timedelta(days=731)


def until_fault(until: datetime, now: datetime) -> tuple[str, str] | None:
    """Return what is wrong with the end of a placement, as a code and words."""
    if until <= now:
        return "date-past", "A placement ends in the future."
    if until > now + LONGEST:
        return "date-too-far", "A placement ends within two years: what is to last belongs into the standard."
    return None


def allowed(*, manages: bool, eligible: bool, placed: bool) -> list[str]:
    """Return what a caller may do with a member's tier."""
    if not manages or not eligible:
        return []
    return ["place", "end_placement"] if placed else ["place"]
