"""What HTTP accepts and returns of API clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, field_validator

from chassis.schemas import Input, LongTextMap, Output
from contracts.members import ClientBasis
from members.accounts.clients.policy import Scope
from members.accounts.schemas import DisplayName

CLIENT_ID = "0198b7a26c1e7d3a9f4b2f6f6c1d7a01.0198b7a26c1e7d3a9f4b2f6f6c1d7a55"
_SECRET = "hcs_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0"  # noqa: S105  an example


def _distinct(scopes: list[Scope]) -> list[Scope]:
    if len(set(scopes)) != len(scopes):
        raise ValueError("each scope once")
    return sorted(scopes)


Scopes = Annotated[list[Scope], Field(min_length=1, max_length=len(Scope)), AfterValidator(_distinct)]
_BASIS = (
    "processor: acts for the brand and on its instructions; consent: gets personal data of those only who agreed to it"
)
_SHARED = "by language, what the partner gets of a member and what for: members read it when they are asked"


class ClientCreate(Input):
    """A partner's program."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "CRM of Demo", "scopes": ["contacts:write", "orders:write"], "basis": "processor"}]
        }
    )

    name: DisplayName = Field(examples=["CRM of Demo"])
    scopes: Scopes
    basis: ClientBasis = Field(default=ClientBasis.CONSENT, description=_BASIS)
    shared: LongTextMap = Field(default={}, description=_SHARED)


class ClientUpdate(Input):
    """What changes of a client; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "CRM of Demo", "basis": "processor"}]})

    name: DisplayName | None = Field(default=None, examples=["CRM of Demo"])
    scopes: Scopes | None = Field(
        default=None, description="its next tokens have these; those out expire in 10 minutes"
    )
    basis: ClientBasis | None = Field(default=None, description=_BASIS)
    shared: LongTextMap | None = Field(default=None, description=_SHARED)

    @field_validator("name", "scopes", "basis", "shared")
    @classmethod
    def _not_null(cls, value: object) -> object:
        # Runs for what is sent only: leaving it out is fine, taking it away is not.
        if value is None:
            raise ValueError("may be left out, and not be null")
        return value


class ClientOut(Output):
    """An API client."""

    id: UUID
    client_id: str = Field(description="what the program calls itself at POST /v1/oauth/token", examples=[CLIENT_ID])
    name: str = Field(examples=["CRM of Demo"])
    scopes: list[Scope]
    basis: ClientBasis = Field(description=_BASIS)
    shared: dict[str, str] = Field(description=_SHARED, examples=[{"zh": "昵称和所在社群，用于会员服务。"}])
    created_at: datetime
    created_by: UUID
    secret_changed_at: datetime
    previous_secret_expires_at: datetime | None = Field(description="until when the secret before is good too")
    last_used_at: datetime | None = Field(description="when it last got a token")
    version: int = Field(examples=[1])
    can: list[str] = Field(examples=[["edit", "rotate_secret", "delete"]])


class ClientSecretOut(ClientOut):
    """An API client with its secret, which is shown this once."""

    client_secret: str = Field(examples=[_SECRET])


class ClientTokenOut(Output):
    """An access token of a program (RFC 6749 §5.1)."""

    access_token: str = Field(examples=["eyJhbGciOiJFZERTQSJ9.e30.c2ln"])
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the name of a scheme
    expires_in: int = Field(description="seconds", examples=[600])
    scope: str = Field(examples=["contacts:write orders:write"])


class OAuthErrorOut(Output):
    """What went wrong (RFC 6749 §5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str = Field(examples=["The client or its secret is wrong."])
