"""Requests that two readers might read differently, heads without end, and bodies larger than announced or allowed."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.gateway.servers import PATIENCE, POSTS, Echo, Reply, running, serving, wire

from gateway import protocol
from gateway.settings import KIB, MIB

HOST = b"Host: hearth.test\r\n"


async def refused(request: bytes) -> Reply:
    """Send bytes that must not reach the service, and return the answer."""
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway, wire(gateway.port) as connection:
        token = f"Authorization: Bearer {gateway.token()}\r\n".encode()
        await connection.send(request.replace(b"<TOKEN>", token).replace(b"<POSTS>", POSTS.encode()))
        reply = await connection.reply()
    assert echo.requests == []
    return reply


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /x",
        b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nhello",
        b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nhell",
        b"Content-Length: 4, 4\r\n\r\nhell",
        b"Content-Length: +4\r\n\r\nhell",
        b"Content-Length: 0x4\r\n\r\nhell",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
        b"Content-Length : 4\r\n\r\nhell",
        b"Content-Length:\r\n 4\r\n\r\nhell",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: identity\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"X: a\r\n b\r\n\r\n",
        b"X: a\x00b\r\n\r\n",
        b"X\x00: a\r\n\r\n",
        b"X y: a\r\n\r\n",
        b": a\r\n\r\n",
        b"X: a\rContent-Length: 4\r\n\r\n",
        b"Host: other.test\r\n\r\n",
        b"Authorization: Bearer other\r\n\r\n",
        b"X: \xff\xfe\r\n\r\n",
    ],
)
async def test_a_head_that_is_not_clear_is_refused(framing: bytes) -> None:
    reply = await refused(b"POST <POSTS> HTTP/1.1\r\n" + HOST + b"<TOKEN>" + framing)
    assert reply.status in (400, 501)
    assert reply.problem


@pytest.mark.parametrize(
    "start",
    [
        b"GET <POSTS> HTTP/1.1\r\n<TOKEN>\r\n",  # no Host
        b"GET <POSTS> HTTP/1.1\r\nHost: a b\r\n<TOKEN>\r\n",
        b"GET <POSTS> HTTP/1.1\r\nHost: a/../b\r\n<TOKEN>\r\n",
        b"GET <POSTS> HTTP/2.0\r\n" + HOST + b"<TOKEN>\r\n",
        b"GET <POSTS>\r\n\r\n",
        b"POST <POSTS> HTTP/1.0\r\n" + HOST + b"<TOKEN>Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"CONNECT evil.test:443 HTTP/1.1\r\n" + HOST + b"<TOKEN>\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello, TLS\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"get <POSTS> HTTP/1.1\r\n" + HOST + b"<TOKEN>\r\n",
    ],
)
async def test_a_start_that_is_not_clear_is_refused(start: bytes) -> None:
    reply = await refused(start)
    assert reply.status in (400, 405, 505)
    assert reply.problem


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "PURGE", "LINK"])
async def test_other_methods_are_405(method: str) -> None:
    reply = await refused(f"{method} {POSTS} HTTP/1.1\r\n".encode() + HOST + b"<TOKEN>\r\n")
    assert reply.status == 405
    assert b"GET" in (reply.get(b"allow") or b"")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/communities//x/posts",
        "//v1/me",
        "/v1/../v1/me",
        "/v1/./me",
        "/v1/me/..",
        "/v1/%2e%2e/v1/me",
        "/v1/%2E/me",
        "/v1/.%2e/me",
        "/v1/communities/a%2fb/posts",
        "/v1/communities/a%2Fb/posts",
        "/v1/communities/a%5cb/posts",
        "/v1/communities/a\\b/posts",
        "/v1/communities/a%00b/posts",
        "/v1/communities/a%0d%0ab/posts",
        "/v1/communities/a%7fb/posts",
        "/v1/communities/a%zz/posts",
        "/v1/communities/a%/posts",
        "/v1/communities/\u4f60/posts",
    ],
)
async def test_a_path_that_is_not_clear_is_refused(path: str) -> None:
    reply = await refused(f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"<TOKEN>\r\n")
    assert reply.status == 400
    assert reply.problem


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/me/",
        "/v1/nothing",
        "/v2/me",
        "/v1/communities/",
        f"{POSTS}/",
        "/ops/outbox",
        "/metrics",
        "/livez",
        "*",
    ],
)
async def test_an_unknown_path_is_404(path: str) -> None:
    assert (await refused(f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"<TOKEN>\r\n")).code == "not-found"


async def test_a_whole_address_names_a_path_not_a_host() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        await gateway.ask("GET", f"http://evil.test{POSTS}?a=1")
    assert echo.requests[0]["raw_path"] == POSTS.encode()
    assert echo.last[b"host"] == f"127.0.0.1:{port}".encode()


async def test_a_long_target_is_414_and_a_strange_query_400() -> None:
    assert (await refused(f"GET {POSTS}?a={'x' * 9000} HTTP/1.1\r\n".encode() + HOST + b"<TOKEN>\r\n")).status == 414
    assert (await refused(f"GET {POSTS}?a=你 HTTP/1.1\r\n".encode() + HOST + b"<TOKEN>\r\n")).status == 400


async def test_too_many_or_too_large_headers_are_431() -> None:
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(101))
    large = b"X: " + b"x" * (33 * KIB) + b"\r\n"
    for headers in (many, large):
        reply = await refused(b"GET <POSTS> HTTP/1.1\r\n" + HOST + b"<TOKEN>" + headers + b"\r\n")
        assert (reply.status, reply.code) == (431, "headers-too-large")


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\nX", b"GET / HTTP/1.1\r\nA: 1\r\nB: "]
)
async def test_a_head_without_end_is_cut_off(start: bytes) -> None:
    async with running() as gateway, wire(gateway.port) as connection:
        await connection.send(start)

        async def pour() -> None:
            while True:
                await connection.send(b"x" * 8 * KIB)

        pouring = asyncio.create_task(pour())
        reply = await connection.reply()
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
    assert reply.status in (400, 431)
    assert reply.problem


async def test_a_head_that_trickles_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serving(Echo()) as port, running(port) as gateway:
        async with wire(gateway.port) as connection:
            await connection.send(b"GET / HTTP/1.1\r\n")
            assert (await connection.reply()).status == 408
        async with wire(gateway.port) as connection:  # after a request that was whole, too
            await connection.send(gateway.message())
            assert (await connection.reply()).status == 200
            await connection.send(b"GET / HT")
            assert (await connection.reply()).status == 408
        async with wire(gateway.port) as connection:  # nothing was asked, so nothing is answered
            assert await connection.rest() == b""


async def test_a_body_that_announces_too_much_is_413_before_it_is_sent() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        for path, limit in ((POSTS, MIB), (f"{POSTS}/imports", 16 * MIB)):
            async with wire(gateway.port) as connection:
                await connection.send(gateway.message("POST", path, {"Content-Length": limit + 1}))
                reply = await connection.reply()
            assert (reply.status, reply.code) == (413, "body-too-large")
            assert str(limit) in reply.problem["detail"]
            assert (await gateway.ask("POST", path, {}, b"0" * limit)).status == 200
    assert [len(body) for body in echo.bodies] == [MIB, 16 * MIB]


async def test_a_body_that_grows_too_large_is_413_and_never_whole_at_the_service() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message("POST", POSTS, {"Transfer-Encoding": "chunked"}))
        sending = asyncio.create_task(connection.send(b"10000\r\n" + b"0" * 65536 + b"\r\n"))
        for _ in range(17):
            await sending
            sending = asyncio.create_task(connection.send(b"10000\r\n" + b"0" * 65536 + b"\r\n"))
        assert (await connection.reply()).code == "body-too-large"
        await sending
    assert echo.bodies == []


async def test_the_connection_lives_on_after_a_refused_body() -> None:
    async with serving(Echo()) as port, running(port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message("POST", POSTS, {}, b"0" * (2 * MIB)))
        assert (await connection.reply()).status == 413
        await connection.send(gateway.message())
        assert (await connection.reply()).status == 200


async def test_a_refused_body_is_not_thrown_away_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "IDLE_BYTES", 256 * KIB)
    async with running() as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message("POST", POSTS, {"Content-Length": 10**12}))
        assert (await connection.reply()).status == 413

        async def pour() -> None:
            while True:
                await connection.send(b"0" * 65536)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(pour(), PATIENCE)


async def test_a_broken_chunk_ends_the_request() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway, wire(gateway.port) as connection:
        await connection.send(
            gateway.message("POST", POSTS, {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\nzz\r\n"
        )
        assert (await connection.reply()).status == 400
    assert echo.bodies == []


async def test_trailers_do_not_become_headers() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway, wire(gateway.port) as connection:
        trailers = b"2\r\n{}\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: Bearer other\r\n\r\n"
        await connection.send(gateway.message("POST", POSTS, {"Transfer-Encoding": "chunked"}) + trailers)
        assert (await connection.reply()).status == 200
    assert echo.bodies == [b"{}"]
    assert echo.last[b"x-forwarded-for"] == b"127.0.0.1"
    assert echo.last[b"authorization"] != b"Bearer other"


async def test_no_mangled_request_breaks_the_gateway_or_becomes_two() -> None:
    chance = random.Random(20260302)
    pieces = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b" ",
        b":",
        b"0",
        b"\xff",
        b"%2f",
        b"../",
        b"chunked",
        b"Content-Length: 3\r\n",
    ]
    pieces += [
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"Expect: 100-continue\r\n",
        b"9" * 30,
    ]
    echo = Echo()
    async with serving(echo) as port, running(port, authenticated_burst=100_000, anonymous_burst=100_000) as gateway:
        whole = gateway.message("POST", POSTS, {"Content-Type": "application/json"}, b'{"body":"hello"}')
        chunked = gateway.message("POST", POSTS, {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n0\r\n\r\n"
        for _ in range(400):
            request = bytearray(chance.choice((whole, chunked)))
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(request))
                request[at : at + chance.choice((0, 1, 8))] = chance.choice(pieces)
            before = len(echo.requests)
            async with wire(gateway.port) as connection:
                connection.writer.write(bytes(request))
                connection.writer.write_eof()
                said = await connection.rest()
            assert b"HTTP/1.1 500" not in said, bytes(request)
            assert len(echo.requests) - before <= 1, bytes(request)
        assert (await gateway.ask()).status == 200
