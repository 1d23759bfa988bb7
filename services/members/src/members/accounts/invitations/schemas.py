"""What HTTP accepts and returns of invitations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr

from chassis.schemas import Input, Output
from members.accounts.schemas import Email, Password

_TOKEN = "hi_0198b7a26c1e7d3a9f4b2f6f6c1d7a01_0198b7a26c1e7d3a9f4b2f6f6c1d7a44_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXg"  # noqa: S105  an example


class InvitationOut(Output):
    """An invitation. The token is shown this once; hand it to the person and to nobody else."""

    id: UUID
    account_id: UUID
    token: str = Field(examples=[_TOKEN])
    expires_at: datetime


class InvitationClaim(Input):
    """The token of an invitation, and how the person will sign in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"token": _TOKEN, "email": "lin@example.com", "password": "correct horse battery"}]
        }
    )

    token: SecretStr = Field(min_length=1, max_length=300)
    email: Email
    password: Password
