"""Whatever a receiver does, what came of it is said, in time, and nothing of ours is harmed."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
from asyncio import StreamReader, StreamWriter
from time import monotonic

import pytest
from tests.gateway.posting.receivers import dripping, endless, post, saying, told
from tests.gateway.servers import PATIENCE, Echo, answer, read_request, scripted, serving

from gateway.posting import MOST_BODY, Poster

SOON = 0.3
"""Seconds given to a receiver that is not going to be in time."""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(poster: Poster, status: int) -> None:
    inside = Echo()
    async with serving(inside) as port:
        location = b"location: http://127.0.0.1:%d/secret\r\n" % port
        outcome = await told(poster, saying(answer(b"", status=f"{status} x", headers=location)))
    assert outcome.status == status
    assert inside.requests == []


async def test_large_answer_is_given_up(poster: Poster) -> None:
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        try:
            taken.set_result(await endless(writer, b"x" * 65_536))
        except ConnectionError:
            taken.set_result(0)
            raise

    async with scripted(receive) as service:
        outcome = await post(poster, service.port)
        assert await asyncio.wait_for(taken, PATIENCE) < 16 * 2**20, "the rest was never read"
    assert (outcome.status, outcome.body) == (200, b"x" * MOST_BODY)


async def test_large_answer_in_chunks_is_given_up(poster: Poster) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 500 no\r\ntransfer-encoding: chunked\r\n\r\n")
        await endless(writer, b"8000\r\n" + b"y" * 0x8000 + b"\r\n")

    outcome = await told(poster, receive)
    assert (outcome.status, outcome.body) == (500, b"y" * MOST_BODY)


async def test_bomb_is_not_unpacked(poster: Poster) -> None:
    packed = gzip.compress(bytes(10_000_000))
    assert len(packed) < MOST_BODY
    outcome = await told(poster, saying(answer(packed, headers=b"content-encoding: gzip\r\n")))
    assert (outcome.status, outcome.body) == (200, packed)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_time_runs_out_for_a_receiver_that_drips(poster: Poster, head: bytes) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(head)
        await dripping(writer, b"x" if head else b"")

    outcome = await told(poster, receive, SOON)
    assert (outcome.error, outcome.address) == ("timeout", "127.0.0.1")
    assert SOON * 1000 <= outcome.milliseconds < (SOON + PATIENCE) * 1000


async def test_time_runs_out_for_one_header_a_moment(poster: Poster) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await dripping(writer, b"a: b\r\n")

    assert (await told(poster, receive, SOON)).error == "timeout"


async def test_time_runs_out_for_a_receiver_that_never_answers_nor_reads(poster: Poster) -> None:
    async def receive(*_: object) -> None:
        await asyncio.Event().wait()

    assert (await told(poster, receive, SOON)).error == "timeout"


async def test_time_runs_out_for_a_receiver_that_answers_but_does_not_read(poster: Poster) -> None:
    """What is still to be written must not hold up what ends the attempt."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        began = monotonic()
        posting = asyncio.create_task(
            poster.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, b"x" * 1_000_000, SOON)
        )
        loop = asyncio.get_running_loop()
        accepted, _ = await asyncio.wait_for(loop.sock_accept(listening), PATIENCE)
        with accepted:
            await loop.sock_sendall(accepted, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
            outcome = await asyncio.wait_for(posting, PATIENCE)
    assert outcome.error == "timeout"
    assert monotonic() - began < SOON + PATIENCE


async def test_time_runs_out_for_a_connection_that_is_never_accepted(poster: Poster) -> None:
    """A full backlog: the handshake is never answered, as by a host that drops packets."""
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        outcome = await post(poster, deaf.getsockname()[1], SOON)
    assert (outcome.error, outcome.address) == ("timeout", "127.0.0.1")


async def test_provisional_answers_without_end_are_given_up(poster: Poster) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        await endless(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 10)

    assert (await told(poster, receive, SOON)).error == "timeout"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nx: \x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"b" * 100_000 + b"\r\n\r\n",
    ],
    ids=lambda garbage: repr(garbage[:30]),
)
async def test_garbage_is_said_to_be_that(poster: Poster, garbage: bytes) -> None:
    assert (await told(poster, saying(garbage))).error == "malformed_answer"


async def test_headers_without_end_are_given_up(poster: Poster) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await endless(writer, b"name: " + b"v" * 1000 + b"\r\n")

    assert (await told(poster, receive)).error == "malformed_answer"


async def test_headers_are_kept_within_bounds_and_as_text_that_a_database_takes(poster: Poster) -> None:
    many = b"".join(b"X-%d: \xff%s\r\n" % (number, b"v" * 200) for number in range(100))
    outcome = await told(poster, saying(answer(b"\xff\x00ok", headers=b"x-twice: 1\r\nx-twice: 2\r\n" + many)))
    assert outcome.headers is not None
    assert outcome.headers["x-twice"] == "1, 2"
    assert outcome.headers["x-0"] == "\ufffd" + "v" * 200
    assert sum(len(name) + len(value) for name, value in outcome.headers.items()) <= 8190
    assert outcome.text == "\ufffd\ufffdok"


async def test_no_answer_of_any_kind_is_more_than_a_failure(poster: Poster) -> None:
    chance = random.Random(5)
    pieces = [
        *(
            b"HTTP/1.1 ",
            b"HTTP/1.0 ",
            b"200 OK",
            b"500 x",
            b"204 x",
            b"\r\n",
            b"\n",
            b"\r\n\r\n",
            b"content-length: ",
            b"5",
            b"0",
            b"-3",
        ),
        *(
            b"transfer-encoding: chunked",
            b"connection: close",
            b"upgrade: x",
            b"\0",
            b"\xff\xfe",
            b": ",
            b"x",
            b" ",
            b"5\r\nhello\r\n",
        ),
        *(
            b"0\r\n\r\n",
            b"content-encoding: br",
            b"retry-after: \x80",
            b"location: http://[",
            b"set-cookie: \xff=;;",
            b"zz\r\n",
        ),
    ]
    said: list[bytes] = []

    async def receive(reader: StreamReader, writer: StreamWriter, number: int) -> None:
        await read_request(reader)
        writer.write(said[number - 1])
        await writer.drain()

    async with scripted(receive) as service:
        for _ in range(300):
            start = chance.choice([b"HTTP/1.1 200 OK\r\n", b""])
            said.append(start + b"".join(chance.choices(pieces, k=chance.randint(0, 12))))
            outcome = await post(poster, service.port)
            assert outcome.error in {None, "malformed_answer", "connection_reset"}, said[-1]
            assert "\0" not in outcome.text
            outcome.text.encode()
            "".join(f"{name}{value}" for name, value in (outcome.headers or {}).items()).encode()


async def test_connection_closed_at_once_is_a_reset(poster: Poster) -> None:
    async def receive(reader: StreamReader, _: StreamWriter, number: int) -> None:
        assert number == 1, "only a kept connection is tried again"
        await read_request(reader)

    assert (await told(poster, receive)).error == "connection_reset"


async def test_connection_aborted_is_a_reset(poster: Poster) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await reader.readexactly(1)
        writer.transport.abort()

    assert (await told(poster, receive)).error == "connection_reset"
