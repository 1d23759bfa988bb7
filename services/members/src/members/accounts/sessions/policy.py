"""What a refresh token is worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

LIFETIME = timedelta(days=30)
"""From the last refresh."""
GRACE = timedelta(seconds=10)
"""For how long after a refresh the token before still gets the same answer: the first may have been lost."""


class Reason(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out"
    REFRESH_REUSED = "refresh_reused"
    CREDENTIAL_CHANGED = "credential_changed"
    ROLE_CHANGED = "role_changed"
    ACCOUNT_MERGED = "account_merged"


class Verdict(Enum):
    """What to do about a refresh token."""

    ROTATE = "rotate"
    """The newest: give its successor."""
    REPEAT = "repeat"
    """The one before, moments after: give the same successor again."""
    REVOKE = "revoke"
    """An old one: somebody else has a copy. End the family."""
    REFUSE = "refuse"
    """Not of this session, or the session is over."""


@dataclass(frozen=True, slots=True)
class Family:
    """The state of a session."""

    counter: int
    rotated_at: datetime
    expires_at: datetime
    revoked: bool


def judge(family: Family, presented: int | None, now: datetime) -> Verdict:
    """Decide about a token; `presented` is its number in the family, None when it was never one of it."""
    if family.revoked or now >= family.expires_at or presented is None or presented > family.counter:
        return Verdict.REFUSE
    if presented == family.counter:
        return Verdict.ROTATE
    if presented == family.counter - 1 and now - family.rotated_at <= GRACE:
        return Verdict.REPEAT
    return Verdict.REVOKE
