from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.gateway.servers import POSTS, Echo, Running, running, serving

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.issuer import Issuer
from gateway import identity
from gateway.routing import TABLE, Access
from gateway.settings import GatewaySettings

OWN = {route.pattern for route in TABLE if route.service == "gateway"}
PUBLIC = [(method, route.pattern, rule) for route in TABLE for method, rule in route.access.items()]


def claims_of(gateway: Running, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    claims = {
        "iss": "hearth",
        "aud": "hearth",
        "sub": str(gateway.account),
        "org": str(gateway.organization),
        "iat": now,
        "exp": now + 600,
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}


def signed_by_hmac(claims: dict[str, Any], headers: dict[str, str], secret: bytes) -> str:
    """The library would not sign so; an attacker does."""
    parts = [
        urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT", **headers}, claims)
    ]
    digest = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, urlsafe_b64encode(digest).rstrip(b"=")]).decode()


def bad_tokens(gateway: Running) -> dict[str, str]:
    """Tokens that nobody may accept, by what is wrong with them."""
    issuer, private = gateway.issuer, gateway.issuer._key
    public = private.public_key().public_bytes_raw().hex()
    good, kid = gateway.token(), {"kid": issuer.kid}
    head, payload, signature = good.split(".")
    other = jwt.encode(claims_of(gateway), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=kid)
    return {
        "expired": issuer.token(gateway.organization, gateway.account, lifetime=-1),
        "of another key": other,
        "of another issuer": Issuer("unknown").token(gateway.organization, gateway.account),
        "of another issuer with our kid": Issuer(issuer.kid).token(gateway.organization, gateway.account),
        "alg none": jwt.encode(claims_of(gateway), None, algorithm="none", headers=kid),  # type: ignore[arg-type]
        "alg none, old signature": f"{jwt.encode(claims_of(gateway), None, algorithm='none', headers=kid).rstrip('.')}.{signature}",  # type: ignore[arg-type]
        "HMAC by the public key": jwt.encode(
            claims_of(gateway), public.replace("-", "+"), algorithm="HS256", headers=kid
        ),
        "ES256 with our kid": jwt.encode(
            claims_of(gateway), ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers=kid
        ),
        "without kid": jwt.encode(claims_of(gateway), private, algorithm="EdDSA"),
        "key in the head": jwt.encode(
            claims_of(gateway), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"jwk": {}, "kid": "x"}
        ),
        "payload changed": f"{head}.{payload[:-4]}AAAA.{signature}",
        "signature cut": good[:-10],
        "signature gone": f"{head}.{payload}.",
        "other audience": jwt.encode(claims_of(gateway, aud="else"), private, algorithm="EdDSA", headers=kid),
        "other issuer": jwt.encode(claims_of(gateway, iss="else"), private, algorithm="EdDSA", headers=kid),
        "no expiry": jwt.encode(claims_of(gateway, exp=None), private, algorithm="EdDSA", headers=kid),
        "no organization": jwt.encode(claims_of(gateway, org=None), private, algorithm="EdDSA", headers=kid),
        "sub is no id": jwt.encode(claims_of(gateway, sub="root"), private, algorithm="EdDSA", headers=kid),
        "no token": "",
        "no parts": "x",
        "huge": "x" * 5000,
        "two": f"{good} {good}",
    }


async def test_no_bad_token_passes() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port, members=port) as gateway:
        for what, token in bad_tokens(gateway).items():
            for target in (POSTS, "/v1/me"):
                reply = await gateway.ask("GET", target, {"Authorization": f"Bearer {token}"})
                assert reply.status == 401, what
                assert (reply.get(b"www-authenticate") or b"").startswith(b"Bearer"), what
                assert reply.problem["type"].startswith("urn:hearth:problem:token-"), what
                assert token == "" or token not in reply.body.decode(), what
        assert echo.requests == []
        assert (await gateway.ask()).status == 200


