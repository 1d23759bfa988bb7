"""Events of sanctions, and of the verified phone that speaking may ask for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class SanctionKind(StrEnum):
    """What a sanction of conduct takes from a member for a time."""

    MUTE = "mute"
    SUSPENSION = "suspension"


class SanctionEvent(Event):
    """A mute or suspension, whole: a mute takes the voice, a suspension the community."""

    aggregate: ClassVar[str] = "sanction"
    partners: ClassVar[bool] = False  # conduct is between a member and the community

    sanction_id: UUID
    community_id: UUID
    account_id: PersonId
    kind: SanctionKind
    clause: str = Field(description="code of the clause that was broken", examples=["3.2"])
    clause_text: dict[str, str] = Field(
        description="the clause by language, as the member acknowledged it",
        examples=[{"zh": "不得留下联系方式", "en": "No contact details"}],
    )
    from_at: datetime
    until: datetime | None = Field(description="none: until it is ended")


class SanctionImposed(SanctionEvent):
    """A member was muted or suspended, or the end of that moved."""

    type: ClassVar[str] = "members.sanction.imposed.v1"


class SanctionEnded(SanctionEvent):
    """A mute or suspension is over: its time passed, an appeal was granted, or it was taken back."""

    type: ClassVar[str] = "members.sanction.ended.v1"


class PhoneVerificationChanged(Event):
    """An account has a verified phone number now, or none any more; the number stays in members."""

    type: ClassVar[str] = "members.phone.verification_changed.v1"
    aggregate: ClassVar[str] = "phone"
    partners: ClassVar[bool] = False  # a matter of signing in

    account_id: PersonId
    verified: bool


CONDUCT_EVENTS: tuple[type[Event], ...] = (SanctionImposed, SanctionEnded, PhoneVerificationChanged)
