"""What HTTP accepts of sign-ups."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from chassis.schemas import Input, Locale, Slug, Zone
from members.accounts.organizations.policy import slug_allowed
from members.accounts.policy import DEFAULT_LOCALE, DEFAULT_ZONE
from members.accounts.schemas import DisplayName, Email, OrganizationRef, Password


def _allowed(slug: str) -> str:
    if not slug_allowed(slug):
        raise ValueError("a slug that reads as an id would be taken for another organization")
    return slug


class OwnerCreate(Input):
    """The first person of an organization."""

    email: Email
    password: Password
    display_name: DisplayName
    locale: Locale = DEFAULT_LOCALE
    zone: Zone = DEFAULT_ZONE


class OrganizationCreate(Input):
    """A brand that signs up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Demo",
                    "slug": "demo",
                    "owner": {
                        "email": "owner@example.com",
                        "password": "correct horse battery",
                        "display_name": "Wang Fang 王芳",
                    },
                }
            ]
        }
    )

    name: DisplayName = Field(examples=["Demo"])
    slug: Annotated[Slug, AfterValidator(_allowed)]
    owner: OwnerCreate


class AccountCreate(Input):
    """A person who registers with an organization."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization": "demo",
                    "email": "lin@example.com",
                    "password": "correct horse battery",
                    "display_name": "Lin Yue 林悦",
                    "locale": "zh",
                    "zone": "Asia/Shanghai",
                }
            ]
        }
    )

    organization: OrganizationRef
    email: Email
    password: Password
    display_name: DisplayName
    locale: Locale = DEFAULT_LOCALE
    zone: Zone = DEFAULT_ZONE
