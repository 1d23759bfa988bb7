"""Whatever a name is answered with, nothing inside is dialled: judged by sockets that something inside has really been asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp.resolver import AsyncResolver
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.dns import ScriptedResolver, name_server

from gateway.destinations import Network
from gateway.dialing import AddressRefusedError, Guard, GuardedResolver, guarded_connector
from gateway.posting import Poster

LOOPBACK = (ip_network("127.0.0.0/8"),)
ONE = (ip_network("127.0.0.2/32"),)
PUBLIC = "8.8.8.8"


class Inside:
    """A server that must not be reached, and counts whoever does."""

    def __init__(self) -> None:
        self.reached = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    counting = Inside()
    server = await asyncio.start_server(counting.serve, "0.0.0.0", 0)
    counting.port = server.sockets[0].getsockname()[1]
    yield counting
    server.close()


def refuses(guard: Guard, host: str, port: int = 443) -> bool:
    try:
        guard.check(host, port)
    except AddressRefusedError:
        return True
    return False


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "169.254.169.254",
        "fe80::1%lo",
        "name",
        "",
    ],
)
def test_guard_judges_the_address_itself(host: str) -> None:
    assert refuses(Guard(), host)


def test_guard_judges_the_port_too() -> None:
    assert not refuses(Guard(), PUBLIC, 443)
    assert refuses(Guard(), PUBLIC, 22)
    assert refuses(Guard(LOOPBACK), "127.0.0.1", 5432)


def test_guard_for_plain_http_lets_through_only_what_is_allowed() -> None:
    assert not refuses(Guard(LOOPBACK, only_allowed=True), "127.0.0.1")
    assert refuses(Guard(LOOPBACK, only_allowed=True), PUBLIC)


@given(host=st.text(max_size=40) | st.ip_addresses().map(str), port=st.integers(-1, 70_000))
def test_guard_only_ever_refuses(host: str, port: int) -> None:
    refuses(Guard(LOOPBACK), host, port)


def test_socket_is_not_even_made_for_a_refused_address() -> None:
    with pytest.raises(AddressRefusedError):
        Guard().open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 443)))


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        [PUBLIC, "::1"],
    ],
)
async def test_answer_that_leads_inside_is_refused_whatever_stands_beside_it(inside: Inside, answer: list[str]) -> None:
    async with Poster(resolver=lambda: ScriptedResolver(answer)) as poster:
        outcome = await poster.post(f"https://crm.example:{inside.port}/", {}, b"{}")
    assert outcome.error == "address_refused"
    assert inside.reached == 0


async def test_answer_that_changes_is_judged_anew(inside: Inside) -> None:
    """A resolver that is asked twice and answers differently: the second answer is what counts when it is used."""
    resolver = ScriptedResolver(["127.0.0.2"], ["127.0.0.1"])
    async with Poster(ONE, resolver=lambda: resolver) as poster:
        url = f"http://crm.example:{inside.port}/"
        first = await poster.post(url, {}, b"{}")
        assert (first.status, first.address) == (200, "127.0.0.2")
        again = await poster.post(url, {}, b"{}")
        assert (again.status, again.address) == (200, "127.0.0.2"), "an answer is kept for half a minute"
        for session in poster._sessions.values():
            assert isinstance(session.connector, aiohttp.TCPConnector)
            session.connector.clear_dns_cache()
        rebound = await poster.post(url, {}, b"{}")
    assert (rebound.error, rebound.address) == ("address_refused", "127.0.0.1")
    assert (inside.reached, resolver.asked) == (2, 2)


async def test_socket_is_judged_although_the_resolver_was_not(inside: Inside) -> None:
    """Were an answer ever used that the resolver has not judged, the socket is where it ends."""
    connector = guarded_connector(Guard(), ScriptedResolver([PUBLIC]))
    connector._resolver = ScriptedResolver(["127.0.0.1"])
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as refused:
            await session.get(f"http://crm.example:{inside.port}/")
    assert isinstance(refused.value.os_error, AddressRefusedError)
    assert inside.reached == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "127.1", "2130706433"])
async def test_address_in_a_url_meets_the_guard_without_a_resolver(inside: Inside, host: str) -> None:
    async with aiohttp.ClientSession(connector=guarded_connector(Guard(), ScriptedResolver([PUBLIC]))) as session:
        with pytest.raises((aiohttp.ClientConnectorError, aiohttp.InvalidURL)):
            await session.get(f"http://{host}:{inside.port}/")
    assert inside.reached == 0


@pytest.mark.parametrize(("allowed", "reached"), [(LOOPBACK, 1), (ONE, 0)])
async def test_name_server_that_answers_differently_each_time_gets_nowhere(
    inside: Inside, allowed: tuple[Network, ...], reached: int
) -> None:
    """Real questions over UDP: the answer that was judged first is never the one that is dialled unjudged."""
    async with name_server("127.0.0.2", "127.0.0.1") as (server, port):

        def resolver() -> AsyncResolver:
            return AsyncResolver(
                nameservers=["127.0.0.1"], udp_port=port, tcp_port=port, tries=1, timeout=5, rotate=False, domains=[]
            )

        guarded = GuardedResolver(Guard(ONE, only_allowed=True), resolver())
        judged = await guarded.resolve("rebound.example", inside.port)
        assert [answer["host"] for answer in judged] == ["127.0.0.2"]
        async with Poster(allowed, resolver=resolver) as poster:
            outcome = await poster.post(f"http://rebound.example:{inside.port}/", {}, b"{}")
        await guarded.close()
    assert server.asked == 2
    assert (outcome.address, inside.reached) == ("127.0.0.1", reached)
    assert outcome.error == (None if reached else "address_refused")


async def test_name_without_an_address_is_a_failure_of_names() -> None:
    async with Poster(resolver=lambda: ScriptedResolver([])) as poster:
        outcome = await poster.post("https://crm.example/", {}, b"{}")
    assert (outcome.error, outcome.address) == ("dns_failure", None)
