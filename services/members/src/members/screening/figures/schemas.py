"""What HTTP returns of what doors brought."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output

EXAMPLE: dict[str, Any] = {
    "channel": "wechat-article",
    "opens": 210,
    "applications": 64,
    "joins": 57,
    "members": 52,
    "active": 31,
    "still_here": [{"days": 7, "joined": 50, "here": 41, "active": 22}],
    "value_reached": 24,
    "orders": [{"currency": "CNY", "orders": 9, "buyers": 8, "amount_fen": 179_100}],
}


class StillHere(Output):
    """Of those who joined so long ago, who stayed, and who is active."""

    days: int = Field(examples=[7])
    joined: int = Field(description="joined at least so many days ago", examples=[50])
    here: int = Field(description="of them, who still belonged so many days after joining", examples=[41])
    active: int = Field(description="of them, who belong now and did something in the last so many days", examples=[22])


class OrderFigures(Output):
    """Orders in one currency, less what was cancelled or given back."""

    currency: str = Field(description="ISO 4217", examples=["CNY"])
    orders: int = Field(description="of which something stands", examples=[9])
    buyers: int = Field(examples=[8])
    amount_fen: int = Field(description="in the currency's smallest unit, less what was given back", examples=[179_100])


class Figures(Output):
    """What a door or a channel brought."""

    channel: str = Field(examples=["wechat-article"])
    opens: int = Field(
        description="how often the door was looked at, by people and by programs that preview links", examples=[210]
    )
    applications: int = Field(examples=[64])
    joins: int = Field(description="applications that were approved", examples=[57])
    members: int = Field(description="of them, who belong now", examples=[52])
    active: int = Field(description="of them, who did something in the last 30 days", examples=[31])
    still_here: list[StillHere]
    value_reached: int = Field(
        description="people who had a moment of value; who came through several doors counts for the last",
        examples=[24],
    )
    orders: list[OrderFigures] = Field(description="by currency, of the same people")


class EntryLinkFigures(Figures):
    """What a door brought."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"link_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10", **EXAMPLE}]}
    )

    link_id: UUID


class ChannelFigures(Figures):
    """What all doors of a channel brought together."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "links": 3}]})

    links: int = Field(description="doors of the channel, those that were closed too")
