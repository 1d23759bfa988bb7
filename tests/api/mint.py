"""Tokens of every kind: such as members signs, with the stack's own key, and such as nobody may accept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.api.document import Operation
from tests.api.stack import RealStack
from tests.api.town import Town

from chassis import clock
from chassis.tokens import ADMIN_SCOPE, AUDIENCE, ISSUER, OWNER_SCOPE, TOKEN_SECONDS
from chassis.vault import Vault
from members.accounts.keys.commands import PURPOSE
from members.vault import VARIABLE

PARTNER = "partner"
JUDGE = "judge"
"""A program that may judge texts."""
HOOKED = "hooked"
"""A program that manages its own endpoints."""
SELLER = "seller"
"""A program that tells of orders."""
PROGRAMS = {
    PARTNER: ("client_id", "contacts:write members:read"),
    JUDGE: ("judge_id", "content:judge"),
    HOOKED: ("hooked_id", "webhooks:manage"),
    SELLER: ("seller_id", "orders:write"),
}
"""The partners' programs: by which name the town has their id, and their scopes."""
OF_PROGRAMS = {
    "client_judge": JUDGE,
    "client_contacts_write": PARTNER,
    "client_contacts_read": PARTNER,
    "client_contacts_find": PARTNER,
    "client_orders_write": SELLER,
}
"""Which of them does what is for programs alone."""
SCOPES = {"owner": OWNER_SCOPE, "admin": ADMIN_SCOPE}


def asked_by(operation: Operation) -> str:
    """Return who can call an operation with the town's things: the owner, where it is not for programs alone."""
    return OF_PROGRAMS.get(operation.permission, "owner")


class Mint:
    """Signs with the key that the stack's members signs with."""

    def __init__(self, kid: str, private_key: bytes) -> None:
        self.kid = kid
        self.key = Ed25519PrivateKey.from_private_bytes(private_key)

    @classmethod
    async def of(cls, stack: RealStack) -> Mint:
        """Open the stack's signing key."""
        connection = await asyncpg.connect(stack.database("members"))
        try:
            row = await connection.fetchrow(
                "SELECT kid, sealed_private_key FROM signing_key ORDER BY signs_from LIMIT 1"
            )
        finally:
            await connection.close()
        assert row is not None
        vault = Vault(stack.secrets["members_key_secret"], "members", VARIABLE)
        return cls(row["kid"], vault.open(PURPOSE, row["sealed_private_key"], row["kid"].encode()))

    def claims(self, town: Town, name: str) -> dict[str, Any]:
        """The claims of one of the people, for a session that no one has."""
        now = int(clock.now().timestamp())
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": town.people[name].account_id,
            "org": town.organization_id,
            "sid": str(uuid4()),
            "scope": SCOPES.get(name, ""),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Sign claims as members would."""
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": self.kid, **headers})

    def token(self, town: Town, name: str) -> str:
        """A good token of one of the people, or of a partner's program; ending its session ends nobody's."""
        if name not in PROGRAMS:
            return self.sign(self.claims(town, name))
        known_as, scope = PROGRAMS[name]
        client = town.ids[known_as]
        claims = self.claims(town, "outsider") | {"sub": client, "client_id": client, "scope": scope}
        del claims["sid"]
        return self.sign(claims)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _expired(mint: Mint, claims: dict[str, Any]) -> str:
    earlier = int((clock.now() - timedelta(seconds=1)).timestamp())
    return mint.sign(claims | {"iat": earlier - TOKEN_SECONDS, "exp": earlier})


def _wrong_key(mint: Mint, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": mint.kid})


def _own_key(_mint: Mint, claims: dict[str, Any]) -> str:
    """Signed with a key of the forger's own, which the header brings along and names."""
    key = Ed25519PrivateKey.generate()
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    headers = {"kid": "mine", "jwk": jwk, "jku": "http://127.0.0.1:1/jwks.json"}
    return jwt.encode(claims, key, algorithm="EdDSA", headers=headers)


def _unsigned(mint: Mint, claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': mint.kid})}.{_part(claims)}."


def _signature_left_out(mint: Mint, claims: dict[str, Any]) -> str:
    return mint.sign(claims).rpartition(".")[0] + "."


def _public_key_as_secret(mint: Mint, claims: dict[str, Any]) -> str:
    """HS256 with the published key as the secret: what a verifier that trusts `alg` would accept."""
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': mint.kid})}.{_part(claims)}"
    mac = hmac.new(mint.key.public_key().public_bytes_raw(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _claims_swapped(mint: Mint, claims: dict[str, Any]) -> str:
    header, _, signature = mint.sign(claims | {"scope": ""}).split(".")
    return f"{header}.{_part(claims)}.{signature}"


def _without(name: str) -> Callable[[Mint, dict[str, Any]], str]:
    return lambda mint, claims: mint.sign({key: value for key, value in claims.items() if key != name})


def _with(**changes: Any) -> Callable[[Mint, dict[str, Any]], str]:
    return lambda mint, claims: mint.sign(claims | changes)


FORGERIES: dict[str, Callable[[Mint, dict[str, Any]], str]] = {
    "expired": _expired,
    "wrong key": _wrong_key,
    "key of its own": _own_key,
    "alg=none": _unsigned,
    "no signature": _signature_left_out,
    "public key as secret": _public_key_as_secret,
    "claims swapped": _claims_swapped,
    "another issuer": _with(iss="elsewhere"),
    "another audience": _with(aud="elsewhere"),
    "no expiry": _without("exp"),
    "no organization": _without("org"),
    "organization of no shape": _with(org="' OR 1=1 --"),
    "garbage": lambda _mint, _claims: "garbage",
    "too long": lambda mint, claims: mint.sign(claims | {"padding": "x" * 8000}),
}
