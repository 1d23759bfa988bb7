"""Events of the calendar: themes, slots, what they foresee, and what goes out."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class ThemeChanged(Event):
    """A theme of a community's mix was defined, changed or retired, whole; its name stays in content."""

    type: ClassVar[str] = "content.theme.changed.v1"
    aggregate: ClassVar[str] = "theme"

    theme_id: UUID
    community_id: UUID
    target_share: int = Field(description="hundredths of what is said", examples=[40])
    promotion: bool = Field(description="it sells, where others give")
    retired: bool


class SlotEvent(Event):
    """A recurring slot, whole, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "slot"

    slot_id: UUID
    community_id: UUID
    group_id: UUID | None = Field(description="only for this group; none: for all of the community")
    kind: str = Field(examples=["daily_topic"])
    theme_id: UUID | None
    rrule: str = Field(description="RFC 5545, days only", examples=["FREQ=WEEKLY;BYDAY=TU,FR"])
    at: str = Field(description="hour and minute in the zone", examples=["07:30"])
    zone: str = Field(description="IANA time zone by which it falls due", examples=["Asia/Shanghai"])


class SlotDefined(SlotEvent):
    """A slot recurs from now on."""

    type: ClassVar[str] = "content.slot.defined.v1"


class SlotChanged(SlotEvent):
    """A slot recurs otherwise from now on."""

    type: ClassVar[str] = "content.slot.changed.v1"


class SlotRetired(SlotEvent):
    """A slot recurs no more."""

    type: ClassVar[str] = "content.slot.retired.v1"


class OccurrenceEvent(Event):
    """One occurrence of a slot."""

    aggregate: ClassVar[str] = "occurrence"

    occurrence_id: UUID
    slot_id: UUID
    community_id: UUID
    group_id: UUID | None
    due_at: datetime


class OccurrenceGapForeseen(OccurrenceEvent):
    """A slot will soon fall due with nothing ready for it: told once, as long ahead as the slot asks."""

    type: ClassVar[str] = "content.occurrence.gap_foreseen.v1"

    standing: str = Field(description="empty, or at_risk when what it holds is not ready", examples=["empty"])
    fallback: bool = Field(description="a fallback is ready to stand in")


class OccurrenceMissed(OccurrenceEvent):
    """A slot fell due, and nothing was ready for it."""

    type: ClassVar[str] = "content.occurrence.missed.v1"


class OccurrenceHeld(OccurrenceEvent):
    """A slot fell due, and the activity that it holds was there."""

    type: ClassVar[str] = "content.occurrence.held.v1"

    activity_id: UUID
    on_time: bool


class DeliveryEvent(Event):
    """One item to one place at one time: by an occurrence of a slot, or sent."""

    aggregate: ClassVar[str] = "delivery"

    delivery_id: UUID
    community_id: UUID
    group_id: UUID | None = Field(description="only to this group; none: to all of the community")
    item_id: UUID
    slot_id: UUID | None = Field(description="none for what was sent")
    occurrence_id: UUID | None
    kind: str = Field(examples=["daily_topic"])
    theme_id: UUID | None
    fallback: bool = Field(description="the slot's fallback, because nothing else was ready")
    due_at: datetime


class DeliveryScheduled(DeliveryEvent):
    """An item was sent, and will go out at its time."""

    type: ClassVar[str] = "content.delivery.scheduled.v1"


class DeliveryDelivered(DeliveryEvent):
    """An item went out as a post: once, whatever crashed."""

    type: ClassVar[str] = "content.delivery.delivered.v1"

    post_id: UUID
    delivered_at: datetime
    on_time: bool = Field(description="within the tolerance of its slot")


class DeliverySkipped(DeliveryEvent):
    """Something due did not go out: too late for its policy, not ready, or the community not open."""

    type: ClassVar[str] = "content.delivery.skipped.v1"

    reason: str = Field(examples=["too-late"])


class DeliveryFailed(DeliveryEvent):
    """Something due could not go out: a rule or its persona forbids it, or publishing failed too often."""

    type: ClassVar[str] = "content.delivery.failed.v1"

    reason: str = Field(examples=["text-blocked"])


class DeliveryCancelled(DeliveryEvent):
    """What was sent was taken back before its time."""

    type: ClassVar[str] = "content.delivery.cancelled.v1"


CALENDAR_EVENTS: tuple[type[Event], ...] = (
    ThemeChanged,
    SlotDefined,
    SlotChanged,
    SlotRetired,
    OccurrenceGapForeseen,
    OccurrenceMissed,
    OccurrenceHeld,
    DeliveryScheduled,
    DeliveryDelivered,
    DeliverySkipped,
    DeliveryFailed,
    DeliveryCancelled,
)
