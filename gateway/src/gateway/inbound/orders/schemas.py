"""What HTTP accepts and returns of orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, StringConstraints

from chassis.schemas import Input, Output
from gateway.inbound.orders.policy import LARGEST_AMOUNT, Outcome

_ORDER: dict[str, JsonValue] = {
    "version": 3,
    "contact": "C-10017",
    "placed_at": "2026-11-22T07:30:00Z",
    "currency": "CNY",
    "amount_fen": 19900,
    "cancelled": False,
}
_REFUND: dict[str, JsonValue] = {
    "external_id": "RF-1",
    "amount_fen": 9900,
    "currency": "CNY",
    "refunded_at": "2026-11-23T07:30:00Z",
}
LATEST_VERSION = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact."""

ExternalId = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\s/\\\x00-\x1f\x7f-\x9f]([^/\\\x00-\x1f\x7f-\x9f]*[^\s/\\\x00-\x1f\x7f-\x9f])?$",
    ),
    Field(examples=["SO-20261122-0007"]),
]
SourceName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f-\x9f]+$"), Field(examples=["crm"])
]
Version = Annotated[
    int,
    Field(
        ge=1,
        le=LATEST_VERSION,
        examples=[3],
        description="the partner's own count of changes, or its time of change as a number: older news changes nothing",
    ),
]
Amount = Annotated[
    int, Field(ge=0, le=LARGEST_AMOUNT, examples=[19900], description="in the smallest unit of the currency")
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(examples=["CNY"], description="ISO 4217")]


class OrderPut(Input):
    """An order, whole: what is left out is nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ORDER]})

    source: SourceName = Field(default="crm", description="what the partner calls the system that it comes from")
    version: Version
    contact: ExternalId | None = Field(
        default=None, description="the partner's id of the buyer, as its contacts have it", examples=["C-10017"]
    )
    placed_at: AwareDatetime
    currency: Currency
    amount_fen: Amount
    cancelled: bool = False
    community_id: UUID | None = Field(default=None, description="to which the partner attributes it")
    post_id: UUID | None = Field(default=None, description="the piece of content to which the partner attributes it")


class RefundCreate(Input):
    """Money that was given back for an order. The same refund told again counts once."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REFUND]})

    source: SourceName = Field(default="crm", description="as the order's")
    external_id: ExternalId = Field(description="the refund's own id", examples=["RF-1"])
    version: Version = Field(default=1, description="higher when the refund itself is corrected")
    amount_fen: Amount
    currency: Currency
    refunded_at: AwareDatetime


class OrderOut(Output):
    """An order as it stands."""

    id: UUID
    client_id: UUID
    source: str = Field(examples=["crm"])
    external_id: str = Field(examples=["SO-20261122-0007"])
    order_version: int = Field(description="the partner's newest version", examples=[3])
    contact: str | None = Field(examples=["C-10017"])
    account_id: UUID | None = Field(description="the buyer; none while the contact is nobody of ours")
    community_id: UUID | None
    post_id: UUID | None
    placed_at: datetime
    currency: str = Field(examples=["CNY"])
    amount_fen: int = Field(examples=[19900])
    refunded_fen: int = Field(description="of it, what was given back so far", examples=[0])
    refunds_in_other_currencies: int = Field(
        description="refunds that came before it and do not count, for they are in another currency", examples=[0]
    )
    cancelled: bool
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="ours; every change counts, the buyer's becoming known too", examples=[1])


class OrderWritten(Output):
    """What became of news of an order, and the order as it stands."""

    outcome: Outcome = Field(description="repeated: this version was known; stale: a newer one was")
    order: OrderOut | None = Field(description="none for a refund that is kept until its order is told")
