"""What HTTP accepts and returns of reviews."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class ReviewNote(Input):
    """What the second person says to the writer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "The second paragraph promises too much."}]})

    note: Note | None = None


class ReviewOut(Output):
    """A second person's decision on what a piece said."""

    id: UUID
    post_id: UUID
    revision: int = Field(description="the revision that was read, or that new words became", examples=[1])
    writer_id: UUID
    reviewer_id: UUID
    decision: Literal["approved", "returned"]
    note: str | None = Field(examples=["The second paragraph promises too much."])
    decided_at: datetime
