"""Assertions by which the gateway gets a token of a partner's client for work that the partner ordered by webhook (RFC 7523).

Both ends share HEARTH_DELEGATION_SECRET: whoever has it can act as every client, and as nobody else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import jwt

from chassis.ids import new_id

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ISSUER: Final = "hearth-gateway"
AUDIENCE: Final = "hearth-members"
LIFETIME: Final = timedelta(seconds=30)
"""How long an assertion is good; half of what is accepted, so that the clocks of two machines may differ."""
LONGEST_LIFETIME: Final = timedelta(seconds=60)
LONGEST_ASSERTION: Final = 2048
_ALGORITHM: Final = "HS256"
_LONGEST_ID = 100


class AssertionInvalidError(Exception):
    """It is no assertion of ours, or one that is not good any more."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """For which client of which organization a token is asked, and the name of this asking."""

    organization_id: UUID
    client_id: UUID
    id: str


def make(secret: str, organization_id: UUID, client_id: UUID, now: datetime) -> str:
    """Return an assertion that the client may have a token now. Each is another, and good for half a minute."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(client_id),
        "org": str(organization_id),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": str(new_id()),
    }
    return jwt.encode(claims, _key(secret), algorithm=_ALGORITHM)


def read(secret: str, text: str, now: datetime) -> Assertion:
    """Return what an assertion says. Raises AssertionInvalidError, which does not tell what is wrong with it."""
    if len(text) > LONGEST_ASSERTION:
        raise AssertionInvalidError
    try:
        claims = jwt.decode(
            text,
            _key(secret),
            algorithms=[_ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            # The library would ask the system for the time; expiry is checked by our clock.
            options={
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "require": ["exp", "sub", "org", "iss", "aud", "jti"],
            },
        )
        left = float(claims["exp"]) - now.timestamp()
        name = claims["jti"]
        found = Assertion(UUID(claims["org"]), UUID(claims["sub"]), name)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise AssertionInvalidError from error
    # Anything else than a span of time, a number that is none among them, fails this comparison too.
    if not 0 < left <= LONGEST_LIFETIME.total_seconds() or not 0 < len(name) <= _LONGEST_ID:
        raise AssertionInvalidError
    return found


def _key(secret: str) -> bytes:
    """Return 32 bytes of the secret that are good for this only."""
    return hashlib.sha256(b"hearth delegation\x00" + secret.encode()).digest()
