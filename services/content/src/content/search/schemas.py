"""What HTTP returns of a search."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output
from contracts.content import SubjectKind

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class RangeOut(Output):
    """A hit in a text, by characters (Unicode code points): from `start` up to and without `end`."""

    start: int = Field(examples=[4])
    end: int = Field(examples=[6])


class HighlightedOut(Output):
    """A text with its hits. It is plain text: escape it before it is shown as HTML."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "今天的单词", "ranges": [{"start": 3, "end": 5}]}]}
    )

    text: str
    ranges: list[RangeOut]


class SearchHitOut(Output):
    """A post or a comment that a search found."""

    subject_kind: SubjectKind
    subject_id: UUID
    post_id: UUID = Field(description="the post itself, or the one that the comment is on")
    author_id: UUID | None = Field(description="null where a persona of the brand speaks")
    said_at: datetime
    title: HighlightedOut | None = Field(description="the post's title, of a comment the title of its post")
    snippet: HighlightedOut = Field(description="the part of its text around the first hit")
