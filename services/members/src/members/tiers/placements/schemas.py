"""What HTTP accepts and returns of one member's tier."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, LongText, Output

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class TierPlace(Input):
    """A placement by hand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"tier": "regular", "reason": "Led the autumn reading circle.", "until": "2027-03-01T00:00:00+08:00"}
            ]
        }
    )

    tier: str = Field(max_length=60, description="code of a tier of the standard in force")
    reason: LongText = Field(description="kept with the placement, and read by the member")
    until: AwareDatetime = Field(description="in the future, at most two years; then the standard decides again")


class MembershipTierOut(Output):
    """Where a member stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "membership_id": ID,
                    "account_id": ID,
                    "tier_code": "regular",
                    "since": "2026-11-01T00:05:00Z",
                    "grace_until": None,
                    "manual_until": "2027-02-28T16:00:00Z",
                    "standard_version": 2,
                    "version": 3,
                    "can": ["place", "end_placement"],
                }
            ]
        }
    )

    membership_id: UUID
    account_id: UUID
    tier_code: str | None = Field(description="none before the first evaluation, and for staff and bots")
    since: datetime | None
    grace_until: datetime | None = Field(description="falls then, unless keeping succeeds again before")
    manual_until: datetime | None = Field(description="placed by hand until then")
    standard_version: int | None = Field(description="by which the last decision was made")
    version: int = Field(description="0 before the first evaluation")
    can: list[str] = Field(description="what this caller may do with it")
