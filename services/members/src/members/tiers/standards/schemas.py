"""What HTTP accepts and returns of tier standards."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from chassis.schemas import Input, Output, ShortText, Slug, TextMap
from members.tiers.standards.policy import Metric, StandardState

MOST_TIERS = 12
DEFAULT_GRACE_DAYS = 14
LARGEST = 1_000_000
LONGEST_WINDOW = 1_095

RULE: dict[str, Any] = {
    "all": [
        {"metric": "active_days", "threshold": 10, "window_days": 30},
        {"metric": "reactions_received_from_distinct", "threshold": 5, "window_days": 30},
        {"metric": "reactions_received_on_distinct_days", "threshold": 3, "window_days": 30},
    ],
    "any": [],
}
PRIVILEGE: dict[str, Any] = {
    "code": "early-access",
    "name": {"zh": "提前一天报名", "en": "Sign up a day earlier"},
    "params": {"hours": 24},
}
TIERS: list[dict[str, Any]] = [
    {"code": "newcomer", "name": {"zh": "新芽", "en": "Newcomer"}, "privileges": []},
    {"code": "regular", "name": {"zh": "常客", "en": "Regular"}, "privileges": [PRIVILEGE], "entry": RULE},
]
CREATE: dict[str, Any] = {"tiers": TIERS, "grace_days": 14}

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Criterion(Input):
    """One threshold over a figure of a member."""

    model_config = ConfigDict(json_schema_extra={"examples": [RULE["all"][0]]})

    metric: Metric = Field(
        description="reactions received count distinct people, or distinct days, so that friends cannot push one another up"
    )
    threshold: int = Field(
        ge=0, le=LARGEST, description="at least so many; of last_activity_days_ago, at most so many days ago"
    )
    window_days: int | None = Field(
        default=None, ge=1, le=LONGEST_WINDOW, description="the last so many days of the community, today included"
    )


class Rule(Input):
    """What is asked: all of `all`, and at least one of `any` unless it is empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [RULE]})

    all: list[Criterion] = Field(default=[], max_length=10)
    any: list[Criterion] = Field(default=[], max_length=10)


class Privilege(Input):
    """What a tier gives; the service that owns the capability enforces it by its code."""

    model_config = ConfigDict(json_schema_extra={"examples": [PRIVILEGE]})

    code: Slug = Field(examples=["early-access"])
    name: TextMap = Field(description="language → what members read")
    params: dict[Key, StrictBool | StrictInt | ShortText] = Field(default={}, max_length=10)


class Tier(Input):
    """A tier of a standard."""

    model_config = ConfigDict(json_schema_extra={"examples": [TIERS[1]]})

    code: Slug = Field(description="stays when the tier is renamed", examples=["regular"])
    name: TextMap
    privileges: list[Privilege] = Field(default=[], max_length=30)
    entry: Rule | None = Field(default=None, description="what it takes to come in; none for the lowest tier only")
    keep: Rule | None = Field(
        default=None, description="what it takes to stay; left out, nine tenths of the thresholds of entry"
    )


class TierStandardCreate(Input):
    """A draft of a standard, its tiers from the lowest to the highest."""

    model_config = ConfigDict(json_schema_extra={"examples": [CREATE]})

    tiers: list[Tier] = Field(min_length=2, max_length=MOST_TIERS)
    grace_days: int = Field(
        default=DEFAULT_GRACE_DAYS, ge=0, le=365, description="how long keeping must fail before a member falls"
    )


class TierStandardUpdate(Input):
    """What to change of a draft; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grace_days": 30}]})

    tiers: list[Tier] | None = Field(default=None, min_length=2, max_length=MOST_TIERS)
    grace_days: int | None = Field(default=None, ge=0, le=365)


class TierOut(Output):
    """A tier of a standard, with everything that it asks spelt out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**TIERS[1], "keep": RULE, "keep_by_default": True}]})

    code: str
    name: dict[str, str]
    privileges: list[Privilege]
    entry: Rule | None
    keep: Rule | None
    keep_by_default: bool = Field(description="keeping asks nine tenths of entry")


class TierStandardOut(Output):
    """A tier standard."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    "number": 2,
                    "state": "draft",
                    "tiers": [{**TIERS[1], "keep": RULE, "keep_by_default": True}],
                    "grace_days": 14,
                    "created_by": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11",
                    "created_at": "2026-11-22T07:30:00Z",
                    "adopted_by": None,
                    "adopted_at": None,
                    "version": 1,
                    "can": ["edit", "dry_run", "adopt"],
                }
            ]
        }
    )

    community_id: UUID
    number: int = Field(description="of the standard among the community's")
    state: StandardState
    tiers: list[TierOut] = Field(description="lowest first")
    grace_days: int
    created_by: UUID
    created_at: datetime
    adopted_by: UUID | None
    adopted_at: datetime | None
    version: int
    can: list[str] = Field(description="what this caller may do with it")