@pytest.mark.parametrize("value", ["Basic dXNlcjpwdw==", "bearer", "Bearer", "Token x", "x", "Bearer\tx"])
async def test_another_scheme_is_no_token(value: str) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        assert (await gateway.ask("GET", POSTS, {"Authorization": value})).status == 401
    assert echo.requests == []


async def test_the_scheme_has_no_case() -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        assert (await gateway.ask("GET", POSTS, {"Authorization": f"bEARER {gateway.token()}"})).status == 200


@pytest.mark.parametrize("route", TABLE, ids=lambda route: route.pattern)
async def test_every_row_needs_a_token_unless_it_says_so(route: Any) -> None:
    path = route.pattern.replace("{}", "x").replace("/**", "/x")
    echo = Echo()
    async with serving(echo) as port, running(port, members=port, engagement=port) as gateway:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            before = len(echo.requests)
            status = (await gateway.ask(method, path, signed=False)).status
            rule = route.access.get("GET" if method == "HEAD" else method, Access.TOKEN)
            # The gateway's own routes go to no service; here it has no database for them.
            let_in = (503, 0) if route.service == "gateway" else (200, 1)
            assert (status, len(echo.requests) - before) == ((401, 0) if rule is Access.TOKEN else let_in), method


@pytest.mark.parametrize(("method", "path", "rule"), [one for one in PUBLIC if one[1] not in OWN])
async def test_public_routes_and_a_token_that_is_no_good(method: str, path: str, rule: Access) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port, members=port) as gateway:
        for value in ("Bearer stale", "Basic Y2xpZW50OnNlY3JldA=="):
            status = (await gateway.ask(method, path, {"Authorization": value})).status
            assert status == (200 if rule is Access.OPEN else 401)
        if rule is Access.OPEN:
            # POST /v1/oauth/token reads it itself.
            assert echo.last[b"authorization"] == b"Basic Y2xpZW50OnNlY3JldA=="
        assert (await gateway.ask(method, path)).status == 200


async def test_these_routes_are_public_and_no_others() -> None:
    assert {(method, path) for method, path, _ in PUBLIC} == {
        ("POST", "/v1/organizations"),
        ("POST", "/v1/accounts"),
        ("POST", "/v1/sessions"),
        ("POST", "/v1/sessions/refresh"),
        ("POST", "/v1/invitations/claim"),
        ("POST", "/v1/oauth/token"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/v1/entry-links/{}"),
        ("GET", "/v1/media/{}/content/{}"),
        ("POST", "/v1/inbound/{}"),
    }


async def test_a_token_lapses_in_the_cache_too(movable_clock: MovableClock) -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        headers = {"Authorization": f"Bearer {gateway.token()}"}
        assert (await gateway.ask("GET", POSTS, headers)).status == 200
        movable_clock.move(minutes=10, seconds=1)
        assert (await gateway.ask("GET", POSTS, headers)).code == "token-expired"


async def test_without_keys_it_is_503() -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        gateway.gateway.tokens.jwks._fetch = _nothing
        reply = await gateway.ask()
    assert (reply.status, reply.get(b"retry-after")) == (503, b"1")


async def _nothing() -> dict[str, Any]:
    raise OSError


async def test_the_keys_come_from_members_directly() -> None:
    issuer = Issuer()

    async def members(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["path"] == "/.well-known/jwks.json"
        body = orjson.dumps({"keys": [issuer.jwk()]})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    async with serving(members) as port:
        tokens = identity.verifier(
            GatewaySettings(members_url=f"http://127.0.0.1:{port}/", jwks_url="http://127.0.0.1:1/")
        )
        account, organization = UUID(int=1), UUID(int=2)
        principal = await tokens.verify(
            issuer.token(organization, account, lifetime=timedelta(minutes=1).total_seconds())
        )
    assert (principal.account_id, principal.organization_id) == (account, organization)
