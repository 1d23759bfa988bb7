"""What a compliance profile asks: decisions over plain values."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from content.refusal import Refusal

NO_CHECKER = "none"
CALLBACK = "callback"
"""The checker that fetches what waits and answers by its own token."""


class Profile(StrEnum):
    """The law under which a community publishes.

    `china`: who publishes has a verified phone (Administrative Provisions on Internet User Public Account Information Services and
    Cybersecurity Law, art. 24), and the log of publications is kept for six months at least (Cybersecurity Law, art. 21).
    """

    NONE = "none"
    CHINA = "china"


_KEPT = {Profile.CHINA: timedelta(days=184)}


def publishing_refusal(profile: Profile, *, verified_phone: bool, trusted: bool) -> Refusal | None:
    """Return why an account may not publish; whom the organization itself gave a role it knows."""
    if profile is Profile.CHINA and not verified_phone and not trusted:
        return Refusal("phone-unverified", "Publishing here needs a verified phone number.")
    return None


def destroyed_at(profile: Profile, published_at: datetime) -> datetime | None:
    """Return when the log of a publication is destroyed, None when none is kept."""
    kept = _KEPT.get(profile)
    return None if kept is None else published_at + kept
