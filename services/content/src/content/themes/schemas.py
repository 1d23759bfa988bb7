"""What HTTP accepts and returns of themes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output, TextMap

THEME: dict[str, Any] = {
    "name": {"zh": "每日一词", "en": "A word a day"},
    "description": {"zh": "一个词,一个例句。", "en": "One word, one sentence."},
    "target_share": 40,
    "promotion": False,
}
IDS = {"id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10", "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11"}


class ThemeCreate(Input):
    """A theme, and how much of what is said it is to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [THEME]})

    name: TextMap
    description: LongTextMap = Field(default_factory=dict)
    target_share: int = Field(ge=0, le=100, description="hundredths of the mix; all themes together at most 100")
    promotion: bool = Field(default=False, description="sells rather than serves: counts against value")


class ThemeUpdate(Input):
    """What to change of a theme; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target_share": 30}]})

    name: TextMap | None = None
    description: LongTextMap | None = None
    target_share: int | None = Field(default=None, ge=0, le=100)
    promotion: bool | None = None


class ThemeOut(Output):
    """A theme."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**IDS, **THEME, "retired_at": None, "version": 1, "can": ["edit", "retire"]}]}
    )

    id: UUID
    community_id: UUID
    name: dict[str, str]
    description: dict[str, str]
    target_share: int
    promotion: bool
    retired_at: datetime | None
    version: int
    can: list[str] = Field(description="what the caller may do: edit, retire")


class ThemeShare(Output):
    """One theme in the mix."""

    theme_id: UUID | None = Field(description="null: what stands under no theme")
    count: int = Field(description="pieces", examples=[8])
    share: float = Field(description="hundredths of all", examples=[40.0])
    target: int = Field(description="hundredths", examples=[50])
    gap: float = Field(description="share less target: what is below zero is missing", examples=[-10.0])


class ThemeMix(Output):
    """The mix of themes against its target."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "since": "2026-11-01",
                    "until": "2026-11-28",
                    "said": [{"theme_id": IDS["id"], "count": 8, "share": 40.0, "target": 50, "gap": -10.0}],
                    "planned": [],
                    "distance": 10.0,
                }
            ]
        }
    )

    since: date
    until: date
    said: list[ThemeShare] = Field(description="published on these days, what is missing most first")
    planned: list[ThemeShare] = Field(
        description="due on these days and not yet settled, by the item's theme or the slot's"
    )
    distance: float = Field(description="hundredths by which the target is missed by what was said; 0 is as planned")
