"""What HTTP accepts and returns of tags."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class TagMany(Input):
    """The memberships to tag, all of them or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"membership_ids": [ID]}]})

    membership_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class TagManyOut(Output):
    """What bulk tagging did."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tagged": 3, "unchanged": 1}]})

    tagged: int = Field(description="memberships that did not have the tag before")
    unchanged: int = Field(description="memberships that had it already")


class MembershipTags(Output):
    """The tags of a membership."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"membership_id": ID, "tags": ["老用户", "mentor"]}]})

    membership_id: UUID
    tags: list[str] = Field(description="in the order of their characters")


class TagCount(Output):
    """A tag, and how many members have it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tag": "老用户", "members": 37}]})

    tag: str
    members: int = Field(description="approved members with the tag")
