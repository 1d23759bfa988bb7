"""What HTTP accepts and returns of consents."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from contracts.members import ConsentPurpose
from members.privacy.consents.policy import Outcome, Source

_CLIENT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a55"
_AT = "2026-11-22T07:30:00Z"


class ConsentDecide(Input):
    """A person's own decision."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"granted": True}]})

    granted: bool
    client_id: UUID | None = Field(default=None, description="the partner, of the purpose partner; left out for others")


class ConsentOut(Output):
    """Where a person stands with one purpose."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "purpose": "partner",
                    "client_id": _CLIENT,
                    "partner": "Loyalty cards of Demo",
                    "shared": {"zh": "昵称，用于会员卡。"},
                    "granted": True,
                    "decided_at": _AT,
                    "source": "person",
                    "can": ["decide"],
                }
            ]
        }
    )

    purpose: ConsentPurpose
    client_id: UUID | None = Field(description="the partner, of the purpose partner")
    partner: str | None = Field(description="its name")
    shared: dict[str, str] = Field(description="by language, what the partner would get and what for; empty for others")
    granted: bool | None = Field(description="null: nobody has said; that is no consent")
    decided_at: datetime | None
    source: Source | None = Field(description="by whose word: the person's, a partner's or staff's")
    can: list[str] = Field(description="what the caller may do: decide")


class ConsentsOut(Output):
    """Every purpose, and every partner that needs a person's consent, with where the person stands."""

    data: list[ConsentOut]


class ConsentRecordOut(Output):
    """One decision as it came, and what became of it."""

    id: UUID
    purpose: ConsentPurpose
    client_id: UUID | None = Field(description="the partner, of the purpose partner")
    granted: bool
    decided_at: datetime
    source: Source
    source_client_id: UUID | None = Field(description="the partner that told of it")
    evidence: str | None = Field(description="as the partner named it", examples=["form 7, signed in the store"])
    outcome: Outcome
    merged_account_id: UUID | None = Field(description="the account from which a merge brought it")
    recorded_at: datetime
