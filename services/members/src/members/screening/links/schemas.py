"""What HTTP accepts and returns of entry links."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output, TextMap
from members.memberships.tags.policy import Tag
from members.screening.links.policy import Closed, Kind

TOKEN = "Zm9vYmFyYmF6cXV4MTIzNA"  # noqa: S105  an example
EXAMPLE: dict[str, Any] = {
    "kind": "qr",
    "channel": "wechat-article",
    "title": {"zh": "公众号文末", "en": "End of the article"},
    "most": 200,
    "tags": ["from-article"],
}

Channel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$"), Field(examples=["wechat-article"])]
Most = Annotated[int, Field(ge=1, le=10_000_000)]
Tags = Annotated[list[Tag], Field(max_length=20)]


class EntryLinkCreate(Input):
    """A new door."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    kind: Kind = Kind.LINK
    channel: Channel = Field(description="where people see it; figures are compared by it")
    title: TextMap = Field(description="for staff")
    most: Most | None = Field(default=None, description="how many may come through; an application reserves its place")
    expires_at: AwareDatetime | None = Field(default=None, examples=["2027-01-01T00:00:00Z"])
    tags: Tags = Field(default=[], description="given to everybody who comes through and is let in")
    group_id: UUID | None = Field(default=None, description="an open group of the community that it leads to")


class EntryLinkUpdate(Input):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"most": 300}]})

    channel: Channel | None = None
    title: TextMap | None = None
    most: Most | None = Field(default=None, description="null for any number")
    expires_at: AwareDatetime | None = Field(
        default=None, description="null for never", examples=["2027-01-01T00:00:00Z"]
    )
    tags: Tags | None = None
    group_id: UUID | None = Field(default=None, description="null for none")
    withdrawn: bool | None = Field(default=None, description="true closes the door, false opens it again")


class EntryLinkOut(Output):
    """A door, for those who manage it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "token": TOKEN,
                    "path": f"/v1/entry-links/{TOKEN}",
                    "address": f"https://learn.example.com/join/{TOKEN}",
                    "used": 57,
                    "group_id": None,
                    "expires_at": "2027-01-01T00:00:00Z",
                    "closed": None,
                    "created_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "can": ["edit", "withdraw"],
                }
            ]
        },
    )

    id: UUID
    kind: Kind
    channel: str
    title: dict[str, str]
    token: str = Field(description="22 characters: the scene of a QR code, the end of an address")
    path: str = Field(description="what the token opens, for anybody; a frontend's own address carries the token")
    address: str = Field(description="of the brand's frontend, as its QR code says it")
    most: int | None
    used: int = Field(description="applications through it that are open or approved")
    tags: list[str]
    group_id: UUID | None
    expires_at: AwareDatetime | None
    closed: Closed | None = Field(description="why it lets nobody in; null while it does")
    created_at: AwareDatetime
    version: int
    can: list[str] = Field(description="what this caller may do with it")


class DoorOut(Output):
    """What anybody with the token sees: the community and what it asks. Nothing of anybody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    "name": {"zh": "英语学习社群", "en": "English learners"},
                    "description": {"zh": "每天一起学一点。", "en": "A little every day, together."},
                    "closed": None,
                    "form_version": 1,
                    "form_title": {"zh": "入群申请", "en": "Application"},
                    "introduction": {},
                    "questions": [{"key": "rules", "kind": "consent", "label": {"zh": "我同意群规"}, "required": True}],
                }
            ]
        }
    )

    community_id: UUID
    name: dict[str, str]
    description: dict[str, str]
    closed: Closed | None = Field(description="why nobody can come through now; null while one can")
    form_version: int = Field(description="0 while nothing is asked")
    form_title: dict[str, str]
    introduction: dict[str, str]
    questions: list[dict[str, Any]]
