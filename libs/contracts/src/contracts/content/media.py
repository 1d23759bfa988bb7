"""Events of uploads."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class MediaEvent(Event):
    """One upload and whose it is; name and content stay in content."""

    aggregate: ClassVar[str] = "media"
    partners: ClassVar[bool] = False  # whose an upload is would tell who speaks as the brand

    media_id: UUID
    owner_id: PersonId | None = Field(
        description="the account that uploaded it; null where that is no longer known",
        examples=["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"],
    )
    kind: str = Field(description="image, avatar, audio, video or file", examples=["image"])


class MediaUploaded(MediaEvent):
    """An upload was finished, judged by its content and kept."""

    type: ClassVar[str] = "content.media.uploaded.v1"

    media_type: str = Field(description="by its content", examples=["image/jpeg"])
    size: int = Field(description="in bytes, of what is kept", examples=[245760])


class MediaErased(MediaEvent):
    """An upload is gone for good, whatever it stood in."""

    type: ClassVar[str] = "content.media.erased.v1"

    cause: str = Field(
        description="owner, staff, replaced (an avatar by a newer one), unused, or person (the account was erased)",
        examples=["owner"],
    )


MEDIA_EVENTS: tuple[type[Event], ...] = (MediaUploaded, MediaErased)
