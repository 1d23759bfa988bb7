"""What HTTP accepts and returns of contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from chassis.schemas import Input, Locale, Output, Zone
from contracts.members import ConsentPurpose, MembershipState
from members.accounts.schemas import DisplayName, Email
from members.contacts.policy import ExternalId, Outcome, Version
from members.memberships.files.policy import normalise_phone

MOST_LOOKED_UP = 200
_ACCOUNT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
_COMMUNITY = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a02"
_AT = "2026-11-22T07:30:00Z"


def _phone(text: str) -> str:
    number = normalise_phone(text)
    if number is None:
        raise ValueError("not a telephone number: write it with its country code, such as +8613800138000")
    return number


Phone = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_phone),
    WithJsonSchema({"type": "string", "maxLength": 40, "examples": ["+8613800138000"]}),
]


class ContactPut(Input):
    """A contact, whole: what is left out is nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"version": 3, "name": "林悦", "email": "lin@example.com", "phone": "+8613800138000"}]
        }
    )

    version: Version
    name: DisplayName | None = None
    email: Email | None = Field(default=None, description="the partner's word: nobody signs in with it")
    phone: Phone | None = Field(default=None, description="the partner's word, as email is")
    locale: Locale | None = Field(default=None, description="of an account that is made for it")
    zone: Zone | None = Field(default=None, description="of an account that is made for it")
    account_id: UUID | None = Field(
        default=None,
        description="the account that the contact is, where the partner knows it: from the brand's app, or with the person's consent",
    )


class ContactWritten(Output):
    """What became of news of a contact."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "external_id": "C-10017",
                    "account_id": _ACCOUNT,
                    "created": True,
                    "outcome": "applied",
                    "version": 3,
                }
            ]
        }
    )

    external_id: str
    account_id: UUID | None = Field(
        description="the account that the contact is; null when it was deleted by newer news"
    )
    created: bool = Field(description="it was not known before")
    outcome: Outcome
    version: int = Field(description="the newest that is known now")


class ContactPerson(Output):
    """The person behind a contact, as they are here."""

    display_name: str = Field(examples=["Lin Yue 林悦"])
    avatar_url: str | None = Field(examples=[None])
    locale: str = Field(examples=["zh"])
    zone: str = Field(examples=["Asia/Shanghai"])
    email: str | None = Field(description="the one to sign in with", examples=["lin@example.com"])
    claimed: bool = Field(description="the person can sign in")


class ContactMembership(Output):
    """That the person belongs, or belonged, to a community."""

    membership_id: UUID
    community_id: UUID
    state: MembershipState
    joined_at: datetime | None


class ContactConsent(Output):
    """Where the person stands with a purpose; the partner's own is among them."""

    purpose: ConsentPurpose
    granted: bool
    decided_at: datetime


class ContactOut(Output):
    """A contact: what the partner told, and who it is here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "external_id": "C-10017",
                    "account_id": _ACCOUNT,
                    "version": 3,
                    "name": "林悦",
                    "email": "lin@example.com",
                    "phone": "+8613800138000",
                    "updated_at": _AT,
                    "person": {
                        "display_name": "Lin Yue 林悦",
                        "avatar_url": None,
                        "locale": "zh",
                        "zone": "Asia/Shanghai",
                        "email": "lin@example.com",
                        "claimed": True,
                    },
                    "memberships": [
                        {
                            "membership_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a03",
                            "community_id": _COMMUNITY,
                            "state": "approved",
                            "joined_at": _AT,
                        }
                    ],
                    "consents": [{"purpose": "sms", "granted": True, "decided_at": _AT}],
                }
            ]
        }
    )

    external_id: str
    account_id: UUID
    version: int
    name: str | None
    email: str | None
    phone: str | None
    updated_at: datetime
    person: ContactPerson
    memberships: list[ContactMembership] = Field(description="the first 200, oldest first")
    consents: list[ContactConsent]


class ContactLookup(Input):
    """Whom to look for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"external_ids": ["C-10017", "C-10018"]}]})

    external_ids: list[ExternalId] = Field(min_length=1, max_length=MOST_LOOKED_UP)


class ContactFound(Output):
    """Whose account a contact is."""

    external_id: str = Field(examples=["C-10017"])
    account_id: UUID


class ContactLookupOut(Output):
    """Those that there are; of the others nothing is said."""

    data: list[ContactFound]
