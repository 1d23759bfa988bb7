"""Events of the API clients by which partners act."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event


class ClientBasis(StrEnum):
    """On what basis a partner may be given personal data."""

    PROCESSOR = "processor"
    """It acts for the brand and on its instructions."""
    CONSENT = "consent"
    """It acts for itself: each member has to have agreed to it separately."""


class ClientChanged(Event):
    """An API client of a partner was created, changed, rotated or withdrawn."""

    type: ClassVar[str] = "members.client.changed.v1"
    aggregate: ClassVar[str] = "client"
    partners: ClassVar[bool] = False  # partners do not learn of each other, and their own they see

    client_id: UUID
    active: bool
    scopes: list[str] = Field(examples=[["contacts:write", "orders:write"]])
    basis: ClientBasis = Field(
        default=ClientBasis.CONSENT,
        description="processor: acts for the brand; consent: gets personal data of those only who agreed to it",
        examples=["processor"],
    )
