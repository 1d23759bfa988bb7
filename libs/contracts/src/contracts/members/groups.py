"""Events of groups within a community."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class GroupDimension(StrEnum):
    """What groups of a community differ by."""

    DEPARTMENT = "department"
    PRODUCT = "product"
    INTEREST = "interest"
    OTHER = "other"


class GroupState(StrEnum):
    """Whether a group takes members."""

    OPEN = "open"
    CLOSED = "closed"


class GroupEvent(Event):
    """What others need to know of a group, whole, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "group"

    group_id: UUID
    community_id: UUID
    series_id: UUID = Field(description="the first group of the row of groups that open when the one before is full")
    ordinal: int = Field(description="place in the series, from 1")
    dimension: GroupDimension
    hosts: list[PersonId] = Field(description="accounts", examples=[["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]])
    capacity: int | None = Field(description="none: as many as come", examples=[50])
    state: GroupState


class GroupCreated(GroupEvent):
    """A group exists: made by a manager, from a template, or because the one before it is full."""

    type: ClassVar[str] = "members.group.created.v1"


class GroupUpdated(GroupEvent):
    """A group's name, hosts, capacity or state changed."""

    type: ClassVar[str] = "members.group.updated.v1"


class GroupMemberEvent(Event):
    """A member's groups in one community after the event, all of them, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "group_member"

    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    group_id: UUID = Field(description="the group that was joined or left")
    group_ids: list[UUID] = Field(
        description="every group of the member in this community, after the event",
        examples=[["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]],
    )


class GroupMemberJoined(GroupMemberEvent):
    """A member joined a group: by a manager, a host, a rule or of their own accord."""

    type: ClassVar[str] = "members.group_member.joined.v1"


class GroupMemberLeft(GroupMemberEvent):
    """A member left a group, was taken out of it, or belongs to the community no longer."""

    type: ClassVar[str] = "members.group_member.left.v1"


class GroupRulesChanged(Event):
    """The rules by which members are assigned to groups changed; the rules stay in members."""

    type: ClassVar[str] = "members.group_rules.changed.v1"
    aggregate: ClassVar[str] = "group_rules"

    community_id: UUID
