"""Whether something due still goes out, whether it was in time, and when a failure is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from contracts.members import CommunityState

MOST_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=5)
HELD_FOR = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
DEFAULT_TOLERANCE_SECONDS = 300


class DeliveryState(StrEnum):
    """Where a delivery stands. `in_review` is a post that a detector holds until a moderator decides."""

    DUE = "due"
    IN_REVIEW = "in_review"
    DELIVERED = "delivered"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LatePolicy(StrEnum):
    """What becomes of an item that could not go out in time: late, or not at all."""

    DELIVER = "deliver"
    SKIP = "skip"


def in_time(due_at: datetime, at: datetime, tolerance_seconds: int) -> bool:
    """Whether something done at an instant was in time."""
    return at - due_at <= timedelta(seconds=tolerance_seconds)


def skip_reason(
    policy: LatePolicy, due_at: datetime, now: datetime, tolerance_seconds: int, community: CommunityState
) -> str | None:
    """Return why something due does not go out, None when it does."""
    if community is not CommunityState.OPEN:
        return f"community-{community}"
    if policy is LatePolicy.SKIP and not in_time(due_at, now, tolerance_seconds):
        return "too-late"
    return None


def next_look(moment: datetime, *, full: bool, left: bool) -> datetime | None:
    """Return when work looks again for what was due at a moment: after a full batch at once, and in a second for what others held meanwhile.

    Whoever holds something that is due may let go of it as it was: then nobody else would come back for it.
    """
    if full:
        return moment
    return moment + HELD_FOR if left else None


def retry_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many failures, None when it was tried often enough."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait: timedelta = FIRST_WAIT * 2 ** max(attempts - 1, 0)
    return min(wait, LONGEST_WAIT)
