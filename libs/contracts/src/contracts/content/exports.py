"""Events of lists of content taken out as files."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class ContentExportStarted(Event):
    """Somebody took a list of content out as a file; what was in it is not told."""

    type: ClassVar[str] = "content.export.started.v1"
    aggregate: ClassVar[str] = "content_export"
    partners: ClassVar[bool] = False  # book-keeping of the brand

    export_id: UUID
    community_id: UUID
    list_name: str = Field(
        description="posts, comments, post-comments, post-reactions or comment-reactions", examples=["posts"]
    )
    subject_id: UUID | None = Field(description="the post or comment whose list it is; null: of the whole community")
    rows: int = Field(description="how many the list had when the file was begun", examples=[1200])
