from __future__ import annotations

import asyncio
import gzip

import orjson
import pytest
from tests.gateway.servers import (
    PATIENCE,
    POSTS,
    Echo,
    answer,
    read_chunks,
    read_request,
    running,
    scripted,
    serving,
    wire,
)


async def test_a_request_and_its_answer_pass() -> None:
    echo = Echo(
        status=201,
        headers=[(b"ETag", b'"7"'), (b"Hearth-Position", b"post/1@7"), (b"Content-Type", b"application/json")],
    )
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask(
            "POST", POSTS, {"Content-Type": "application/json", "Idempotency-Key": "k"}, b'{"body":"\xe4\xbd\xa0"}'
        )
    assert reply.status == 201
    assert reply.get(b"etag") == b'"7"'
    assert reply.get(b"hearth-position") == b"post/1@7"
    assert echo.bodies == [b'{"body":"\xe4\xbd\xa0"}']
    assert echo.last[b"content-type"] == b"application/json"
    assert echo.last[b"idempotency-key"] == b"k"
    assert echo.last[b"authorization"].startswith(b"Bearer ")


@pytest.mark.parametrize(
    "target",
    [
        f"{POSTS}/x/reactions/%F0%9F%91%8D",
        f"{POSTS}/x/reactions/%f0%9f%91%8d",
        f"{POSTS}/a%20b;c=d,e",
        f"{POSTS}?cursor=%2F%2e%2e&limit=5&limit=6&a=%E4%BD%A0&empty=&+",
        f"{POSTS}?a=b?c/../d//e",
        f"{POSTS}/~x!$'()*:@",
        f"{POSTS}/%25%32%66",
    ],
)
async def test_the_target_arrives_byte_for_byte(target: str) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask("GET", target)
    told = orjson.loads(reply.body)
    assert (told["raw_path"] + ("?" + told["query"] if told["query"] else "")) == target


async def test_hop_by_hop_and_internal_headers_end_at_the_gateway() -> None:
    echo = Echo()
    sent = {
        "Connection": "close, X-Mine, keep-alive",
        "Keep-Alive": "timeout=5",
        "Proxy-Authorization": "Basic x",
        "Proxy-Connection": "keep-alive",
        "TE": "trailers",
        "Trailer": "X-T",
        "X-Mine": "1",
        "X-Hearth-Account": "forged",
        "X_Hearth_Account": "forged",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-User": "root",
        "X-Real-IP": "6.6.6.6",
        "X-Original-URL": "/ops",
        "Forwarded": "for=6.6.6.6",
        "Expect": "something",
        "X-Kept": "yes",
        "Accept-Language": "zh",
    }
    async with serving(echo) as port, running(port) as gateway:
        await gateway.ask("GET", POSTS, sent)
    got = echo.last
    gone = (
        b"keep-alive proxy-authorization proxy-connection te trailer x-mine x-hearth-account x_hearth_account x-forwarded-user "
        b"x-real-ip x-original-url forwarded expect connection"
    )
    assert not set(gone.split()) & got.keys()
    assert got[b"x-forwarded-for"] == b"127.0.0.1"
    assert got[b"x-forwarded-host"] == b"hearth.test"
    assert got[b"x-forwarded-proto"] == b"http"
    assert got[b"host"] == f"127.0.0.1:{port}".encode()
    assert got[b"x-kept"] == b"yes"
    assert got[b"accept-language"] == b"zh"


async def test_the_client_adds_nothing_of_its_own() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        await gateway.ask("POST", POSTS, {}, b"")
    assert not {b"accept", b"accept-encoding", b"user-agent", b"content-type", b"cookie"} & echo.last.keys()
    assert echo.last[b"content-length"] == b"0"


async def test_headers_of_an_answer_are_cleaned_too() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        while True:
            await read_request(reader)
            headers = (
                b"Connection: X-Secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nServer: inner\r\n"
                b'Date: long ago\r\nX-Hearth-Internal: 1\r\nAccess-Control-Allow-Origin: *\r\nRateLimit: "x";r=1;t=1\r\nX-Request-Id: theirs\r\n'
                b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Kept: yes\r\n"
            )
            writer.write(answer(b"[]", headers=headers))

    async with scripted(script) as service, running(service.port) as gateway:
        reply = await gateway.ask()
        second = await gateway.ask()
    names = [name for name, _ in reply.headers]
    assert not {
        b"x-secret",
        b"keep-alive",
        b"proxy-authenticate",
        b"x-hearth-internal",
        b"access-control-allow-origin",
    } & set(names)
    assert names.count(b"set-cookie") == 2
    assert reply.get(b"x-kept") == b"yes"
    assert reply.get(b"x-request-id") != b"theirs"
    assert b"inner" not in dict(reply.headers).get(b"server", b"")
    assert b"long ago" not in [value for _, value in reply.headers]
    # Cookies of one caller must not be kept for the next.
    assert second.status == 200


async def test_cookies_are_not_remembered() -> None:
    echo = Echo(headers=[(b"set-cookie", b"session=of-another; Path=/")])
    # By name: the client's cookie jar takes none from a bare address.
    async with serving(echo) as port, running(content_url=f"http://localhost:{port}") as gateway:
        await gateway.ask()
        await gateway.ask()
    assert len(echo.requests) == 2
    assert b"cookie" not in echo.last


async def test_a_compressed_answer_stays_compressed() -> None:
    packed = gzip.compress(b'{"data":[]}')
    echo = Echo(headers=[(b"content-encoding", b"gzip")], body=packed)
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask("GET", POSTS, {"Accept-Encoding": "gzip"})
    assert reply.body == packed
    assert reply.get(b"content-encoding") == b"gzip"
    assert echo.last[b"accept-encoding"] == b"gzip"


