"""Events of what brings members and makes them stay: moments of value and referrals."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class ValueMomentReached(Event):
    """A member had what the community calls a moment of value, by a definition in force. Each (member, definition) is one aggregate.

    Its time is the moment itself; what the moment was made of stays in members. The lifecycle will tell it, and figures of doors,
    promotion and word of mouth go by it.
    """

    type: ClassVar[str] = "members.value_moment.reached.v1"
    aggregate: ClassVar[str] = "value_moment"

    value_moment_id: UUID
    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    definition_id: UUID = Field(description="what the community calls such a moment")
    definition_version: int


class ReferralEvent(Event):
    """Somebody came because a member told them of the community: a referral, whole, so that the newest version is all that counts."""

    aggregate: ClassVar[str] = "referral"

    referral_id: UUID
    community_id: UUID
    referrer_id: PersonId = Field(description="the account that referred")
    account_id: PersonId = Field(description="the account that came")
    post_id: UUID | None = Field(description="the piece of content to which it is attributed; none while to none")
    counts: bool = Field(description="it was held for as long as it must be, and stands; false once it was taken back")


class ReferralQualified(ReferralEvent):
    """A referral stands, or what is known of it was corrected."""

    type: ClassVar[str] = "members.referral.qualified.v1"


class ReferralReversed(ReferralEvent):
    """A referral that stood was taken back."""

    type: ClassVar[str] = "members.referral.reversed.v1"
