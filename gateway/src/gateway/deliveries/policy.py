"""When an endpoint is told again, what its answers mean, and how much it is given at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""How long after the attempt before each attempt is due (Standard Webhooks 1.0): ten in about three days."""
JITTER = 0.2
"""By how much of it each delay is longer or shorter, so that what failed together is not tried again together."""
SHORTEST_ASKED = timedelta(seconds=1)
LONGEST_ASKED = timedelta(hours=24)
"""The bounds of Retry-After: below it is a loop, above it a mistake."""

FAILING = timedelta(days=5)
"""An endpoint that has done nothing but fail for so long is disabled (as Svix does)."""
RECOVERABLE = timedelta(days=14)
"""How old an event may be that is still delivered, and that recovery goes back to."""
KEPT = timedelta(days=90)
"""How long it is known what was told to whom; as far back goes telling it again."""

FIRST_WIDTH = 4
MOST_WIDTH = 32
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0

GONE = 410
THROTTLING = frozenset({429, 502, 504})
_SUCCESS = range(200, 300)
_SPREAD = 2**64


class Result(StrEnum):
    """What an attempt means for its endpoint."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"
    THROTTLED = "throttled"


def classify(status: int | None) -> Result:
    """Say what an answer means; without one (`status` None) the attempt has failed. A redirect is a failure."""
    if status is None:
        return Result.FAILED
    if status in _SUCCESS:
        return Result.DELIVERED
    if status == GONE:
        return Result.GONE
    return Result.THROTTLED if status in THROTTLING else Result.FAILED


def jitter(endpoint_id: UUID, event_id: UUID, tries: int) -> float:
    """Return by what the delay after so many tries is multiplied: 0.8 to 1.2, always the same for the same delivery."""
    digest = blake2b(endpoint_id.bytes + event_id.bytes + tries.to_bytes(4), digest_size=8).digest()
    return 1 - JITTER + 2 * JITTER * int.from_bytes(digest) / _SPREAD


def due_after(
    endpoint_id: UUID, event_id: UUID, tries: int, failed_at: datetime, retry_after: float | None = None
) -> datetime | None:
    """Return when a delivery is due again of which `tries` attempts have failed, the last at `failed_at`; None when that was the last one.

    `retry_after` is what the receiver asked for, in seconds: it is never told earlier than that, but a day is as long as we believe it.
    """
    if tries >= len(SCHEDULE):
        return None
    wait = SCHEDULE[tries] * jitter(endpoint_id, event_id, tries)
    return failed_at + max(wait, asked(retry_after))


def asked(retry_after: float | None) -> timedelta:
    """Return how long a receiver's Retry-After makes us wait, within bounds; nothing when it said nothing."""
    if retry_after is None:
        return timedelta(0)
    return timedelta(seconds=min(max(retry_after, SHORTEST_ASKED.total_seconds()), LONGEST_ASKED.total_seconds()))


def failing_since(before: datetime | None, result: Result, at: datetime) -> datetime | None:
    """Return since when an endpoint has done nothing but fail, after one more attempt: None after a success."""
    if result is Result.DELIVERED:
        return None
    return before or at


def is_given_up(since: datetime | None, at: datetime) -> bool:
    """Say whether an endpoint is disabled at an attempt that fails: it has done nothing but fail for five days."""
    return since is not None and at - since >= FAILING


@dataclass(frozen=True, slots=True)
class Pace:
    """How much an endpoint is given: deliveries at once, and the seconds of the last pause it made us take."""

    width: int = FIRST_WIDTH
    pause: float = 0.0

    def after(self, result: Result) -> Pace:
        """Return the pace after one more attempt: twice as wide after a success, one at a time after anything else.

        Pauses double while the endpoint throttles, and halve with each success.
        """
        if result is Result.DELIVERED:
            if self.width == MOST_WIDTH and not self.pause:
                return self
            shorter = self.pause / 2
            return Pace(min(self.width * 2, MOST_WIDTH), shorter if shorter >= FIRST_PAUSE else 0.0)
        if result is Result.THROTTLED:
            longer = min(max(self.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            return Pace(1, longer)
        return replace(self, width=1)

    def rest(self, result: Result, retry_after: float | None = None) -> timedelta:
        """Return how long nothing is sent after an attempt that led to this pace: as long as asked for, and never less than the pause."""
        if result is not Result.THROTTLED:
            return timedelta(0)
        return max(timedelta(seconds=self.pause), asked(retry_after))
