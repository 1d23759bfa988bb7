"""What HTTP returns of an organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output


class OrganizationOut(Output):
    """An organization."""

    id: UUID
    slug: str = Field(examples=["demo"])
    name: str = Field(examples=["Demo"])
    owner_account_id: UUID = Field(description="the owner; of several, the one whose account is oldest")
    version: int = Field(examples=[1])
    created_at: datetime
