"""Who can be invited, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

LIFETIME = timedelta(days=7)


def invite_fault(*, bot: bool, credentialed: bool) -> tuple[str, str] | None:
    """Return (code, words) of why an account cannot be invited, None when it can."""
    if bot:
        return "bot", "There is no person behind a bot."
    if credentialed:
        return "already-claimed", "Somebody signs in to this account already."
    return None


def claim_fault(
    *, expires_at: datetime, claimed: bool, withdrawn: bool, credentialed: bool, now: datetime
) -> tuple[str, str] | None:
    """Return (code, words) of why an invitation is good no more, None when it is."""
    if claimed or credentialed:
        return "invitation-used", "The account was claimed already."
    if withdrawn:
        return "invitation-withdrawn", "A newer invitation took its place."
    if now >= expires_at:
        return "invitation-expired", "The invitation has expired: ask for another."
    return None
