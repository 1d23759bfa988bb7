"""Events of a person's rights over what is kept of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class ErasureOrdered(Event):
    """A person is to be erased: every service destroys what it keeps of the account, and leaves tombstones. Each order is one aggregate."""

    type: ClassVar[str] = "members.erasure.ordered.v1"
    aggregate: ClassVar[str] = "erasure"

    erasure_id: UUID
    account_id: PersonId


class ConsentPurpose(StrEnum):
    """What a person agrees to, or does not."""

    PARTNER = "partner"
    """That a partner, which is named, gets their personal data."""
    EMAIL = "email"
    SMS = "sms"
    WECHAT = "wechat"
    PHONE = "phone"


class ConsentChanged(Event):
    """A person agreed to something, or does so no longer. Each (account, purpose, partner) is one aggregate; its newest version counts.

    Who told of it, and by what evidence, stays in members.
    """

    type: ClassVar[str] = "members.consent.changed.v1"
    aggregate: ClassVar[str] = "consent"

    account_id: PersonId
    purpose: ConsentPurpose
    client_id: UUID | None = Field(
        description="the partner, of the purpose partner; none of the others",
        examples=["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a55"],
    )
    granted: bool = Field(examples=[True])
    decided_at: datetime = Field(description="when the person decided, as far as it is known")

    def confined_to(self) -> UUID | None:
        """Return the partner to whom the person agreed, or does so no longer: it is no other's business."""
        return self.client_id

    def persons(self) -> tuple[UUID, ...]:
        """Return nobody where the partner itself is meant: it has to learn that it may, and above all that it may no longer."""
        return () if self.client_id is not None else super().persons()


PRIVACY_EVENTS: tuple[type[Event], ...] = (ErasureOrdered, ConsentChanged)
