"""What HTTP accepts and returns of notes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output
from members.memberships.notes.policy import LONGEST
from members.memberships.schemas import MemberCard

NoteText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST),
    Field(description="1 to 4,000 characters; the member never sees them"),
]
BODY = "周三通过电话,想加入口语小组。"
ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class NoteWrite(Input):
    """A note's words."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": BODY}]})

    body: NoteText


class NoteOut(Output):
    """A note of staff on a member."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "membership_id": ID,
                    "author": {"id": ID, "display_name": "阿林", "avatar_url": None},
                    "body": BODY,
                    "written_at": "2026-11-20T09:00:00Z",
                    "edited_at": None,
                    "edited_by": None,
                    "version": 1,
                    "can": ["edit", "delete"],
                }
            ]
        }
    )

    id: UUID
    membership_id: UUID
    author: MemberCard
    body: str
    written_at: datetime
    edited_at: datetime | None
    edited_by: UUID | None = Field(description="the account that edited it last")
    version: int
    can: list[str] = Field(description="what this caller may do with it: `edit`, `delete`")
