"""Events of engagement. Pulse only listens; orders are told by value, activities and what channels carried as the calendar needs them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class OrderEvent(Event):
    """An order as a partner's system tells it, whole, so that the newest version is all that counts, whatever the order of arrival.

    What was bought, for whom and where it goes stays with the partner. Amounts are integers in the smallest unit of the currency.
    """

    aggregate: ClassVar[str] = "order"
    personal: ClassVar[bool] = True

    order_id: UUID
    account_id: PersonId | None = Field(description="the buyer, none while nobody of ours is known to be it")
    community_id: UUID | None = Field(description="to which it is attributed; none while to none")
    source: str = Field(description="the system that it comes from", examples=["crm"])
    external_id: str = Field(description="its id there, unique within the source", examples=["SO-20261122-0007"])
    placed_at: datetime
    currency: str = Field(description="ISO 4217", examples=["CNY"])
    amount_fen: int = Field(
        description="what was to be paid, in the smallest unit, tax included", ge=0, examples=[19900]
    )
    reversed_fen: int = Field(description="of it, what was given back so far; all of it when it was cancelled", ge=0)
    cancelled: bool = Field(description="nothing of it stands")
    post_id: UUID | None = Field(
        default=None, description="the piece of content to which it is attributed; none while to none"
    )


class OrderRecorded(OrderEvent):
    """An order came to be known, or what is known of it was corrected: its buyer, its community, its amount."""

    type: ClassVar[str] = "engagement.order.recorded.v1"


class OrderReversed(OrderEvent):
    """An order was cancelled, or money given back for it, in whole or in part."""

    type: ClassVar[str] = "engagement.order.reversed.v1"


class ActivityState(StrEnum):
    """The life of an activity."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ENDED = "ended"
    CANCELLED = "cancelled"


class ActivityEvent(Event):
    """What others need to know of an activity, whole, so that a projection needs the newest only; its words stay in engagement."""

    aggregate: ClassVar[str] = "activity"

    activity_id: UUID
    community_id: UUID
    group_id: UUID | None = Field(description="only for this group; none: for all of the community")
    state: ActivityState
    starts_at: datetime
    ends_at: datetime | None


class ActivityPublished(ActivityEvent):
    """An activity states its theme, purpose and method, and may be taken part in."""

    type: ClassVar[str] = "engagement.activity.published.v1"


class ActivityChanged(ActivityEvent):
    """An activity was drafted, its times or its state changed."""

    type: ClassVar[str] = "engagement.activity.changed.v1"


class DeliveryReached(Event):
    """A channel has carried a delivery of content's calendar to so many people by now; told when it begins and as it goes on."""

    type: ClassVar[str] = "engagement.reach.counted.v1"
    aggregate: ClassVar[str] = "reach"

    reach_id: UUID = Field(description="of this delivery on this channel")
    delivery_id: UUID
    community_id: UUID
    channel: str = Field(description="in_app, email, sms or wechat", examples=["in_app"])
    reached_at: datetime = Field(description="when it had reached the first of them")
    recipients: int = Field(ge=0, description="people whom it has reached there so far", examples=[120])


class EngagementExportStarted(Event):
    """Somebody took a list of engagement out as a file; what was in it is not told."""

    type: ClassVar[str] = "engagement.export.started.v1"
    aggregate: ClassVar[str] = "engagement_export"
    partners: ClassVar[bool] = False  # book-keeping of the brand

    export_id: UUID
    community_id: UUID
    list_name: str = Field(description="which list: pulse or orders", examples=["pulse"])
    rows: int = Field(description="how many the list had when the file was begun", examples=[52])


EVENTS: tuple[type[Event], ...] = (
    OrderRecorded,
    OrderReversed,
    ActivityPublished,
    ActivityChanged,
    DeliveryReached,
    EngagementExportStarted,
)
