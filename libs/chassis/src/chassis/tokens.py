"""Access tokens: reading and verifying what members issued."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import jwt

from chassis import clock, telemetry
from chassis.errors import Problem

ISSUER = "hearth"
AUDIENCE = "hearth"
ALGORITHMS = ("EdDSA", "ES256")
OWNER_SCOPE = "organization:owner"
ADMIN_SCOPE = "organization:admin"
TOKEN_SECONDS = 600
REFRESH_SECONDS = 60
SHORTEST_REFRESH_SECONDS = 1.0
CACHED_TOKENS = 20_000
LONGEST_TOKEN = 4096
TOKEN_MISSING = "token-missing"  # noqa: S105  a problem's code

log = telemetry.log("chassis.tokens")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a person (an account), or a partner (a client of an organization)."""

    organization_id: UUID
    account_id: UUID
    session_id: UUID | None
    scopes: frozenset[str]
    client_id: UUID | None
    delegated: bool = False
    """Whether the gateway acts for the client, on a webhook of the partner's, and not the partner's program itself."""

    @property
    def staff(self) -> bool:
        """Whether the caller is owner or admin of the organization."""
        return not self.scopes.isdisjoint((OWNER_SCOPE, ADMIN_SCOPE))

    @property
    def owner(self) -> bool:
        """Whether the caller is the organization's owner."""
        return OWNER_SCOPE in self.scopes


def unauthorized(detail: str, code: str = "token-invalid") -> Problem:
    """401, with the challenge that RFC 6750 (3.1) asks for: no error code for who has sent no token at all."""
    error = "" if code == TOKEN_MISSING else ', error="invalid_token"'
    return Problem(401, code, detail, headers={"WWW-Authenticate": f'Bearer realm="hearth"{error}'})


class Jwks:
    """The issuer's public keys: fetched, refreshed, and kept when the issuer is away."""

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._fetch = fetch
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = -SHORTEST_REFRESH_SECONDS
        self._lock = asyncio.Lock()

    def known(self, kid: str) -> bool:
        """Whether the key is still published."""
        return kid in self._keys

    @property
    def ready(self) -> bool:
        """Whether any key is known."""
        return bool(self._keys)

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """Return a key, asking the issuer when it is new here."""
        if kid not in self._keys:
            await self.refresh()
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Ask the issuer, at most once a second; keep what is known when it does not answer."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at < SHORTEST_REFRESH_SECONDS:
                return
            self._asked_at = now
            try:
                document = await self._fetch()
                keys = [jwt.PyJWK.from_dict(key) for key in document["keys"]]
            except (
                TimeoutError,
                OSError,
                aiohttp.ClientError,
                KeyError,
                TypeError,
                ValueError,
                jwt.PyJWTError,
            ) as error:
                log.warning("jwks_unavailable", error=type(error).__name__)
                return
            self._keys = {str(key.key_id): key for key in keys}

    async def run(self, stopping: asyncio.Event) -> None:
        """Refresh every minute until told to stop, so that a withdrawn key is withdrawn here."""
        while not stopping.is_set():
            await self.refresh()
            try:
                await asyncio.wait_for(stopping.wait(), REFRESH_SECONDS if self.ready else SHORTEST_REFRESH_SECONDS)
            except TimeoutError:
                continue


def fetch_over_http(url: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return a fetcher of the JWKS at `url`."""

    async def fetch() -> dict[str, Any]:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as client,
            client.get(url, allow_redirects=False) as answer,
        ):
            answer.raise_for_status()
            document: dict[str, Any] = await answer.json()
            return document

    return fetch


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    expires_at: float
    kid: str


class TokenVerifier:
    """Verifies tokens; one that was verified is known by its SHA-256 until it expires, its key is withdrawn or its session revoked."""

    def __init__(self, jwks: Jwks) -> None:
        self.jwks = jwks
        self._verified: dict[bytes, _Verified] = {}
        self._revoked: dict[UUID, float] = {}

    def revoke(self, session_id: UUID) -> None:
        """Accept no token of this session any more."""
        now = clock.now().timestamp()
        self._revoked = {session: until for session, until in self._revoked.items() if until > now}
        self._revoked[session_id] = now + TOKEN_SECONDS

    def recall(self, token: str) -> Principal | None:
        """Return whom a token that was verified before stands for, when it still does."""
        verified = self._verified.get(hashlib.sha256(token.encode()).digest())
        if verified is None:
            return None
        if verified.expires_at <= clock.now().timestamp():
            raise unauthorized("The token has expired.", "token-expired")
        if not self.jwks.known(verified.kid):
            return None
        if verified.principal.session_id in self._revoked:
            raise unauthorized("The session has ended.", "session-revoked")
        return verified.principal

    async def verify(self, token: str) -> Principal:
        """Return whom the token stands for. Raises Problem 401, or 503 while no key is known."""
        return self.recall(token) or await self._verify(token)

    async def _verify(self, token: str) -> Principal:
        if len(token) > LONGEST_TOKEN:
            raise unauthorized("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError) as error:
            raise unauthorized("The token is malformed.") from error
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in ALGORITHMS or not isinstance(kid, str):
            raise unauthorized("The token is not signed by this installation.")
        key = await self.jwks.key(kid)
        if key is None:
            if not self.jwks.ready:
                raise Problem(503, "keys-unavailable", "No signing key is known yet.", headers={"Retry-After": "1"})
            raise unauthorized("The token is not signed by this installation.")
        principal, expires_at = _read(token, key)
        if expires_at <= clock.now().timestamp():
            raise unauthorized("The token has expired.", "token-expired")
        if principal.session_id in self._revoked:
            raise unauthorized("The session has ended.", "session-revoked")
        self._remember(token, _Verified(principal, expires_at, kid))
        return principal

    def _remember(self, token: str, verified: _Verified) -> None:
        if len(self._verified) >= CACHED_TOKENS:
            for oldest in list(self._verified)[: CACHED_TOKENS // 2]:
                del self._verified[oldest]
        self._verified[hashlib.sha256(token.encode()).digest()] = verified


def _read(token: str, key: jwt.PyJWK) -> tuple[Principal, float]:
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=ISSUER,
            audience=AUDIENCE,
            # The library would ask the system for the time; expiry is checked by our clock.
            options={
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "require": ["exp", "sub", "org", "iss", "aud"],
            },
        )
        client = claims.get("client_id")
        session = claims.get("sid")
        return (
            Principal(
                organization_id=UUID(claims["org"]),
                account_id=UUID(claims["sub"]),
                session_id=UUID(session) if session else None,
                scopes=frozenset(str(claims.get("scope", "")).split()),
                client_id=UUID(client) if client else None,
                delegated="act" in claims,
            ),
            float(claims["exp"]),
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise unauthorized("The token is not valid.") from error
