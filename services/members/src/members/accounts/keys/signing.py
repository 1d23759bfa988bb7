"""Signing access tokens, and the public half of the keys that sign them (RFC 8037)."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.tokens import AUDIENCE, ISSUER, TOKEN_SECONDS
from members.accounts.keys.models import SigningKey

ALGORITHM = "EdDSA"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token is for: a person with a session, or a client of a partner (its `account_id` is the client's id)."""

    organization_id: UUID
    account_id: UUID
    session_id: UUID | None
    scopes: tuple[str, ...]
    client_id: UUID | None = None
    actor: str | None = None
    """Who acts for the client, where it is not the client itself (RFC 8693 §4.1)."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and when it expires."""

    text: str
    expires_at: datetime

    def expires_in(self, now: datetime) -> int:
        """Return the seconds that are left, rounded up as its issue was rounded down."""
        return math.ceil((self.expires_at - now).total_seconds())


class Signer:
    """A private key with its name."""

    def __init__(self, kid: str, private_key: bytes) -> None:
        self.kid = kid
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)

    def issue(self, subject: Subject, issued_at: datetime) -> AccessToken:
        """Sign a token. The same subject in the same second gets the same token: EdDSA takes no randomness."""
        seconds = int(issued_at.timestamp())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(subject.account_id),
            "org": str(subject.organization_id),
            "scope": " ".join(subject.scopes),
            "iat": seconds,
            "exp": seconds + TOKEN_SECONDS,
        }
        if subject.session_id:
            claims["sid"] = str(subject.session_id)
        if subject.client_id:
            claims["client_id"] = str(subject.client_id)
        if subject.actor:
            claims["act"] = {"sub": subject.actor}
        text = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.kid})
        return AccessToken(text, datetime.fromtimestamp(seconds + TOKEN_SECONDS, issued_at.tzinfo))


def generate() -> tuple[bytes, bytes]:
    """Return a new private key and its public half, 32 raw bytes each."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def jwks(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """Return the JWK set (RFC 7517) of the public halves."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": base64.urlsafe_b64encode(key.public_key).rstrip(b"=").decode(),
                "kid": key.kid,
                "alg": ALGORITHM,
                "use": "sig",
            }
            for key in keys
        ]
    }
