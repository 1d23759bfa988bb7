"""What HTTP accepts and returns of groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output, TextMap
from contracts.members import GroupDimension, GroupState
from members.groups.policy import MOST_HOSTS
from members.memberships.schemas import MemberCard

LARGEST_CAPACITY = 1_000_000
MOST_ADDED = 200
ACCOUNT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11"
GROUP = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a12"
EXAMPLE: dict[str, Any] = {
    "dimension": "interest",
    "name": {"zh": "口语角", "en": "Speaking corner"},
    "capacity": 50,
    "self_join": True,
}

Hosts = Annotated[list[UUID], Field(max_length=MOST_HOSTS, description="accounts of members", examples=[[ACCOUNT]])]
Capacity = Annotated[int, Field(ge=1, le=LARGEST_CAPACITY, description="when it is reached, the next group opens")]


class GroupCreate(Input):
    """A new group. When it is full its next opens by itself: the same with a number behind its name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "hosts": [ACCOUNT]}]})

    dimension: GroupDimension
    name: TextMap = Field(description="language → name")
    hosts: Hosts = Field(default=[])
    capacity: Capacity | None = None
    self_join: bool = Field(default=False, description="whether members may join of their own accord")


class GroupUpdate(Input):
    """What to change; what is left out stays. `capacity: null` takes the limit off."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"capacity": 80, "state": "open"}]})

    name: TextMap | None = None
    hosts: Hosts | None = None
    capacity: Capacity | None = None
    state: GroupState | None = Field(default=None, description="a closed group takes nobody, its members stay")
    self_join: bool | None = None


class GroupOut(Output):
    """A group."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": GROUP,
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    "series_id": GROUP,
                    "ordinal": 1,
                    **EXAMPLE,
                    "hosts": [{"id": ACCOUNT, "display_name": "小雨 Rain", "avatar_url": None}],
                    "members": 37,
                    "state": "open",
                    "joined": False,
                    "created_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "can": ["join"],
                }
            ]
        }
    )

    id: UUID
    community_id: UUID
    series_id: UUID = Field(description="the first of the groups that opened one after the other")
    ordinal: int = Field(description="place in the series, from 1")
    dimension: GroupDimension
    name: dict[str, str]
    hosts: list[MemberCard]
    capacity: int | None
    members: int
    state: GroupState
    self_join: bool
    joined: bool = Field(description="whether the caller is in it")
    created_at: datetime
    version: int = Field(description="of what managers set; joining and leaving do not move it")
    can: list[str] = Field(description="what this caller may do with it")


class GroupMembersAdd(Input):
    """Members to bring into a group."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"account_ids": [ACCOUNT]}]})

    account_ids: list[UUID] = Field(min_length=1, max_length=MOST_ADDED)


class GroupMove(Input):
    """Where to move a member."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": GROUP}]})

    to: UUID = Field(description="another group of the community")


class GroupPlacedOut(Output):
    """What became of one who was to come into a group."""

    account_id: UUID
    outcome: Literal["joined", "existing", "not_a_member", "closed", "too_many"] = Field(
        description="existing: in this group or in another of its series already"
    )
    group_id: UUID | None = Field(description="the group it is: the next one, when the one that was asked for is full")


class GroupPlacements(Output):
    """What became of each, in the order in which they were named."""

    data: list[GroupPlacedOut]


class GroupMemberOut(Output):
    """A member of a group."""

    member: MemberCard
    host: bool
    joined_at: datetime
