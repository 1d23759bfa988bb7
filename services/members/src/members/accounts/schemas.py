"""What HTTP accepts and returns of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import email_validator
from pydantic import AfterValidator, ConfigDict, Field, SecretStr, StringConstraints, WithJsonSchema, field_validator

from chassis.schemas import Input, Locale, LongText, Output, Zone
from members.accounts.policy import LONGEST_NAME, clean_name, is_visible, normalise_email

LONGEST_URL = 2000
LONGEST_EMAIL = 254


def _email(address: str) -> str:
    try:
        # Addresses under .test are for testing, and harmless: nobody can own one.
        checked = email_validator.validate_email(address.strip(), check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError as error:
        raise ValueError("not an e-mail address") from error
    normal = normalise_email(checked.normalized)
    if len(normal) > LONGEST_EMAIL:
        raise ValueError("not an e-mail address")
    return normal


def _name(name: str) -> str:
    cleaned = clean_name(name)
    if not is_visible(cleaned):
        raise ValueError("a name needs a visible character")
    return cleaned


def _https(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("not a URL") from error
    if parts.scheme != "https" or not host or "@" in parts.netloc or any(c.isspace() for c in url):
        raise ValueError("an https:// URL without user or spaces")
    return "https" + url[len(parts.scheme) :]


Email = Annotated[
    str,
    StringConstraints(max_length=320),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 320, "examples": ["lin@example.com"]}),
]
DisplayName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_name),
    Field(examples=["Lin Yue 林悦"]),
]
HttpsUrl = Annotated[
    str,
    StringConstraints(max_length=LONGEST_URL),
    AfterValidator(_https),
    Field(json_schema_extra={"format": "uri", "pattern": "^https://"}, examples=["https://cdn.example.com/lin.png"]),
]
# Longer than a password may be, so that the policy can say what is wrong; bounded, so that nobody sends a book.
Password = Annotated[
    SecretStr,
    Field(min_length=1, max_length=1000, description="10 to 128 characters", examples=["correct horse battery"]),
]
OrganizationRef = Annotated[
    str,
    StringConstraints(min_length=2, max_length=60),
    Field(description="the organization's slug or id", examples=["demo"]),
]


class AccountOut(Output):
    """An account, whole: for the person and for staff."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    "organization_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a01",
                    "display_name": "Lin Yue 林悦",
                    "avatar_url": None,
                    "bio": None,
                    "locale": "zh",
                    "zone": "Asia/Shanghai",
                    "bot": False,
                    "organization_role": None,
                    "email": "lin@example.com",
                    "credentialed": True,
                    "merged_into": None,
                    "version": 1,
                    "created_at": "2026-11-22T07:30:00Z",
                    "can": ["edit"],
                }
            ]
        }
    )

    id: UUID
    organization_id: UUID
    display_name: str
    avatar_url: str | None
    bio: str | None
    locale: str = Field(description="the language that the person reads")
    zone: str = Field(description="the IANA time zone that the person lives in")
    bot: bool
    organization_role: str | None = Field(description="owner, admin or null")
    email: str | None = Field(
        description="the address to sign in with; null for imported accounts that are not claimed"
    )
    credentialed: bool = Field(
        description="whether the account can sign in; imported ones cannot until they are claimed"
    )
    merged_into: UUID | None = Field(description="the account that lives on, when this one was merged away")
    version: int
    created_at: datetime
    can: list[str] = Field(description="what the caller may do: edit, invite, set_organization_role, merge")


class AccountCardOut(Output):
    """The member card: what everybody in the organization may see. Of a merged account, the card of the one that lives on."""

    id: UUID
    display_name: str = Field(examples=["Lin Yue 林悦"])
    avatar_url: str | None = Field(examples=["https://cdn.example.com/lin.png"])


class MeUpdate(Input):
    """What a person may change of their own account; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Lin Yue 林悦", "bio": "读书的人"}]})

    display_name: DisplayName | None = None
    avatar_url: HttpsUrl | None = Field(default=None, description="null takes the picture away")
    bio: LongText | None = Field(default=None, description="null takes the text away")
    locale: Locale | None = None
    zone: Zone | None = None

    @field_validator("display_name", "locale", "zone")
    @classmethod
    def _not_null(cls, value: str | None) -> str:
        # Runs for what is sent only: leaving it out is fine, taking it away is not.
        if value is None:
            raise ValueError("may be left out, and not be null")
        return value
