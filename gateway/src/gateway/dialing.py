"""The guard on what is really dialled: whatever a name is answered with, nothing inside is reached.

It stands in two places, because neither sees everything: the resolver judges all answers for a name before one is used, and the socket
judges the one address that is dialled, which for a URL with an address in it no resolver has seen.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from ipaddress import ip_address

from aiohappyeyeballs import AddrInfoType
from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver

from gateway.destinations import Network, is_known_service, is_listed, may_dial

DNS_SECONDS = 5
DNS_TRIES = 2
DNS_KEPT_SECONDS = 30
IDLE_SECONDS = 4
"""How long an unused connection is kept: below the five seconds after which common servers close theirs."""


class AddressRefusedError(OSError):
    """An address that must not be dialled. An OSError, as aiohttp expects of sockets and resolvers."""

    def __init__(self, address: str) -> None:
        super().__init__(None, f"{address} must not be dialled")
        self.address = address


class Dialled:
    """What one request has dialled: the last address, and whether it took a connection of its own."""

    __slots__ = ("address", "fresh")

    def __init__(self) -> None:
        self.address: str | None = None
        self.fresh = False


dialled: ContextVar[Dialled | None] = ContextVar("dialled", default=None)
"""Set by who sends; the guard notes in it what it has let through."""


class Guard:
    """Judges addresses. `allowed` are the operator's private networks; with `only_allowed` nothing else may be dialled, as for http."""

    def __init__(self, allowed: Sequence[Network] = (), *, only_allowed: bool = False) -> None:
        self._allowed = tuple(allowed)
        self._may = is_listed if only_allowed else may_dial

    def check(self, host: str, port: int) -> None:
        """Raise AddressRefusedError unless this address (not a name) and port may be dialled."""
        try:
            allowed = self._may(ip_address(host), self._allowed)
        except ValueError:
            allowed = False
        if not allowed or is_known_service(port):
            raise AddressRefusedError(f"{host} port {port}")

    def open_socket(self, found: AddrInfoType) -> socket.socket:
        """Return a socket for an address, judged at the last moment before it is dialled."""
        family, kind, protocol, _, address = found
        host, port = str(address[0]), int(address[1])
        if note := dialled.get():
            note.address, note.fresh = host, True
        self.check(host, port)
        opened = socket.socket(family, kind, protocol)
        with suppress(OSError):  # a matter of latency only
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened


class GuardedResolver(AbstractResolver):
    """A resolver whose every answer is judged. One refused address among others refuses them all: no honest name has such."""

    def __init__(self, guard: Guard, inner: AbstractResolver) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises AddressRefusedError, or OSError when it has none."""
        answers = await self._inner.resolve(host, port, family)
        for answer in answers:
            if note := dialled.get():
                note.address = answer["host"]
            self._guard.check(answer["host"], port)
        return answers

    async def close(self) -> None:
        """Close the resolver within."""
        await self._inner.close()


def system_resolver() -> AbstractResolver:
    """Return the resolver that asks this machine's name servers, without a thread for each name that is waited for."""
    return AsyncResolver(timeout=DNS_SECONDS, tries=DNS_TRIES)


def guarded_connector(
    guard: Guard,
    resolver: AbstractResolver,
    *,
    connections: int = 0,
    connections_per_host: int = 0,
    tls: ssl.SSLContext | None = None,
) -> TCPConnector:
    """Return a connector that dials only what the guard lets through. 0 connections means any number.

    TLS is verified by the system's certificates, or by what `tls` trusts. The resolver stays the caller's to close.
    """
    return TCPConnector(
        resolver=GuardedResolver(guard, resolver),
        socket_factory=guard.open_socket,
        ssl=True if tls is None else tls,
        limit=connections,
        limit_per_host=connections_per_host,
        keepalive_timeout=IDLE_SECONDS,
        ttl_dns_cache=DNS_KEPT_SECONDS,
    )
