"""What HTTP accepts and returns of sessions."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr

from chassis.schemas import Input, Output
from members.accounts.schemas import Email, OrganizationRef, Password

LONGEST_TOKEN = 300
_REFRESH = (
    "hrt_0198b7a26c1e7d3a9f4b2f6f6c1d7a01_0198b7a26c1e7d3a9f4b2f6f6c1d7a33_AAAAAGp0c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
)


class SessionCreate(Input):
    """Who signs in, and where."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"organization": "demo", "email": "lin@example.com", "password": "correct horse battery"}]
        }
    )

    organization: OrganizationRef
    email: Email
    password: Password


class SessionRefresh(Input):
    """A refresh token."""

    refresh_token: SecretStr = Field(min_length=1, max_length=LONGEST_TOKEN, examples=[_REFRESH])


class PasswordChange(Input):
    """The old password and the new one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "correct horse battery", "new_password": "staple correct horse"}]
        }
    )

    current_password: Password
    new_password: Password


class SessionOut(Output):
    """A session with its tokens. The refresh token is good once: each answer brings the next."""

    access_token: str = Field(
        description="a JWT, for `Authorization: Bearer`", examples=["eyJhbGciOiJFZERTQSJ9.e30.c2ln"]
    )
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the name of a scheme
    expires_in: int = Field(description="seconds", examples=[600])
    refresh_token: str = Field(examples=[_REFRESH])
    refresh_expires_in: int = Field(description="seconds; each refresh starts anew", examples=[2592000])
    account_id: UUID
    organization_id: UUID
