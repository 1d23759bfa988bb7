"""What HTTP accepts and returns of charters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output

EXAMPLE: dict[str, Any] = {
    "audience": {"zh": "想开口说英语的上班族", "en": "People with a job who want to speak English"},
    "need": {"zh": "学了多年还不敢开口", "en": "Years of study, and still afraid to speak"},
    "activity": {"zh": "每天一个话题，说三句话", "en": "A topic a day, three sentences from everyone"},
    "voice": {"zh": "小雨老师和两位助教", "en": "Rain, the teacher, and two assistants"},
    "offering": {"zh": "材料、纠音、每周直播", "en": "Materials, corrections, a live hour a week"},
    "promise": {"zh": "三个月敢开口", "en": "In three months you dare to speak"},
    "business_link": {"zh": "学员升级到小班课", "en": "Learners move up to small classes"},
}

Version = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[1])]
"""A version that something is kept in."""


class CharterWrite(Input):
    """The pieces to write, each a map of language to text; what is left out stays, an empty map takes a piece back."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    audience: LongTextMap | None = Field(default=None, description="whom the community is for")
    need: LongTextMap | None = Field(default=None, description="their need and pain")
    activity: LongTextMap | None = Field(default=None, description="what a member does here")
    voice: LongTextMap | None = Field(default=None, description="who speaks for the brand")
    offering: LongTextMap | None = Field(default=None, description="the product or service that meets the need")
    promise: LongTextMap | None = Field(default=None, description="the value that a member can count on")
    business_link: LongTextMap | None = Field(default=None, description="how this serves the business")


class CharterOut(Output):
    """A charter."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    "content": EXAMPLE,
                    "missing": [],
                    "version": 3,
                    "changed_by": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11",
                    "changed_at": "2026-11-22T07:30:00Z",
                    "can": ["edit"],
                }
            ]
        }
    )

    community_id: UUID
    content: dict[str, dict[str, str]] = Field(description="piece → language → text")
    missing: list[str] = Field(description="pieces that say nothing yet")
    version: int = Field(description="0 before anything was written")
    changed_by: UUID | None
    changed_at: datetime | None
    can: list[str] = Field(description="what this caller may do with it")
