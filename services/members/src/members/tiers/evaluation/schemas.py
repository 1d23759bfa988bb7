"""What HTTP accepts and returns of tiers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from members.tiers.evaluation.policy import Outcome

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
PROGRESS: dict[str, Any] = {
    "metric": "active_days",
    "window_days": 30,
    "need": 10,
    "have": 7,
    "met": False,
    "words": "be active on 10 days within 30 days (so far 7 days)",
}
MEMBER: dict[str, Any] = {
    "account_id": ID,
    "membership_id": ID,
    "display_name": "小雨 Rain",
    "outcome": "grace",
    "from_tier": "regular",
    "to_tier": "newcomer",
    "grace_until": "2026-12-06T07:30:00Z",
    "reason": "tier-grace-began",
    "words": "Does not meet what keeping Regular asks; the grace began.",
    "criteria": [PROGRESS],
}


class CriterionProgress(Output):
    """How far a member is with one criterion."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROGRESS]})

    metric: str
    window_days: int | None
    need: int
    have: int | None = Field(description="null for the last activity of somebody who never acted")
    met: bool
    words: str = Field(description="in the reader's language")


class DryRunAsk(Input):
    """How much a dry run shows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sample": 20}]})

    sample: int = Field(default=20, ge=0, le=100, description="members to show of each outcome")


class DryRunCount(Output):
    """How many would make the same move."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "rise", "from_tier": "newcomer", "to_tier": "regular", "members": 42}]
        }
    )

    outcome: Outcome
    from_tier: str | None
    to_tier: str | None = Field(description="of those in grace, where they would fall when it is over")
    members: int


class DryRunMember(Output):
    """What a standard would do to one member, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [MEMBER]})

    account_id: UUID
    membership_id: UUID
    display_name: str
    outcome: Outcome
    from_tier: str | None
    to_tier: str | None
    grace_until: datetime | None
    reason: str
    words: str = Field(description="the reason in the reader's language")
    criteria: list[CriterionProgress] = Field(
        description="of entry for those who rise, of keeping for those who fall or would, of the next tier for the others"
    )


class DryRunOut(Output):
    """What a standard would do if it came into force now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 2,
                    "members": 1200,
                    "counts": {"enter": 0, "rise": 42, "fall": 0, "grace": 17, "stay": 1141, "leave": 0},
                    "moves": [{"outcome": "rise", "from_tier": "newcomer", "to_tier": "regular", "members": 42}],
                    "samples": {"grace": [MEMBER]},
                }
            ]
        }
    )

    number: int = Field(description="of the standard")
    members: int = Field(description="who would be looked at")
    counts: dict[Outcome, int]
    moves: list[DryRunCount]
    samples: dict[Outcome, list[DryRunMember]]


class TierCount(Output):
    """How many members a tier has."""

    tier_code: str | None = Field(examples=["regular"])
    name: dict[str, str] = Field(examples=[{"zh": "常客", "en": "Regular"}])
    members: int
    in_grace: int = Field(description="who fall unless keeping succeeds again")
    placed: int = Field(description="by hand")


class TierCountsOut(Output):
    """The tiers of a community with their members; staff and bots are in none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 2,
                    "tiers": [
                        {
                            "tier_code": "regular",
                            "name": {"zh": "常客", "en": "Regular"},
                            "members": 420,
                            "in_grace": 17,
                            "placed": 2,
                        }
                    ],
                    "others": 0,
                }
            ]
        }
    )

    number: int | None = Field(description="of the standard in force")
    tiers: list[TierCount] = Field(description="lowest first")
    others: int = Field(description="members who were not looked at yet by this standard")


class TierMemberOut(Output):
    """A member of a tier."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_id": ID,
                    "membership_id": ID,
                    "display_name": "小雨 Rain",
                    "avatar_url": None,
                    "tier_code": "regular",
                    "since": "2026-11-01T00:05:00Z",
                    "grace_until": None,
                    "manual_until": None,
                    "standard_version": 2,
                    "version": 3,
                    "can": ["place"],
                }
            ]
        }
    )

    account_id: UUID
    membership_id: UUID
    display_name: str
    avatar_url: str | None
    tier_code: str
    since: datetime
    grace_until: datetime | None = Field(description="falls then, unless keeping succeeds again before")
    manual_until: datetime | None = Field(description="placed by hand until then")
    standard_version: int = Field(description="by which the last decision was made")
    version: int
    can: list[str] = Field(description="what this caller may do with it")


class TierMoveOut(Output):
    """One decision about a member's tier, with everything that it was made from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "at": "2026-11-22T07:30:00Z",
                    "from_tier": "newcomer",
                    "to_tier": "regular",
                    "grace_until": None,
                    "manual_until": None,
                    "standard_version": 2,
                    "reason": "tier-rose",
                    "words": "Met what Regular asks, and rose from Newcomer.",
                    "inputs": {"figures": {"active_days/30": 12}, "tier": "newcomer"},
                    "actor": None,
                    "note": None,
                }
            ]
        }
    )

    id: UUID
    at: datetime
    from_tier: str | None
    to_tier: str | None
    grace_until: datetime | None
    manual_until: datetime | None
    standard_version: int
    reason: str
    words: str = Field(description="the reason in the reader's language")
    inputs: dict[str, Any] = Field(description="the figures and the standing before; deciding again gives the same")
    actor: UUID | None = Field(description="who placed by hand; for managers")
    note: str | None = Field(description="why, of a placement by hand")


class GivenPrivilege(Output):
    """What a tier gives."""

    code: str = Field(examples=["early-access"])
    words: str = Field(examples=["Sign up a day earlier"])
    params: dict[str, bool | int | str] = Field(examples=[{"hours": 24}])


class TierView(Output):
    """A tier as a member sees it."""

    code: str = Field(examples=["regular"])
    name: str = Field(examples=["Regular"])
    rank: int = Field(description="0 is the lowest")
    privileges: list[GivenPrivilege]


class TierAsks(Output):
    """What is asked for: all of `all`, and at least one of `any` unless it is empty."""

    tier: TierView
    words: str = Field(examples=["To come into Regular:"])
    met: bool
    all: list[CriterionProgress]
    any: list[CriterionProgress]


class OwnTierOut(Output):
    """The caller's tier: what it gives, what is missing for the next, what would lose it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tier": {"code": "newcomer", "name": "Newcomer", "rank": 0, "privileges": []},
                    "since": "2026-11-01T00:05:00Z",
                    "standard_version": 2,
                    "reason": "tier-entered",
                    "words": ["Came into Newcomer by the standard.", "Every member may stay in Newcomer."],
                    "grace_until": None,
                    "manual_until": None,
                    "next": {
                        "tier": {"code": "regular", "name": "Regular", "rank": 1, "privileges": []},
                        "words": "To come into Regular:",
                        "met": False,
                        "all": [PROGRESS],
                        "any": [],
                    },
                    "keep": None,
                }
            ]
        }
    )

    tier: TierView | None = Field(description="none before the first evaluation, and for staff")
    since: datetime | None
    standard_version: int | None
    reason: str = Field(description="code of the last decision")
    words: list[str] = Field(description="how it came to be and what is to come, in the reader's language")
    grace_until: datetime | None = Field(description="the tier is lost then, unless keeping succeeds again")
    manual_until: datetime | None
    next: TierAsks | None = Field(description="what is missing for the next tier; none in the highest")
    keep: TierAsks | None = Field(description="what would lose the tier; none in the lowest")
