"""What HTTP accepts and returns of memberships."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongText, Output
from contracts.members import CommunityRole, MembershipState


class MembershipApply(Input):
    """An application."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "我想提高口语。 I want to speak better."}]})

    message: LongText | None = Field(default=None, description="what the applicant wants to say to those who decide")


class MembershipDecide(Input):
    """A decision about a membership, with the reason that the person can read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Welcome!"}]})

    reason: LongText | None = None


class MembershipRolesSet(Input):
    """The roles that a member is to have, all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"roles": ["moderator"]}]})

    roles: list[CommunityRole] = Field(max_length=4)
    staff: bool | None = Field(default=None, description="whether the member works for the brand; left out, it stays")


class MemberCard(Output):
    """What members see of one another."""

    id: UUID
    display_name: str = Field(examples=["小雨 Rain"])
    avatar_url: str | None = Field(examples=["https://example.com/rain.png"])


class MembershipOut(Output):
    """The standing of an account in a community."""

    id: UUID
    community_id: UUID
    account_id: UUID
    member: MemberCard
    state: MembershipState
    roles: list[CommunityRole] = Field(examples=[["moderator"]])
    staff: bool = Field(description="works for the brand: left out of figures")
    bot: bool = Field(description="no person: left out of figures")
    message: str | None = Field(description="of the application; to the applicant and to those who decide")
    reason: str | None = Field(description="of the last decision")
    applied_at: datetime
    joined_at: datetime | None = Field(description="first approval")
    ended_at: datetime | None
    version: int
    can: list[str] = Field(description="what this caller may do with it", examples=[["approve", "reject"]])
