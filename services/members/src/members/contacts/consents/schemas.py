"""What HTTP accepts and returns of decisions that partners tell."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from chassis.schemas import Input, LongText, Output
from contracts.members import ConsentPurpose
from members.contacts.policy import Version
from members.privacy.consents.policy import Outcome

_AT = "2026-11-22T07:30:00Z"


class ContactConsentPut(Input):
    """What a contact decided, as the partner knows it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"version": 3, "granted": True, "decided_at": _AT, "evidence": "form 7, signed in the store"}]
        }
    )

    version: Version
    granted: bool
    decided_at: Annotated[AwareDatetime, Field(description="when the person decided: not in the future")]
    evidence: LongText | None = Field(default=None, description="by what it can be shown")
    client_id: UUID | None = Field(
        default=None,
        description="of the purpose partner, which partner; left out, the one that calls. Only a processor tells of consent to another",
    )


class ContactConsentOut(Output):
    """What became of it, and where the person stands now."""

    purpose: ConsentPurpose
    outcome: Outcome = Field(description="outranked: the person said otherwise, signed in")
    granted: bool = Field(description="what is in force now")
    decided_at: datetime = Field(description="since when")
