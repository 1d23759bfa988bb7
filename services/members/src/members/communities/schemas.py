"""What HTTP accepts and returns of communities."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output, Slug, TextMap, Zone
from contracts.members import CommunityState

EXAMPLE: dict[str, Any] = {
    "name": {"zh": "英语学习社群", "en": "English learners"},
    "slug": "english-learning",
    "zone": "Asia/Shanghai",
    "description": {"zh": "每天一起学一点。", "en": "A little every day, together."},
}


class CommunityCreate(Input):
    """A new community. It starts as a draft, which takes imports and staff posts; `open` lets members in."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: TextMap = Field(description="language → name")
    slug: Slug = Field(description="unique in the organization; stands in addresses and commands")
    zone: Zone = Field(description="IANA time zone in which the community lives: its schedule and its figures")
    description: LongTextMap = Field(default={}, description="language → what it is about")


class CommunityUpdate(Input):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"zone": "Europe/Berlin"}]})

    name: TextMap | None = None
    slug: Slug | None = None
    zone: Zone | None = None
    description: LongTextMap | None = None


class CommunityOut(Output):
    """A community."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "state": "draft",
                    "created_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "can": ["edit", "import", "open", "archive"],
                }
            ]
        },
    )

    id: UUID
    slug: str
    name: dict[str, str]
    description: dict[str, str]
    zone: str
    state: CommunityState
    created_at: datetime
    version: int
    can: list[str] = Field(description="what this caller may do with it")
