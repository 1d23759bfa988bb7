"""What HTTP accepts and returns of endpoints' keys."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from gateway.endpoints.models import Scheme
from gateway.endpoints.schemas import SecretOut, SecretText
from gateway.endpoints.secrets.policy import KEEP_OLD_HOURS


class SecretCreate(Input):
    """A key that takes the place of the one before. Nothing in it makes one of scheme v1."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep_old_hours": 24}]})

    scheme: Scheme | None = Field(
        default=None, description="v1: a shared secret; v1a: ed25519. Left out: that of `secret`, or v1"
    )
    secret: SecretText | None = Field(
        default=None,
        description="your own: whsec_ and 24 to 64 bytes in base64, or whsk_ and an ed25519 seed; left out, one is made",
    )
    keep_old_hours: int = Field(
        default=KEEP_OLD_HOURS,
        ge=0,
        le=KEEP_OLD_HOURS,
        description="how long the scheme's keys of before sign beside it; 0 when one has become known",
    )


class SecretsOut(Output):
    """The keys that sign now, newest first."""

    data: list[SecretOut]
