"""What HTTP accepts and returns of forms."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output, TextMap
from members.screening.forms.policy import MOST_QUESTIONS, Question

EXAMPLE: dict[str, Any] = {
    "title": {"zh": "入群申请", "en": "Application"},
    "introduction": {"zh": "三个问题，一分钟。", "en": "Three questions, one minute."},
    "questions": [
        {
            "key": "level",
            "kind": "single",
            "label": {"zh": "你的英语水平？", "en": "How is your English?"},
            "options": [
                {"key": "beginner", "label": {"zh": "初学", "en": "Beginner"}, "points": 3},
                {
                    "key": "native",
                    "label": {"zh": "母语", "en": "Native"},
                    "knock_out": {"zh": "本群面向学习者。", "en": "This group is for learners."},
                },
            ],
        },
        {"key": "hours", "kind": "scale", "label": {"zh": "每周几小时？", "en": "Hours a week?"}, "points_per_step": 2},
        {"key": "rules", "kind": "consent", "label": {"zh": "我同意群规", "en": "I agree to the rules"}},
    ],
}


class FormWrite(Input):
    """A form, whole: it becomes the version in force; applications keep the version that they answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: TextMap
    introduction: LongTextMap = Field(default={}, description="what to know before answering")
    questions: list[Question] = Field(max_length=MOST_QUESTIONS)


class FormOut(Output):
    """A form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "version": 3,
                    "changed_at": "2026-11-22T07:30:00Z",
                    "can": ["edit"],
                }
            ]
        }
    )

    community_id: UUID
    title: dict[str, str]
    introduction: dict[str, str]
    questions: list[dict[str, Any]] = Field(
        description="as they were written; points and knock-outs only to managers and moderators"
    )
    version: int = Field(description="0 while nothing is asked")
    changed_at: datetime | None
    can: list[str] = Field(description="what this caller may do with it")
