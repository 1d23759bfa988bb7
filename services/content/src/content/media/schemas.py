"""What HTTP accepts and returns of media."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output
from content.media.policy import LARGEST, LARGEST_PART, LARGEST_WHOLE, Kind, State, Variant

LONGEST_GIVEN_NAME = 1000
MOST_AT_ONCE = 100
ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "GIF89a..."}
CONTENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": _BINARY},
    }
}
"""A body of bytes, for the document."""
BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes, as an attachment unless it is an image that was drawn here.",
        "content": {"application/octet-stream": _BINARY},
    },
    206: {"description": "The bytes that Range asked for.", "content": {"application/octet-stream": _BINARY}},
    304: {"description": "What If-None-Match names is still right."},
}
GivenName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_GIVEN_NAME)]


class MediaCreate(Input):
    """An upload to begin."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "image", "name": "海边.jpg", "size": 245760}]})

    kind: Kind = Field(description="; ".join(f"{kind} up to {size // 2**20} MiB" for kind, size in LARGEST.items()))
    name: GivenName = Field(description="only shown: folders and what cannot be seen are taken off")
    size: int = Field(ge=1, le=max(LARGEST.values()), description="of the whole file in bytes", examples=[245760])


class VariantOut(Output):
    """One of the things that there are of an upload."""

    url: str = Field(
        description="path and query at this address, readable without a token until `urls_expire_at`",
        examples=[f"/v1/media/{ID}/content/small?token=AZi3"],
    )
    media_type: str = Field(examples=["image/webp"])
    size: int = Field(examples=[18244])
    width: int | None = Field(description="of images", examples=[320])
    height: int | None = Field(description="of images", examples=[240])


class MediaOut(Output):
    """An upload as the caller sees it."""

    id: UUID
    kind: Kind
    state: State
    name: str = Field(description="as it may be shown", examples=["海边.jpg"])
    media_type: str | None = Field(description="by its content; null while it is uploaded", examples=["image/jpeg"])
    size: int = Field(description="in bytes; of an image what was kept of it", examples=[245760])
    offset: int = Field(description="how many bytes have arrived: go on from here", examples=[245760])
    largest_part: int = Field(
        description=f"how many bytes one request may bring: up to {LARGEST_WHOLE} at once, larger files in parts of {LARGEST_PART}",
        examples=[245760],
    )
    created_at: datetime
    expires_at: datetime | None = Field(description="when it is collected, while it is not finished")
    variants: dict[Variant, VariantOut] = Field(
        description="empty while it is uploaded; of images `large` and `small` beside `original`"
    )
    urls_expire_at: datetime | None
    version: int
    can: list[str] = Field(description="what the caller may do: upload, complete, delete", examples=[["delete"]])


class MediaAsked(Input):
    """Uploads to look up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": [ID]}]})

    ids: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)


class MediaFound(Output):
    """Those of the uploads that the caller may see."""

    data: list[MediaOut]


class MediaShown(Output):
    """An upload as it stands in a text, with addresses that need no token."""

    media_id: UUID
    kind: Kind
    media_type: str = Field(description="by its content", examples=["image/jpeg"])
    variants: dict[Variant, VariantOut]
    urls_expire_at: datetime


class AvatarsAsked(Input):
    """Accounts whose avatars to look up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"account_ids": [ID]}]})

    account_ids: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)


class AvatarOut(Output):
    """An account's avatar."""

    account_id: UUID
    media_id: UUID
    variants: dict[Variant, VariantOut]
    urls_expire_at: datetime


class AvatarsFound(Output):
    """The avatars of those of the accounts that have one."""

    data: list[AvatarOut]
