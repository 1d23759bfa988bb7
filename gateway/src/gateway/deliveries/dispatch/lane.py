"""One endpoint's lane as the process that has it knows it: what is in hand, what is under way, how much at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.deliveries.dispatch.queries import DueDelivery
from gateway.deliveries.policy import Pace
from gateway.endpoints.queries import Target

MOST_IN_HAND = 128
FEWEST_IN_HAND = 4
IN_HAND_TOGETHER = 8192
"""How many deliveries of one endpoint, and of all together, are in hand at most: memory stays flat however many wait."""
FRESH_SECONDS = 10.0
"""How long what was brought goes out without asking again where it goes, by which keys it is signed, and who still agrees."""

FAULT_SECONDS = 60.0
"""How long a lane rests in which something went wrong on our side."""
MOST_UNRECORDED = 512
"""How many attempts of one lane may be out or not written down yet: memory stays flat while its rows cannot be written."""


@dataclass(eq=False, slots=True)
class Lane:
    """An endpoint's lane. Only the dispatcher's loop touches it, so nothing here needs a lock."""

    endpoint_id: UUID
    organization_id: UUID
    ailing: bool
    pace: Pace
    target: Target | None = None
    buffer: deque[DueDelivery] = field(default_factory=deque)
    under_way: int = 0
    unrecorded: set[UUID] = field(default_factory=set)
    """Events that went out and whose outcome is not in the database yet."""
    failing: bool = False
    """Whether the database says that the endpoint has done nothing but fail for a while."""
    in_hand: int = 0
    """How many it got when it was last fed, had there been so many."""
    more: bool = True
    """Whether the database may have something due that is not in hand."""
    fed_at: float = 0.0
    """When the oldest of what is in hand was brought, by the dispatcher's clock."""
    not_before: datetime | None = None
    """Until when the endpoint asked for quiet, or for FIFO, until when its first delivery waits."""
    waiting_since: float | None = None
    """Since when it waits for a slot, by the dispatcher's clock."""
    asked: bool = False
    """Whether it stands in one of the dispatcher's queues."""

    @property
    def waits_for_slot(self) -> bool:
        """Whether it stands in the queue for a slot."""
        return self.waiting_since is not None

    @property
    def may_send(self) -> bool:
        """Whether another of those in hand may go out."""
        if self.not_before is not None or not self.buffer:
            return False
        if self.target is not None and self.target.fifo:
            # The next goes out once the one before is settled and written down: after a crash they come in the same order again.
            return not self.unrecorded
        return self.under_way < self.pace.width and len(self.unrecorded) < MOST_UNRECORDED

    @property
    def hungry(self) -> bool:
        """Whether the database is to be asked for more: before all that is in hand has gone out, so that nobody waits for it."""
        return self.more and len(self.buffer) <= self.in_hand // 2 and self.not_before is None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do here now."""
        return not self.buffer and not self.unrecorded and (self.not_before is not None or not self.more)

    @property
    def known(self) -> set[UUID]:
        """The events that the database still calls due and that are in hand, or went out already."""
        return self.unrecorded | {delivery.event_id for delivery in self.buffer}

    def send_next(self) -> DueDelivery:
        """Take the first of those in hand for sending."""
        self.under_way += 1
        delivery = self.buffer.popleft()
        self.unrecorded.add(delivery.event_id)
        return delivery

    def freshen(self, now: float) -> bool:
        """Let go of what has been in hand for long, and say whether that was so: it is brought again, with the endpoint as it is by then."""
        if not self.buffer or now - self.fed_at <= FRESH_SECONDS:
            return False
        self.buffer.clear()
        self.more = True
        return True

    def pause(self, until: datetime) -> None:
        """Let nothing out before `until`; what is in hand goes back."""
        self.not_before = until if self.not_before is None else max(self.not_before, until)
        self.buffer.clear()
