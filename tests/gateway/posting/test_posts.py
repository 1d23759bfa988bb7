"""One attempt: what is sent, over which connection, and what its answer says."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.certificates import Authority
from tests.gateway.dns import ScriptedResolver
from tests.gateway.posting.receivers import BODY, LOOPBACK, post, saying, told
from tests.gateway.servers import PATIENCE, Echo, answer, read_request, scripted, serving

from chassis import clock
from gateway.posting import MOST_BODY, Poster, retry_after

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


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


async def test_answer_of_just_the_most_is_kept_and_so_is_the_connection(poster: Poster) -> None:
    async with serving(Echo(body=b"z" * MOST_BODY)) as port:
        assert (await post(poster, port)).body == b"z" * MOST_BODY
        connector = poster._sessions["http"].connector
        assert connector is not None
        assert sum(map(len, connector._conns.values())) == 1


async def test_provisional_answers_are_passed_over(poster: Poster) -> None:
    outcome = await told(
        poster, saying(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n", answer())
    )
    assert (outcome.status, outcome.body) == (200, b"{}")


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
