"""What HTTP accepts and returns of memberships."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, LongText, Output
from contracts.members import CommunityRole, MembershipState

MOST_IMPORTED = 100
"""The answer names a position for each, and a header has to stay below 8 kB."""


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


class MembershipImport(Input):
    """People of another platform who become members, without a credential until they claim their account.

    Items are judged one by one: what is wrong with one is said in `rejected` and does not hold up the others.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "slack",
                    "items": [
                        {"external_id": "slack:U024BE7LH", "display_name": "Rain", "joined_at": "2018-01-03T09:00:00Z"}
                    ],
                }
            ]
        }
    )

    source: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] = Field(
        description="where they come from"
    )
    items: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MOST_IMPORTED,
        description="each with `external_id`, `display_name`, and where known `bot`, `deleted`, `joined_at`",
    )


class MembershipImportItem(Input):
    """One person of an import."""

    external_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    display_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    bot: bool = False
    deleted: bool = Field(default=False, description="gone at the source: becomes a membership that has ended")
    joined_at: datetime | None = Field(default=None, description="RFC 3339; left out: now")


class ImportRejected(Output):
    """One item that was not taken, and why."""

    index: int
    external_id: str | None
    code: str = Field(examples=["string-too-short"])
    detail: str


class MembershipImported(Output):
    """One person who is a member."""

    external_id: str
    account_id: UUID
    membership_id: UUID
    outcome: Literal["created", "existing"]


class MembershipImportOut(Output):
    """What became of an import."""

    created: int
    existing: int
    rejected: list[ImportRejected]
    items: list[MembershipImported]
