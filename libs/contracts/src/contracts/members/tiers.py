"""Events of tiers, what they give, and notices for long silence."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Event
from contracts.persons import PersonId


class TierPrivilege(BaseModel):
    """Something that a tier gives; the service that owns the capability enforces it by its code."""

    model_config = ConfigDict(frozen=True)

    code: str
    params: dict[str, bool | int | str]


class TierGrant(BaseModel):
    """A tier and what it gives; its name stays in members."""

    model_config = ConfigDict(frozen=True)

    code: str
    privileges: list[TierPrivilege]


class TierStandardAdopted(Event):
    """A community's tiers and their privileges are these from now on. Versions of standards may be adopted in any order."""

    type: ClassVar[str] = "members.tier_standard.adopted.v1"
    aggregate: ClassVar[str] = "tier_standard"

    community_id: UUID
    standard_version: int
    grace_days: int = Field(description="how long a member fails to keep a tier before falling", examples=[14])
    tiers: list[TierGrant] = Field(
        description="lowest first",
        examples=[
            [
                {"code": "newcomer", "privileges": []},
                {"code": "regular", "privileges": [{"code": "early-access", "params": {"hours": 24}}]},
            ]
        ],
    )


class TierEvent(Event):
    """Where a member stands after the event, whole; the aggregate is the membership's tier."""

    aggregate: ClassVar[str] = "tier"

    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    to_tier: str | None = Field(
        description="null for who belongs no longer, and for staff and bots", examples=["regular"]
    )
    grace_until: datetime | None = Field(description="falls then, unless keeping succeeds again before")
    manual_until: datetime | None = Field(description="placed by hand until then")
    standard_version: int
    reason: str = Field(description="code", examples=["tier-rose"])


class TierChanged(TierEvent):
    """A member came into a tier, rose, fell, was placed, or has none any more."""

    type: ClassVar[str] = "members.tier.changed.v1"

    from_tier: str | None = Field(examples=["newcomer"])


class TierStandingChanged(TierEvent):
    """A member stays in their tier, and a grace or a placement by hand began or ended: who fails to keep it is to be warned."""

    type: ClassVar[str] = "members.tier.standing_changed.v1"


class SilenceNoticeEvent(Event):
    """Where a notice for long silence stands, whole; what was appealed and answered stays in members."""

    aggregate: ClassVar[str] = "silence_notice"

    notice_id: UUID
    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    standard_version: int
    remove_at: datetime = Field(description="removed then, unless the member does something before")
    state: str = Field(description="given, lifted, removed, appealed, granted or declined", examples=["given"])


class SilenceNoticeGiven(SilenceNoticeEvent):
    """A member who has been silent for long is to be told that they will be removed."""

    type: ClassVar[str] = "members.silence_notice.given.v1"


class SilenceNoticeLifted(SilenceNoticeEvent):
    """A notice holds no longer: the member did something, is exempt, or has left, or the standard changed."""

    type: ClassVar[str] = "members.silence_notice.lifted.v1"


class SilenceNoticeMoved(SilenceNoticeEvent):
    """A notice ended in removal, or the removal was appealed or judged again."""

    type: ClassVar[str] = "members.silence_notice.moved.v1"


TIER_EVENTS: tuple[type[Event], ...] = (
    TierStandardAdopted,
    TierChanged,
    TierStandingChanged,
    SilenceNoticeGiven,
    SilenceNoticeLifted,
    SilenceNoticeMoved,
)
