"""The JWK set."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chassis.schemas import Output


class JwkOut(Output):
    """A public key (RFC 7517, RFC 8037)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: str = Field(description="the key, base64url", examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])
    kid: str = Field(description="what a token's header names", examples=["0198b7a26c1e7d3a9f4b2f6f6c1d7a10"])
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class JwksOut(Output):
    """The public keys that access tokens may be signed with: the one to come, the present one, and those before until their tokens expired."""

    keys: list[JwkOut]
