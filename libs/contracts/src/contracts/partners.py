"""Events that partners cause through the gateway: orders and refunds that they tell us, and what becomes of their endpoints."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class PartnerOrderEvent(Event):
    """An order as a partner's system told it, whole, so that the newest version is all that counts, whatever the order of arrival.

    What was bought, for whom and where it goes stays with the partner. Amounts are integers in the smallest unit of the currency.
    """

    aggregate: ClassVar[str] = "partner_order"
    personal: ClassVar[bool] = True

    order_id: UUID = Field(description="ours; the same for every version of the order")
    client_id: UUID = Field(description="the partner's API client")
    source: str = Field(description="what the partner calls the system that it comes from", examples=["crm"])
    external_id: str = Field(description="its id there, unique within client and source", examples=["SO-20261122-0007"])
    account_id: PersonId | None = Field(description="the buyer; none while the partner's contact is nobody of ours")
    community_id: UUID | None = Field(description="to which the partner attributes it; none while to none")
    post_id: UUID | None = Field(default=None, description="the piece of content to which the partner attributes it")
    placed_at: datetime
    currency: str = Field(description="ISO 4217", examples=["CNY"])
    amount_fen: int = Field(
        description="what was to be paid, in the smallest unit, tax included", ge=0, examples=[19900]
    )
    refunded_fen: int = Field(description="of it, what was given back so far", ge=0, examples=[0])
    cancelled: bool = Field(description="nothing of it stands")


class PartnerOrderRecorded(PartnerOrderEvent):
    """A partner told of an order, or corrected what it had told: its buyer, its community, its amount."""

    type: ClassVar[str] = "partners.order.recorded.v1"


class PartnerOrderRefunded(PartnerOrderEvent):
    """A partner told that an order was cancelled, or that money was given back for it, in whole or in part."""

    type: ClassVar[str] = "partners.order.refunded.v1"


class EndpointDisabling(StrEnum):
    """Why an endpoint gets nothing any more."""

    BY_HAND = "by_hand"
    """Somebody turned it off."""
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Nothing but failures for five days."""
    CLIENT_WITHDRAWN = "client_withdrawn"
    """The partner's API client was withdrawn."""


class EndpointEvent(Event):
    """What others may know of an endpoint; its address and its keys stay in the gateway."""

    aggregate: ClassVar[str] = "endpoint"

    endpoint_id: UUID
    client_id: UUID

    def confined_to(self) -> UUID:
        """Return the partner whose it is."""
        return self.client_id


class EndpointChanged(EndpointEvent):
    """An endpoint was made, changed, enabled, given another key, or deleted."""

    type: ClassVar[str] = "partners.endpoint.changed.v1"

    enabled: bool
    deleted: bool


class EndpointDisabled(EndpointEvent):
    """An endpoint gets nothing until somebody enables it again; what it would have got waits."""

    type: ClassVar[str] = "partners.endpoint.disabled.v1"

    reason: EndpointDisabling
    failing_since: datetime | None = Field(description="since when it did nothing but fail; none when it did not")


class EndpointSecretsRead(Event):
    """Somebody looked at the keys by which an endpoint verifies what it gets. Each look is one aggregate."""

    type: ClassVar[str] = "partners.endpoint_secrets.read.v1"
    aggregate: ClassVar[str] = "endpoint_secrets_reading"
    partners: ClassVar[bool] = False  # book-keeping of the brand

    reading_id: UUID
    endpoint_id: UUID
    client_id: UUID


class SourceChanged(Event):
    """A place from which a partner's webhooks are taken was made, changed, closed, or given another mapping or key."""

    type: ClassVar[str] = "partners.source.changed.v1"
    aggregate: ClassVar[str] = "source"

    source_id: UUID
    client_id: UUID
    open: bool

    def confined_to(self) -> UUID:
        """Return the partner whose it is."""
        return self.client_id


EVENTS: tuple[type[Event], ...] = (
    PartnerOrderRecorded,
    PartnerOrderRefunded,
    EndpointChanged,
    EndpointDisabled,
    EndpointSecretsRead,
    SourceChanged,
)
