"""One attempt, whatever the receiver does: what came of it is said, in time, and nothing of ours is harmed."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.certificates import Authority
from tests.gateway.dns import ScriptedResolver
from tests.gateway.servers import PATIENCE, Echo, answer, read_request, scripted, serving

from chassis import clock
from gateway.posting import MOST_BODY, Outcome, Poster, retry_after

LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY = b'{"type":"content.post.published"}'
SOON = 0.3
"""Seconds given to a receiver that is not going to be in time."""
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

Receiver = Callable[[StreamReader, StreamWriter, int], Awaitable[None]]


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    async with Poster(LOOPBACK) as opened:
        yield opened


async def post(poster: Poster, port: int, seconds: float = PATIENCE, path: str = "/hooks") -> Outcome:
    return await poster.post(f"http://127.0.0.1:{port}{path}", {"webhook-id": "m1"}, BODY, seconds)


async def told(poster: Poster, receiver: Receiver, seconds: float = PATIENCE) -> Outcome:
    """Post once to a receiver that does this, and check that the next post is none the worse for it."""
    async with scripted(receiver) as service:
        began = monotonic()
        outcome = await post(poster, service.port, seconds)
        assert monotonic() - began < seconds + 2
    async with serving(Echo()) as port:
        assert (await post(poster, port)).status == 200
    assert (outcome.status is None) == (outcome.error is not None)
    return outcome


def saying(*parts: bytes) -> Receiver:
    """Return a receiver that reads the request, says this and leaves."""

    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
        await writer.drain()

    return receive


async def endless(writer: StreamWriter, part: bytes) -> int:
    """Send this again and again until the other side has had enough; return how many bytes the system took."""
    sent = 0
    while not writer.transport.is_closing():
        writer.write(part)
        await writer.drain()
        sent += len(part)
        await asyncio.sleep(0)
    return sent


async def dripping(writer: StreamWriter, part: bytes) -> None:
    while not writer.transport.is_closing():
        writer.write(part)
        await asyncio.sleep(0.05)


async def test_request_arrives_as_it_was_signed(poster: Poster) -> None:
    echo = Echo(headers=[(b"x-kept", b"yes"), (b"set-cookie", b"a=b")])
    async with serving(echo) as port:
        outcome = await poster.post(
            f"http://127.0.0.1:{port}/a%2Fb?c=%20", {"webhook-id": "m1", "content-type": "application/json"}, BODY
        )
        assert echo.bodies == [BODY]
        assert (echo.requests[0]["raw_path"], echo.requests[0]["query_string"]) == (b"/a%2Fb", b"c=%20")
        assert echo.last[b"webhook-id"] == b"m1"
        assert echo.last[b"content-type"] == b"application/json"
        assert echo.last[b"user-agent"] == b"Hearth-Webhooks/1.0"
        assert echo.last[b"accept-encoding"] == b"identity"
        assert echo.last[b"content-length"] == str(len(BODY)).encode()
        await post(poster, port)
        assert b"cookie" not in echo.last, "cookies of one endpoint are none of another's business"
    assert (outcome.status, outcome.error, outcome.address) == (200, None, "127.0.0.1")
    assert outcome.headers is not None
    assert outcome.headers["x-kept"] == "yes"
    assert outcome.delivered
    assert b"webhook-id" in outcome.body
    assert outcome.milliseconds >= 0


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_success_is_delivered(poster: Poster, status: int) -> None:
    outcome = await told(poster, saying(answer(b"", status=f"{status} x")))
    assert (outcome.status, outcome.delivered) == (status, True)


@pytest.mark.parametrize("status", [101, 300, 400, 410, 429, 500, 502, 504, 599])
async def test_anything_else_is_said_as_it_is(poster: Poster, status: int) -> None:
    outcome = await told(poster, saying(answer(b"no", status=f"{status} x", headers=b"retry-after: 7\r\n")))
    assert (outcome.status, outcome.delivered, outcome.retry_after) == (status, False, 7)


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


async def test_answer_of_just_the_most_is_kept_and_so_is_the_connection(poster: Poster) -> None:
    async with serving(Echo(body=b"z" * MOST_BODY)) as port:
        assert (await post(poster, port)).body == b"z" * MOST_BODY
        connector = poster._sessions["http"].connector
        assert connector is not None
        assert sum(map(len, connector._conns.values())) == 1


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
    assert SOON * 1000 <= outcome.milliseconds < (SOON + 1) * 1000


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
    assert monotonic() - began < SOON + 2


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


async def test_provisional_answers_are_passed_over(poster: Poster) -> None:
    outcome = await told(
        poster, saying(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n", answer())
    )
    assert (outcome.status, outcome.body) == (200, b"{}")


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


async def test_nobody_listening_is_a_refusal(poster: Poster) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        outcome = await post(poster, closed.getsockname()[1])
    assert (outcome.error, outcome.address) == ("connection_refused", "127.0.0.1")


async def test_connections_are_kept(poster: Poster) -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        while True:
            await read_request(reader)
            writer.write(answer())

    async with scripted(receive) as service:
        outcomes = [await post(poster, service.port) for _ in range(5)]
        assert service.connections == 1
    assert [(outcome.status, outcome.address) for outcome in outcomes] == [(200, "127.0.0.1")] * 5


async def test_kept_connection_that_is_closed_in_that_moment_costs_no_attempt(poster: Poster) -> None:
    together = asyncio.Barrier(3)

    async def receive(reader: StreamReader, writer: StreamWriter, number: int) -> None:
        await read_request(reader)
        if number <= 3:
            await together.wait()
        writer.write(answer(b"%d" % number))
        await read_request(reader)

    async with scripted(receive) as service:
        first = await asyncio.gather(*(post(poster, service.port) for _ in range(3)))
        assert {outcome.body for outcome in first} == {b"1", b"2", b"3"}
        again = await post(poster, service.port)
        assert (again.status, again.body) == (200, b"4"), "three kept connections are of no use, the fourth is new"


async def test_connections_to_one_host_are_bounded() -> None:
    release = asyncio.Event()
    busy, most = 0, 0

    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        nonlocal busy, most
        while True:
            await read_request(reader)
            busy += 1
            most = max(most, busy)
            if busy == 2:
                release.set()
            await release.wait()
            busy -= 1
            writer.write(answer())

    async with Poster(LOOPBACK, connections_per_host=2) as bounded, scripted(receive) as service:
        outcomes = await asyncio.gather(*(post(bounded, service.port) for _ in range(6)))
    assert [outcome.status for outcome in outcomes] == [200] * 6
    assert most == 2


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.2:9000/", "connection_refused"),
        ("http://10.0.0.1/", "url_refused"),
        ("https://169.254.169.254/latest/meta-data/", "url_refused"),
        ("https://[64:ff9b::a9fe:a9fe]/", "url_refused"),
        ("https://crm.example:25/", "url_refused"),
        ("ftp://crm.example/", "url_refused"),
        ("", "url_refused"),
        ("https://\udc80/", "url_refused"),
    ],
)
async def test_url_is_judged_again_when_it_is_sent_to(poster: Poster, url: str, error: str) -> None:
    assert (await poster.post(url, {}, BODY)).error == error


@pytest.mark.parametrize("headers", [{"x": "a\r\nhost: b"}, {"x\r\ny": "a"}, {"x": "a\0"}])
async def test_header_that_would_write_another_is_not_sent(poster: Poster, headers: dict[str, str]) -> None:
    echo = Echo()
    async with serving(echo) as port:
        outcome = await poster.post(f"http://127.0.0.1:{port}/", headers, BODY)
    assert outcome.error == "request_refused"
    assert echo.requests == []


async def test_proxy_of_the_environment_is_not_asked(poster: Poster, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Echo(status=502)
    async with serving(proxy) as proxy_port, serving(Echo()) as port:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy_port}")
        assert (await post(poster, port)).status == 200
    assert proxy.requests == []


async def test_cancelling_is_the_one_way_out_and_closes_the_connection(poster: Poster) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def receive(reader: StreamReader, *_: object) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()
        left.set()

    async with scripted(receive) as service:
        posting = asyncio.create_task(post(poster, service.port))
        await asyncio.wait_for(arrived.wait(), PATIENCE)
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting
        await asyncio.wait_for(left.wait(), PATIENCE)


async def test_certificates_are_verified(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path)
    cases = [
        (authority.serving("crm.example"), None, 200),
        (authority.serving("other.example"), "certificate_invalid", None),
        (authority.serving("crm.example", expired=True), "certificate_invalid", None),
        (stranger.serving("crm.example"), "certificate_invalid", None),
    ]
    async with Poster(LOOPBACK, resolver=lambda: ScriptedResolver(["127.0.0.1"]), tls=authority.trusting()) as poster:
        for context, error, status in cases:
            server = await asyncio.start_server(_answering, "127.0.0.1", 0, ssl=context)
            outcome = await poster.post(f"https://crm.example:{server.sockets[0].getsockname()[1]}/", {}, BODY)
            server.close()
            assert (outcome.error, outcome.status, outcome.address) == (error, status, "127.0.0.1")


async def test_certificate_that_nobody_vouches_for_is_refused_by_default(tmp_path: Path) -> None:
    context = Authority(tmp_path).serving("crm.example")
    server = await asyncio.start_server(_answering, "127.0.0.1", 0, ssl=context)
    async with Poster(LOOPBACK, resolver=lambda: ScriptedResolver(["127.0.0.1"])) as poster:
        outcome = await poster.post(f"https://crm.example:{server.sockets[0].getsockname()[1]}/", {}, BODY)
    server.close()
    assert outcome.error == "certificate_invalid"


async def test_receiver_that_speaks_no_tls_is_said_to_be_that() -> None:
    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await reader.readexactly(1)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()

    async with (
        Poster(LOOPBACK, resolver=lambda: ScriptedResolver(["127.0.0.1"])) as poster,
        scripted(receive) as service,
    ):
        outcome = await poster.post(f"https://crm.example:{service.port}/", {}, BODY)
    assert outcome.error == "tls_failure"


async def _answering(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer())
    writer.close()


async def test_dates_are_counted_from_the_one_clock(poster: Poster) -> None:
    header = f"retry-after: {format_datetime(NOW + timedelta(minutes=2), usegmt=True)}\r\n".encode()
    with clock.use(clock.MovableClock(NOW)):
        outcome = await told(poster, saying(answer(b"", status="503 later", headers=header)))
    assert (outcome.retry_after, outcome.started_at) == (120, NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("999999999", 999_999_999),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30),
        ("Sun Nov 22 12:00:30 2026", 30),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251_607_038_339),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        ("１２", None),
        ("9" * 5000, None),
        ("Sun, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: int | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(
    value=st.text()
    | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    | st.datetimes().map(format_datetime)
)
def test_retry_after_of_any_kind_is_taken_or_ignored(value: str) -> None:
    asked = retry_after(value, NOW)
    assert asked is None or asked >= 0
