from __future__ import annotations

from tests.gateway.servers import POSTS, Echo, running, serving

APP = "https://app.brand.test"
ASK = {
    "Origin": APP,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,if-match",
}


async def test_a_preflight_is_answered_here_without_a_token() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port, cors_origins=f"{APP}/, http://localhost:5173") as gateway:
        reply = await gateway.ask("OPTIONS", POSTS, ASK, signed=False)
        unknown = await gateway.ask("OPTIONS", "/v1/nothing", ASK, signed=False)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.get(b"access-control-allow-origin") == APP.encode()
    methods = reply.get(b"access-control-allow-methods") or b""
    allowed = (reply.get(b"access-control-allow-headers") or b"").lower()
    assert {b"PATCH", b"DELETE"} <= set(methods.split(b", "))
    assert {b"authorization", b"if-match", b"idempotency-key", b"hearth-after", b"content-type"} <= set(
        allowed.split(b", ")
    )
    assert reply.get(b"access-control-max-age") == b"7200"
    assert b"access-control-allow-credentials" not in dict(reply.headers)
    assert unknown.status == 204  # the browser then sees the 404 itself
    assert echo.requests == []


async def test_an_answer_may_be_read_by_its_origin_and_no_other() -> None:
    async with serving(Echo()) as port, running(port, cors_origins=APP) as gateway:
        ours = await gateway.ask("GET", POSTS, {"Origin": APP})
        theirs = await gateway.ask("GET", POSTS, {"Origin": "https://evil.test"})
        none = await gateway.ask()
        refused = await gateway.ask("OPTIONS", POSTS, ASK | {"Origin": "https://evil.test"}, signed=False)
        problem = await gateway.ask("GET", POSTS, {"Origin": APP}, signed=False)
    assert ours.get(b"access-control-allow-origin") == APP.encode()
    exposed = (ours.get(b"access-control-expose-headers") or b"").split(b", ")
    assert {b"ETag", b"Hearth-Position", b"RateLimit", b"RateLimit-Policy", b"Retry-After", b"X-Request-Id"} <= set(
        exposed
    )
    assert theirs.get(b"access-control-allow-origin") is None
    assert none.get(b"access-control-allow-origin") is None
    # A cache must not hand one origin's answer to another.
    assert ours.get(b"vary") == theirs.get(b"vary") == none.get(b"vary") == b"Origin"
    assert (refused.status, refused.get(b"access-control-allow-origin")) == (403, None)
    # A frontend must be able to read that it has to log in again.
    assert (problem.status, problem.get(b"access-control-allow-origin")) == (401, APP.encode())


async def test_every_origin_when_so_configured() -> None:
    async with serving(Echo()) as port, running(port, cors_origins="*") as gateway:
        assert (await gateway.ask("GET", POSTS, {"Origin": "null"})).get(b"access-control-allow-origin") == b"*"
        assert (await gateway.ask("OPTIONS", POSTS, ASK, signed=False)).get(b"access-control-allow-origin") == b"*"


async def test_no_origin_by_default() -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        reply = await gateway.ask("GET", POSTS, {"Origin": APP})
        assert (reply.status, reply.get(b"access-control-allow-origin"), reply.get(b"vary")) == (200, None, None)
        assert (await gateway.ask("OPTIONS", POSTS, ASK, signed=False)).code == "origin-not-allowed"


async def test_options_without_a_preflight_is_the_services() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port, cors_origins=APP) as gateway:
        assert (await gateway.ask("OPTIONS", POSTS)).status == 200
        assert (await gateway.ask("OPTIONS", POSTS, signed=False)).status == 401
    assert len(echo.requests) == 1
