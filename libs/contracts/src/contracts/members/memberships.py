"""Events of who belongs to a community, and as what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class MembershipState(StrEnum):
    """The standing of an account in a community."""

    APPLIED = "applied"
    APPROVED = "approved"
    REJECTED = "rejected"
    LEFT = "left"
    REMOVED = "removed"


class CommunityRole(StrEnum):
    """What a member may do beyond being one. Every approved member is a member; these come on top."""

    MANAGER = "manager"
    MODERATOR = "moderator"
    EDITOR = "editor"
    ANALYST = "analyst"


class MembershipEvent(Event):
    """The whole standing of an account in a community after the event, so that a projection needs the newest only."""

    aggregate: ClassVar[str] = "membership"

    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    state: MembershipState
    roles: list[CommunityRole] = Field(examples=[["moderator"]])
    staff: bool = Field(description="works for the brand: left out of pulse, worth, NPS and health")
    bot: bool
    joined_at: datetime | None = Field(description="first approval")


class MembershipApplied(MembershipEvent):
    """Somebody asked to belong, for the first time or again."""

    type: ClassVar[str] = "members.membership.applied.v1"


class MembershipApproved(MembershipEvent):
    """Somebody belongs."""

    type: ClassVar[str] = "members.membership.approved.v1"


class MembershipRejected(MembershipEvent):
    """An application was declined."""

    type: ClassVar[str] = "members.membership.rejected.v1"


class MembershipLeft(MembershipEvent):
    """A member left of their own accord."""

    type: ClassVar[str] = "members.membership.left.v1"


class MembershipRemoved(MembershipEvent):
    """A member was removed by staff."""

    type: ClassVar[str] = "members.membership.removed.v1"


class MembershipRolesChanged(MembershipEvent):
    """A member gained or lost community roles."""

    type: ClassVar[str] = "members.membership.roles_changed.v1"


MEMBERSHIP_EVENTS: tuple[type[MembershipEvent], ...] = (
    MembershipApplied,
    MembershipApproved,
    MembershipRejected,
    MembershipLeft,
    MembershipRemoved,
    MembershipRolesChanged,
)


class MembershipTagsChanged(Event):
    """A member was tagged or untagged. The tags are the brand's words on a person, and not in here."""

    type: ClassVar[str] = "members.membership_tags.changed.v1"
    aggregate: ClassVar[str] = "membership_tags"

    membership_id: UUID
    community_id: UUID
    account_id: PersonId
