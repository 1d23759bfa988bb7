"""What HTTP returns of worth."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output

FIGURES: dict[str, Any] = {
    "readers": 80,
    "saves": 4,
    "discussants": 9,
    "repliers": 3,
    "compared": 60,
    "returned": 33,
    "expected": 24.5,
    "uplift": 0.1417,
    "referrals": 1,
    "orders": 2,
}
ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
WORTH: dict[str, Any] = {
    "post_id": ID,
    "kind": "article",
    "title": "三步记住一个词",
    "theme_id": ID,
    "group_id": None,
    "promotion": False,
    "origin": "live",
    "state": "published",
    "published_at": "2026-11-20T12:00:00Z",
    "score": 74.42,
    "points": 291.0,
    "score_version": 1,
    "figures": FIGURES,
    "counted_at": "2026-11-22T07:30:00Z",
}


class FiguresOut(Output):
    """What a piece did, in people; staff, bots and its author are in none of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [FIGURES]})

    readers: int = Field(description="people who read it")
    saves: int = Field(description="people who keep it")
    discussants: int = Field(description="people who commented on it")
    repliers: int = Field(description="of the discussants, those who answered somebody else in its threads")
    compared: int = Field(
        description="readers whose next day is over and who had been members for 7 days or more: they have a habit"
    )
    returned: int = Field(description="of those compared, who were active on the day after they first read it")
    expected: float = Field(
        description="how many of those compared would have been by habit: the sum of their shares of active days, of 28 days before"
    )
    uplift: float | None = Field(description="(returned - expected) / compared, -1 to 1; null for nobody compared")
    referrals: int = Field(description="referrals that stand and are put down to it")
    orders: int = Field(description="orders that stand and are put down to it")


class WorthOut(Output):
    """What a piece did for its readers, and the score of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [WORTH]})

    post_id: UUID
    kind: str
    title: str | None
    theme_id: UUID | None
    group_id: UUID | None
    promotion: bool = Field(description="it sells, where others give")
    origin: str = Field(description="live or import; of what was imported only what was done here is known")
    state: str = Field(description="published or expired")
    published_at: datetime
    score: float = Field(description="100 · points / (points + 100), 0 to 100")
    points: float = Field(description="the figures, weighed as docs/worth.md says; pieces are ranked by them")
    score_version: int = Field(description="version of the formula")
    figures: FiguresOut
    counted_at: datetime | None = Field(description="when; null before the first time")


class WeekOut(Output):
    """What the brand said in an ISO week."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"week": "2026-W47", "begins_on": "2026-11-16", "value": 9, "promotion": 2, "ratio": 4.5}]
        }
    )

    week: str = Field(description="as ISO 8601 names it")
    begins_on: date = Field(description="its Monday")
    value: int = Field(description="pieces that serve")
    promotion: int = Field(description="pieces that sell, by themselves or by their theme")
    ratio: float | None = Field(description="value for each promotion; null when nothing sells")


class BalanceOut(Output):
    """How what the brand said is balanced between serving and selling."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "since": "2026-11-16",
                    "until": "2026-11-22",
                    "value": 9,
                    "promotion": 2,
                    "ratio": 4.5,
                    "weeks": [
                        {"week": "2026-W47", "begins_on": "2026-11-16", "value": 9, "promotion": 2, "ratio": 4.5}
                    ],
                }
            ]
        }
    )

    since: date
    until: date
    value: int = Field(description="pieces that serve, in all weeks")
    promotion: int = Field(description="pieces that sell, in all weeks")
    ratio: float | None = Field(description="value for each promotion, over all weeks; null when nothing sells")
    weeks: list[WeekOut] = Field(description="the oldest first; weeks of silence too")
