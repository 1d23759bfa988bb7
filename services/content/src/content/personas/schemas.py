"""What HTTP accepts and returns of personas."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output, TextMap

MOST_COMMUNITIES = 500


def _each_once(ids: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))


Communities = Annotated[list[UUID], Field(max_length=MOST_COMMUNITIES), AfterValidator(_each_once)]


class BrandPersonaCreate(Input):
    """A persona to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": {"zh": "小英老师", "en": "Teacher Ying"}, "introduction": {"zh": "每天陪你读一段。"}}]
        }
    )

    name: TextMap
    introduction: LongTextMap = Field(default={})
    community_ids: Communities = Field(default=[], description="where it speaks; none: in every community")


class BrandPersonaUpdate(Input):
    """What to change of a persona; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"retired": True}]})

    name: TextMap | None = None
    introduction: LongTextMap | None = None
    community_ids: Communities | None = None
    retired: bool | None = Field(default=None, description="a retired persona says nothing new; what it said stays")


class BrandPersonaOut(Output):
    """A persona of the brand."""

    id: UUID
    name: dict[str, str] = Field(examples=[{"zh": "小英老师", "en": "Teacher Ying"}])
    introduction: dict[str, str] = Field(examples=[{"zh": "每天陪你读一段。"}])
    community_ids: list[UUID] = Field(description="where it speaks; none: in every community")
    retired_at: datetime | None
    version: int
