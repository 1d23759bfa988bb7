"""What HTTP returns of orders."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output

_ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class OrderOut(Output):
    """An order as the partner told it last. Amounts are integers in the smallest unit of the currency: fen for CNY."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "account_id": _ID,
                    "community_id": _ID,
                    "post_id": None,
                    "client_id": _ID,
                    "source": "crm",
                    "external_id": "SO-20261122-0007",
                    "placed_at": "2026-11-22T07:30:00Z",
                    "currency": "CNY",
                    "amount_fen": 19900,
                    "reversed_fen": 9900,
                    "net_fen": 10000,
                    "cancelled": False,
                    "version": 2,
                }
            ]
        }
    )

    id: UUID
    account_id: UUID | None = Field(description="the buyer; null while nobody of ours is known to be it, or erased")
    community_id: UUID = Field(description="to which the partner puts it down")
    post_id: UUID | None = Field(description="the piece of content to which the partner puts it down")
    client_id: UUID = Field(description="the partner's API client that told it")
    source: str = Field(description="the partner's system that it comes from")
    external_id: str = Field(description="its id there, unique within client and source")
    placed_at: datetime
    currency: str = Field(description="ISO 4217")
    amount_fen: int = Field(ge=0, description="what was to be paid")
    reversed_fen: int = Field(ge=0, description="of it, what was given back; all of it when it was cancelled")
    net_fen: int = Field(ge=0, description="what is left")
    cancelled: bool = Field(description="nothing of it stands")
    version: int = Field(ge=1, description="rises with every correction")


class OrderTotal(Output):
    """The orders of one currency together."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "currency": "CNY",
                    "orders": 12,
                    "standing": 11,
                    "buyers": 7,
                    "amount_fen": 238800,
                    "reversed_fen": 19900,
                    "net_fen": 218900,
                }
            ]
        }
    )

    currency: str = Field(description="ISO 4217")
    orders: int = Field(ge=1, description="all of them")
    standing: int = Field(ge=0, description="of them, neither cancelled nor given back in whole")
    buyers: int = Field(ge=0, description="accounts with an order that stands")
    amount_fen: int = Field(ge=0)
    reversed_fen: int = Field(ge=0)
    net_fen: int = Field(ge=0, description="amount less what was given back")


class OrderTotalsOut(Output):
    """What orders come to, by currency; nothing is converted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "data": [
                        {
                            "currency": "CNY",
                            "orders": 12,
                            "standing": 11,
                            "buyers": 7,
                            "amount_fen": 238800,
                            "reversed_fen": 19900,
                            "net_fen": 218900,
                        }
                    ]
                }
            ]
        }
    )

    data: list[OrderTotal]
