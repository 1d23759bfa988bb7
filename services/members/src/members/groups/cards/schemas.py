"""What HTTP accepts and returns of cards."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output, TextMap
from members.memberships.schemas import MemberCard

MOST_RULES = 50
EXAMPLE: dict[str, Any] = {
    "purpose": {"zh": "每天开口说三句英语", "en": "Three spoken sentences every day"},
    "rules": [
        {
            "text": {"zh": "不发广告", "en": "No advertising"},
            "interpretation": {
                "zh": "课程链接也算;分享资料请先问群主。",
                "en": "Links to courses count too; ask a host before you share materials.",
            },
        }
    ],
    "times": {"zh": "每天 20:00 话题,周六直播", "en": "A topic at 20:00 daily, live on Saturdays"},
}


class CardRule(Input):
    """One rule of a card, and how it is meant."""

    text: TextMap
    interpretation: LongTextMap = Field(default={}, description="how the rule is meant, with examples")


class CardWrite(Input):
    """The pieces to write; what is left out stays, an empty one is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    purpose: LongTextMap | None = Field(default=None, description="what the group is for")
    rules: list[CardRule] | None = Field(
        default=None, max_length=MOST_RULES, description="written here until the rulebook stands"
    )
    times: LongTextMap | None = Field(default=None, description="when what happens here, in words")


class CardOut(Output):
    """A card (群名片). Its page beside it, `…/card/page`, has what is pinned and what comes next with it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    "group_id": None,
                    "name": {"zh": "英语学习社群", "en": "English learners"},
                    **EXAMPLE,
                    "hosts": [
                        {
                            "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11",
                            "display_name": "小雨 Rain",
                            "avatar_url": None,
                        }
                    ],
                    "version": 2,
                    "changed_at": "2026-11-22T07:30:00Z",
                    "can": ["write_card"],
                }
            ]
        }
    )

    community_id: UUID
    group_id: UUID | None = Field(description="none: the community's own card")
    name: dict[str, str] = Field(description="of the community or the group")
    purpose: dict[str, str]
    rules: list[CardRule]
    times: dict[str, str]
    hosts: list[MemberCard] = Field(description="of the group; of the community its managers, the first twenty")
    version: int = Field(description="0 before anything was written")
    changed_at: datetime | None
    can: list[str] = Field(description="what this caller may do with it")
