"""A token issuer for tests: signs what members would sign, and what nobody should accept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis import clock
from chassis.ids import new_id
from chassis.tokens import AUDIENCE, ISSUER, TOKEN_SECONDS


class Issuer:
    """An Ed25519 key with its JWKS."""

    def __init__(self, kid: str = "test") -> None:
        self.kid = kid
        self._key = Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, Any]:
        """Return the public key."""
        return {
            **jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True),
            "kid": self.kid,
            "alg": "EdDSA",
            "use": "sig",
        }

    async def jwks(self) -> dict[str, Any]:
        """Return the published keys."""
        return {"keys": [self.jwk()]}

    def token(
        self,
        organization_id: UUID,
        account_id: UUID,
        *,
        scopes: tuple[str, ...] = (),
        client: bool = False,
        session_id: UUID | None = None,
        lifetime: float = TOKEN_SECONDS,
    ) -> str:
        """Return a signed access token; a negative lifetime makes one that has expired."""
        now = clock.now()
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account_id),
            "org": str(organization_id),
            "sid": str(session_id or new_id()),
            "scope": " ".join(scopes),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=lifetime)).timestamp()),
        }
        if client:
            claims["client_id"] = str(account_id)
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self.kid})
