"""What HTTP accepts and returns of owners."""

from __future__ import annotations

from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from members.memberships.schemas import MemberCard

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class OwnerSet(Input):
    """Who is to look after a member."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"account_id": ID}]})

    account_id: UUID = Field(description="of the organization's staff, or of a member with a role or marked as staff")


class OwnerOut(Output):
    """Who looks after a member."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "membership_id": ID,
                    "owner": {"id": ID, "display_name": "阿林", "avatar_url": None},
                    "version": 1,
                    "can": ["set", "clear"],
                }
            ]
        }
    )

    membership_id: UUID
    owner: MemberCard | None = Field(description="null: nobody")
    version: int = Field(
        description="of this, apart from the membership's; 0 while nobody ever looked after the member"
    )
    can: list[str] = Field(description="what this caller may do: `set`, `clear`")
