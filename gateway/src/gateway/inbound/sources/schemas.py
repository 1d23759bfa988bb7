"""What HTTP accepts and returns of sources."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator

from chassis.schemas import Input, Output, ShortText
from gateway.inbound.sources.policy import PLACEHOLDER

HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"), Field(examples=["X-Crm-Signature"])
]
Pointer = Annotated[
    str, StringConstraints(pattern=r"^(/([^~/\x00-\x1f]|~0|~1){0,100}){1,10}$"), Field(examples=["/event/id"])
]
Secret = Annotated[
    str, Field(min_length=1, max_length=600, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="])
]
_STANDARD: dict[str, JsonValue] = {"kind": "standard"}
_CUSTOM: dict[str, JsonValue] = {
    "kind": "custom",
    "signature_header": "X-Crm-Signature",
    "algorithm": "hmac-sha256",
    "encoding": "hex",
    "prefix": "sha256=",
    "signed": "{timestamp}.{body}",
    "timestamp": {"header": "X-Crm-Time", "unit": "s"},
    "message_id": {"header": "X-Crm-Delivery", "pointer": None},
}


class StandardVerification(Input):
    """Standard Webhooks 1.0, `v1` (a shared secret) or `v1a` (the partner's public key)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STANDARD]})

    kind: Literal["standard"]


class TimestampPlace(Input):
    """Where the instant of sending stands. It must be signed, or it proves nothing."""

    header: HeaderName
    unit: Literal["s", "ms"] = Field(description="seconds or milliseconds since 1970")


class MessageIdPlace(Input):
    """Where the id of a message stands that its repetitions have too: in a header, or in the body."""

    header: HeaderName | None = None
    pointer: Pointer | None = Field(default=None, description="JSON pointer to a text or a whole number in the body")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.header is None) == (self.pointer is None):
            raise ValueError("name a header or a pointer")
        return self


class CustomVerification(Input):
    """A scheme of the partner's own."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CUSTOM]})

    kind: Literal["custom"]
    signature_header: HeaderName
    algorithm: Literal["hmac-sha256", "hmac-sha512", "ed25519"]
    encoding: Literal["hex", "base64"]
    prefix: str = Field(default="", max_length=40, pattern=r"^[!-~]*$", description="what stands before the signature")
    signed: str = Field(
        default="{body}",
        max_length=200,
        pattern=r"^[ -~]*$",
        description="what is signed: {body} once, {timestamp} and {id} where the partner's scheme has them",
        examples=["{timestamp}.{body}"],
    )
    timestamp: TimestampPlace | None = Field(
        default=None,
        description="without one, whoever records a message can send it again after 180 days, when its id is forgotten",
    )
    message_id: MessageIdPlace | None = Field(
        default=None, description="without one, the SHA-256 of the body is its id: equal messages count once"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        found = PLACEHOLDER.findall(self.signed)
        if (
            found.count("body") != 1
            or len(set(found)) != len(found)
            or re.search(r"[{}]", PLACEHOLDER.sub("", self.signed))
        ):
            raise ValueError("signed takes {body} once, and {timestamp} and {id} at most once each")
        if ("timestamp" in found) != (self.timestamp is not None):
            raise ValueError(
                "timestamp and {timestamp} in signed come together: an instant that is not signed proves nothing"
            )
        if "id" in found and (self.message_id is None or self.message_id.header is None):
            raise ValueError("{id} in signed takes a message_id in a header")
        return self


Verification = Annotated[StandardVerification | CustomVerification, Field(discriminator="kind")]


class SourceCreate(Input):
    """A new source."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "CRM of Demo", "verification": _STANDARD}]})

    client_id: UUID | None = Field(default=None, description="the partner's API client; a program leaves it out")
    name: ShortText = Field(examples=["CRM of Demo"])
    verification: Verification
    secret: Secret | None = Field(
        default=None,
        description="the partner's: a shared secret (whsec_..., or 24 to 512 bytes for a custom HMAC) or an ed25519 public key "
        "(whpk_..., or hex or base64 for a custom scheme); we make one when it is left out",
    )


class SourceUpdate(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "CRM of Demo, EU"}]})

    name: ShortText | None = Field(default=None, examples=["CRM of Demo, EU"])
    verification: Verification | None = Field(
        default=None, description="the keys stay, so the algorithm must; make a new source for another"
    )


class SourceKeyCreate(Input):
    """The next key of a source; the one before is good for 24 hours more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    secret: Secret | None = Field(default=None, description="as when the source was made")


class SourceKeyOut(Output):
    """A key, without the key."""

    id: UUID
    created_at: datetime
    expires_at: datetime | None = Field(description="until when it verifies; none for the newest")


class SourceOut(Output):
    """A source."""

    id: UUID
    client_id: UUID
    name: str = Field(examples=["CRM of Demo"])
    path: str = Field(
        description="where the partner sends", examples=["/v1/inbound/0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]
    )
    verification: Annotated[dict[str, Any], Field(examples=[_STANDARD])]
    open: bool = Field(description="whether messages are taken; a closed source answers 404")
    mapping: int | None = Field(description="the number of the mapping in force; none before the first is adopted")
    keys: list[SourceKeyOut]
    created_at: datetime
    created_by: UUID
    updated_at: datetime
    version: int = Field(examples=[1])
    can: list[str] = Field(examples=[["edit", "close", "rotate_key", "map", "delete"]])


class SourceSecretOut(SourceOut):
    """A source with its newest secret, which is shown this once."""

    secret: str | None = Field(
        description="none for a public key", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="]
    )
