"""What HTTP accepts and returns of upkeep."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, Output


class PinWrite(Input):
    """Where a piece is pinned, and until when."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rank": 1, "until": "2027-01-31T16:00:00Z"}]})

    rank: int = Field(default=1, ge=1, le=100, description="1 stands first")
    until: AwareDatetime | None = Field(default=None, description="null: until it is taken down")


class FreshnessOut(Output):
    """How much of what is meant to stay right nobody has looked at in time."""

    community_id: UUID
    kept: int = Field(description="published pieces that are pinned or evergreen", examples=[12])
    stale: int = Field(description="those of them past their review date", examples=[3])
    undated: int = Field(description="those of them without a review date", examples=[2])
    debt: float | None = Field(description="stale / kept, 0 to 1; null for nothing kept", examples=[0.25])
