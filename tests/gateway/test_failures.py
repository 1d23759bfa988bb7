"""Services that are away, silent, rude or gone half-way; callers that leave. Nothing is tried twice that might have happened once."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from tests.gateway.servers import PATIENCE, POSTS, Echo, Script, answer, read_request, running, scripted, serving, wire

SAFE: list[tuple[str, dict[str, str]]] = [
    ("GET", {}),
    ("HEAD", {}),
    ("PUT", {}),
    ("DELETE", {}),
    ("POST", {"Idempotency-Key": "k"}),
    ("PATCH", {"Idempotency-Key": "k"}),
]
UNSAFE: list[tuple[str, dict[str, str]]] = [("POST", {}), ("PATCH", {})]


def dying(times: int, *, kept: bool = False) -> tuple[Script, list[bytes]]:
    """A service that closes without a word so many connections; with `kept`, only after it has answered one request on them."""
    lines: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        if kept and number <= times:
            await read_request(reader)
            writer.write(answer(b"[]"))
        while True:
            request = await read_request(reader)
            lines.append(request.line + b" " + request.body)
            if number <= times:
                return
            writer.write(answer(b"" if request.line.startswith(b"HEAD") else b"[]"))

    return script, lines


@pytest.mark.parametrize(("method", "headers"), SAFE)
async def test_what_may_be_repeated_is_repeated_once(method: str, headers: dict[str, str]) -> None:
    body = None if method in {"GET", "HEAD", "DELETE"} else b'{"a":1}'
    script, lines = dying(1)
    async with scripted(script) as service, running(service.port) as gateway:
        assert (await gateway.ask(method, POSTS, headers, body)).status == 200
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0].endswith(body or b" ")


@pytest.mark.parametrize(("method", "headers"), SAFE)
async def test_it_is_not_repeated_twice(method: str, headers: dict[str, str]) -> None:
    script, lines = dying(9)
    async with scripted(script) as service, running(service.port) as gateway:
        reply = await gateway.ask(method, POSTS, headers)
    assert reply.status == 502
    assert len(lines) == service.connections == 2


@pytest.mark.parametrize(("method", "headers"), UNSAFE)
@pytest.mark.parametrize("kept", [False, True])
async def test_what_may_not_be_repeated_is_not(method: str, headers: dict[str, str], *, kept: bool) -> None:
    script, lines = dying(1, kept=kept)
    async with scripted(script) as service, running(service.port) as gateway:
        if kept:
            assert (await gateway.ask()).status == 200
        reply = await gateway.ask(method, POSTS, headers, b"{}")
    assert reply.code == "service-disconnected"
    assert (reply.status, len(lines)) == (502, 1)


async def test_a_kept_connection_that_died_costs_the_caller_nothing() -> None:
    script, lines = dying(1, kept=True)
    async with scripted(script) as service, running(service.port) as gateway:
        assert (await gateway.ask()).status == 200
        assert (await gateway.ask()).status == 200
    assert (len(lines), service.connections) == (2, 2)


@pytest.mark.parametrize(
    "headers",
    [{"Idempotency-Key": "k", "Transfer-Encoding": "chunked"}, {"Idempotency-Key": "k", "Content-Length": 100_000}],
)
async def test_a_body_that_streamed_cannot_be_repeated(headers: dict[str, str]) -> None:
    script, lines = dying(9)
    body = b"0" * 100_000 if "Content-Length" in headers else b"2\r\n{}\r\n0\r\n\r\n"
    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message("PUT", POSTS, headers) + body)
        assert (await connection.reply()).status == 502
    assert len(lines) == 1


async def test_an_answer_that_began_is_not_asked_for_again() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message())
        head = await connection.head()
        assert head.get(b"content-length") == b"100"
        # The caller sees that it is not whole: the connection ends before the announced length.
        assert await connection.rest() == b"half"
    assert service.connections == 1


async def test_a_chunked_answer_that_breaks_off_has_no_end() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message())
        await connection.head()
        assert await connection.rest() == b"4\r\nhalf\r\n"


async def test_a_service_that_is_away_is_503() -> None:
    async with running() as gateway:
        for method in ("GET", "POST"):
            reply = await gateway.ask(method)
            assert (reply.status, reply.get(b"retry-after")) == (503, b"1")
            if method == "POST":
                assert reply.code == "service-unavailable"
                assert "127.0.0.1" not in reply.body.decode()


async def test_a_service_that_accepts_nobody_is_503() -> None:
    # A full backlog: the connection attempt hangs.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            async with running(full.getsockname()[1], connect_seconds=0.05) as gateway:
                assert (await gateway.ask()).code == "service-unavailable"
        finally:
            for one in waiting:
                one.close()


async def test_a_silent_service_is_504_and_not_asked_again() -> None:
    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        await reader.read()

    async with scripted(script) as service, running(service.port, first_byte_seconds=0.05) as gateway:
        reply = await gateway.ask()
    assert (reply.status, reply.code, service.connections) == (504, "service-timeout", 1)


async def test_a_service_that_falls_silent_half_way_is_cut_off() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read()

    async with (
        scripted(script) as service,
        running(service.port, idle_seconds=0.05) as gateway,
        wire(gateway.port) as connection,
    ):
        await connection.send(gateway.message())
        await connection.head()
        assert await connection.rest() == b"half"


async def test_the_wait_for_the_first_byte_is_not_the_wait_for_the_next() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        await asyncio.sleep(0.2)  # the time is the subject here
        writer.write(b"half")
        await reader.read()

    async with scripted(script) as service, running(service.port, first_byte_seconds=0.1) as gateway:
        assert (await gateway.ask()).body == b"halfhalf"


@pytest.mark.parametrize(
    "words",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_502(words: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(words)
        await reader.read()

    async with scripted(script) as service, running(service.port, first_byte_seconds=2) as gateway:
        assert (await gateway.ask()).status == 502


async def test_hints_before_the_answer_are_passed_over() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"[]"))

    async with scripted(script) as service, running(service.port) as gateway:
        reply = await gateway.ask()
    assert (reply.status, reply.body) == (200, b"[]")


async def test_a_caller_that_leaves_while_the_service_thinks_frees_it() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()
        left.set()

    async with scripted(script) as service, running(service.port) as gateway:
        async with wire(gateway.port) as connection, asyncio.timeout(PATIENCE):
            await connection.send(gateway.message())
            await asked.wait()
        async with asyncio.timeout(PATIENCE):
            await left.wait()
        assert (await gateway.ask("GET", "/v1/me")).status == 503  # and the gateway lives


async def test_a_caller_that_leaves_a_stream_frees_it() -> None:
    left = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n")
        await reader.read()
        left.set()

    async with scripted(script) as service, running(service.port) as gateway:
        async with wire(gateway.port) as connection:
            await connection.send(gateway.message())
            await connection.head()
        async with asyncio.timeout(PATIENCE):
            await left.wait()


async def test_a_caller_that_leaves_during_its_upload_ends_it() -> None:
    begun, broken = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.readuntil(b"first")
        begun.set()
        rest = await reader.read()
        assert b"0\r\n\r\n" not in rest  # it must not look like a whole body
        broken.set()

    async with scripted(script) as service, running(service.port) as gateway:
        async with wire(gateway.port) as connection, asyncio.timeout(PATIENCE):
            await connection.send(gateway.message("POST", POSTS, {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n")
            await begun.wait()
        async with asyncio.timeout(PATIENCE):
            await broken.wait()


async def test_a_caller_that_stops_sending_is_408() -> None:
    async with serving(Echo()) as port, running(port, idle_seconds=0.05) as gateway:
        for headers in ({"Content-Length": 10}, {"Content-Length": 100_000}):
            async with wire(gateway.port) as connection:
                await connection.send(gateway.message("POST", POSTS, headers) + b"half")
                reply = await connection.reply()
                assert (reply.status, reply.code) == (408, "request-timeout")


async def test_a_service_that_stops_reading_is_504() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    body = b"0" * (40 * 1024 * 1024)
    limits: dict[str, Any] = {"idle_seconds": 0.2, "body_limit": len(body), "import_body_limit": len(body)}
    async with (
        scripted(script) as service,
        running(service.port, **limits) as gateway,
        wire(gateway.port) as connection,
    ):
        sending = asyncio.create_task(connection.send(gateway.message("POST", POSTS, {}, body)))
        assert (await connection.reply()).code == "service-timeout"
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_an_early_answer_reaches_a_caller_that_still_sends() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b'{"no":1}', status="422 Unprocessable Content", headers=b"Connection: close\r\n"))
        await reader.read()

    async with scripted(script) as service, running(service.port) as gateway, wire(gateway.port) as connection:
        await connection.send(gateway.message("POST", POSTS, {"Content-Length": 500_000}) + b"0" * 1000)
        reply = await connection.reply()
    assert (reply.status, reply.body) == (422, b'{"no":1}')


async def test_a_slow_service_does_not_take_the_connections_of_another() -> None:
    hanging = asyncio.Event()

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        hanging.set()
        await reader.read()

    async with (
        scripted(script) as slow,
        serving(Echo()) as port,
        running(slow.port, members=port, connections=1, connect_seconds=0.05) as gateway,
        wire(gateway.port) as connection,
    ):
        await connection.send(gateway.message())
        async with asyncio.timeout(PATIENCE):
            await hanging.wait()
        assert (await gateway.ask()).status == 503
        assert (await gateway.ask("GET", "/v1/me")).status == 200


async def test_a_caller_that_does_not_read_holds_no_service_for_ever() -> None:
    freed = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"0" * 1_000_000)
                await writer.drain()
        finally:
            freed.set()

    async with (
        scripted(script) as service,
        running(service.port, idle_seconds=0.1) as gateway,
        wire(gateway.port) as connection,
    ):
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await connection.send(gateway.message())
        async with asyncio.timeout(PATIENCE):
            await freed.wait()


async def test_a_service_that_is_the_gateway_itself_is_no_endless_loop() -> None:
    async with running() as gateway:
        upstream = gateway.gateway.upstreams["content"]
        upstream.base = f"http://127.0.0.1:{gateway.port}"
        assert (await gateway.ask()).code == "loop"


async def test_the_gateway_is_named_on_the_way() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        await gateway.ask("GET", POSTS, {"Via": "1.1 front"})
    assert [value for name, value in echo.requests[0]["headers"] if name == b"via"] == [
        b"1.1 front",
        b"1.1 hearth-gateway",
    ]


async def test_a_public_request_is_not_repeated_whatever_key_it_has() -> None:
    # Nobody keeps the key of a caller who is not known yet: a second sign-up would be a second act.
    script, lines = dying(9)
    async with scripted(script) as service, running(members=service.port) as gateway, wire(gateway.port) as connection:
        message = gateway.message("POST", "/v1/organizations", {"Idempotency-Key": "k"}, b"{}", signed=False)
        await connection.send(message)
        assert (await connection.reply()).status == 502
    assert len(lines) == 1
