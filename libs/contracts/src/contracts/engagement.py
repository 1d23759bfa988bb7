"""Events of engagement. Pulse only listens, but for what is taken out of it; orders are told by value."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class OrderEvent(Event):
    """An order as a partner's system tells it, whole, so that the newest version is all that counts, whatever the order of arrival.

    What was bought, for whom and where it goes stays with the partner. Amounts are integers in the smallest unit of the currency.
    """

    aggregate: ClassVar[str] = "order"

    order_id: UUID
    account_id: UUID | None = Field(description="the buyer, none while nobody of ours is known to be it")
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


class OrderRecorded(OrderEvent):
    """An order came to be known, or what is known of it was corrected: its buyer, its community, its amount."""

    type: ClassVar[str] = "engagement.order.recorded.v1"


class OrderReversed(OrderEvent):
    """An order was cancelled, or money given back for it, in whole or in part."""

    type: ClassVar[str] = "engagement.order.reversed.v1"


class EngagementExportStarted(Event):
    """Somebody took a list of engagement out as a file; what was in it is not told."""

    type: ClassVar[str] = "engagement.export.started.v1"
    aggregate: ClassVar[str] = "engagement_export"

    export_id: UUID
    community_id: UUID
    list_name: str = Field(description="which list; pulse so far", examples=["pulse"])
    rows: int = Field(description="how many the list had when the file was begun", examples=[52])


EVENTS: tuple[type[Event], ...] = (OrderRecorded, OrderReversed, EngagementExportStarted)