async def test_a_redirect_is_the_callers_and_names_no_inner_address() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await read_request(reader)
        inner = writer.get_extra_info("sockname")[1]
        target = f"http://127.0.0.1:{inner}/v1/me" if number == 1 else "https://elsewhere.test/x"
        writer.write(
            answer(
                b"", status="307 Temporary Redirect", headers=f"Location: {target}\r\nConnection: close\r\n".encode()
            )
        )

    async with scripted(script) as service, running(service.port) as gateway:
        first, second = await gateway.ask(), await gateway.ask()
    assert (first.status, first.get(b"location")) == (307, b"/v1/me")
    assert second.get(b"location") == b"https://elsewhere.test/x"


@pytest.mark.parametrize("status", ["304 Not Modified", "204 No Content"])
async def test_an_answer_without_a_body_may_announce_one(status: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        while True:
            await read_request(reader)
            length = b"Content-Length: 42\r\n" if status.startswith("304") else b""
            writer.write(f'HTTP/1.1 {status}\r\nETag: "3"\r\n'.encode() + length + b"\r\n")

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        for _ in range(2):
            await connection.send(gateway.message("GET", POSTS, {"If-None-Match": '"3"'}))
            reply = await connection.reply()
            assert (reply.status, reply.get(b"etag"), reply.body) == (int(status[:3]), b'"3"', b"")


async def test_head_keeps_the_length_and_has_no_body() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        while True:
            assert (await read_request(reader)).line.startswith(b"HEAD ")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        for _ in range(2):
            await connection.send(gateway.message("HEAD"))
            reply = await connection.reply(method="HEAD")
            assert reply.get(b"content-length") == b"1234"


async def test_an_answer_streams_piece_by_piece() -> None:
    more = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
        )
        await more.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message())
        head = await connection.head()
        assert head.get(b"content-type") == b"text/event-stream"
        chunks = read_chunks(connection.reader)
        async with asyncio.timeout(PATIENCE):
            # The second event is not written before the first has arrived.
            assert await anext(chunks) == b"data: 1\n\n"
            more.set()
            assert [chunk async for chunk in chunks] == [b"data: 2\n\n"]


async def test_a_body_streams_piece_by_piece() -> None:
    arrived = asyncio.Event()
    pieces: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"ransfer-encoding: chunked" in head.lower()
        async for chunk in read_chunks(reader):
            pieces.append(chunk)
            arrived.set()
        writer.write(answer(b"[]"))

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message("POST", POSTS, {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n")
        async with asyncio.timeout(PATIENCE):
            # The second piece is not sent before the first is at the service.
            await arrived.wait()
        await connection.send(b"6;ext=1\r\nsecond\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert (await connection.reply()).status == 200
    assert pieces == [b"first", b"second"]


async def test_a_large_body_arrives_whole_with_its_length() -> None:
    echo = Echo()
    body = bytes(range(256)) * 4096
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask("POST", POSTS, {}, body)
    assert reply.status == 200
    assert echo.bodies == [body]
    assert echo.last[b"content-length"] == str(len(body)).encode()
    assert b"transfer-encoding" not in echo.last


async def test_a_caller_that_waits_is_told_to_continue_only_for_a_body_that_is_wanted() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        async with wire(gateway.port) as connection:
            await connection.send(gateway.message("POST", POSTS, {"Expect": "100-continue", "Content-Length": 5}))
            assert (await connection.head()).status == 100
            await connection.send(b"hello")
            assert (await connection.reply()).status == 200
        async with wire(gateway.port) as connection:
            await connection.send(
                gateway.message("POST", POSTS, {"Expect": "100-continue", "Content-Length": 5_000_000})
            )
            assert (await connection.reply()).status == 413
    assert echo.bodies == [b"hello"]


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway, wire(gateway.port) as connection:
        await connection.send(b"".join(gateway.message("GET", f"{POSTS}/{number}") for number in range(5)))
        for number in range(5):
            assert orjson.loads((await connection.reply()).body)["raw_path"] == f"{POSTS}/{number}"


async def test_each_service_gets_its_own() -> None:
    members, content, engagement = Echo(), Echo(), Echo()
    async with (
        serving(members) as members_port,
        serving(content) as content_port,
        serving(engagement) as engagement_port,
        running(content_port, members=members_port, engagement=engagement_port) as gateway,
    ):
        community = POSTS.removesuffix("/posts")
        for path in (f"{community}/memberships/me", POSTS, f"{community}/pulse"):
            assert (await gateway.ask("GET", path)).status == 200
    assert [len(service.requests) for service in (members, content, engagement)] == [1, 1, 1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 422, 428, 429, 500, 503])
async def test_what_a_service_answers_passes_as_it_is(status: int) -> None:
    echo = Echo(status=status, headers=[(b"content-type", b"application/problem+json")], body=b'{"type":"urn:theirs"}')
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask()
    assert (reply.status, reply.body) == (status, b'{"type":"urn:theirs"}')
    assert len(echo.requests) == 1


async def test_websocket_is_refused_in_words() -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": "x",
            "Sec-WebSocket-Version": 13,
        }
        assert (await gateway.ask("GET", POSTS, upgrade)).code == "websocket-unsupported"
        # Another upgrade is an offer, which may be ignored.
        h2c = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "x"}
        assert (await gateway.ask("POST", POSTS, h2c, b"hello")).status == 200
