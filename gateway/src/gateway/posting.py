"""Posting to strangers: one attempt, whatever the other side does, and what came of it."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Literal, Self

from aiohttp import (
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    ServerDisconnectedError,
)
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from yarl import URL

from chassis import clock
from gateway.destinations import Network, UrlFault, examine_again
from gateway.dialing import AddressRefusedError, Dialled, Guard, dialled, guarded_connector, system_resolver

log = logging.getLogger(__name__)

ErrorCode = Literal[
    "url_refused",
    "address_refused",
    "dns_failure",
    "connection_refused",
    "connection_reset",
    "unreachable",
    "tls_failure",
    "certificate_invalid",
    "timeout",
    "malformed_answer",
    "request_refused",
    "failed",
]

SECONDS = 15.0
MOST_BODY = 20_000
MOST_HEADERS = 64
MOST_HEADER_BYTES = 8190
USER_AGENT = "Hearth-Webhooks/1.0"
SUCCESS = range(200, 300)
_DELAY = re.compile(r"[0-9]{1,9}", re.ASCII)
_NO_LIMITS = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
"""The one limit is ours, over everything: aiohttp's own rounds up to whole seconds."""
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


@dataclass(slots=True)
class Outcome:
    """What came of one attempt: the status of the answer, or why there is none.

    `retry_after` in seconds as the receiver asked, unbounded; `headers` and `body` are what was read of the answer, in small letters and
    at most 8 KiB, and at most 20,000 bytes; `address` is what was dialled.
    """

    started_at: datetime
    milliseconds: int
    status: int | None = None
    error: ErrorCode | None = None
    retry_after: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    address: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and self.status in SUCCESS

    @property
    def text(self) -> str:
        """The body as text that a database takes, whatever its bytes."""
        return _printable(self.body)


@dataclass(slots=True)
class _Answer:
    status: int
    retry_after: int | None
    headers: dict[str, str]
    body: bytes


class _Response(ClientResponse):
    """Notes which address a connection leads to, one taken from the pool too, for which no socket is opened."""

    async def start(self, connection: Connection) -> Self:
        """Wait for the head of the answer."""
        note = dialled.get()
        if note is not None and connection.transport is not None:
            peer = connection.transport.get_extra_info("peername")
            note.address = peer[0] if peer else note.address
        await super().start(connection)
        return self


class Poster:
    """Posts to endpoints over guarded connections that are kept between posts. One for each process; use it as a context manager.

    `connections` and `connections_per_host` bound what is open at once, 0 not at all. Waiting for a connection counts as time of the post,
    so whoever bounds them here should have fewer posts under way.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        connections: int = 0,
        connections_per_host: int = 0,
        resolver: Callable[[], AbstractResolver] = system_resolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._connections = connections
        self._connections_per_host = connections_per_host
        self._make_resolver = resolver
        self._resolver: AbstractResolver | None = None
        self._tls = tls
        self._sessions: dict[str, ClientSession] = {}

    async def __aenter__(self) -> Self:
        """Open the sessions; nothing is dialled yet."""
        self._resolver = self._make_resolver()
        self._sessions = {"https": self._session(Guard(self._allowed), self._resolver)}
        if self._allowed:
            self._sessions["http"] = self._session(Guard(self._allowed, only_allowed=True), self._resolver)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        if self._resolver is not None:
            await self._resolver.close()

    def _session(self, guard: Guard, resolver: AbstractResolver) -> ClientSession:
        return ClientSession(
            connector=guarded_connector(
                guard,
                resolver,
                connections=self._connections,
                connections_per_host=self._connections_per_host,
                tls=self._tls,
            ),
            response_class=_Response,
            timeout=_NO_LIMITS,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=MOST_HEADER_BYTES,
            max_field_size=MOST_HEADER_BYTES,
            max_headers=2 * MOST_HEADERS,
            headers={"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "identity"},
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float = SECONDS) -> Outcome:
        """Post once and return what came of it, within `seconds` from the first look-up to the last byte read. Never raises but when cancelled.

        No redirect is followed, nothing is unpacked, no cookie is kept, and no proxy of the environment is asked.
        """
        started_at, began = clock.now(), perf_counter()
        note = Dialled()
        token = dialled.set(note)
        answer: _Answer | None = None
        error: ErrorCode | None = None
        try:
            async with asyncio.timeout(seconds):
                answer = await self._post(url, headers, body, note)
        except Exception as failure:
            error = _error(failure)
            if error == "failed":
                log.warning("posting failed in a way that is not known", exc_info=failure)
        finally:
            dialled.reset(token)
        milliseconds = round((perf_counter() - began) * 1000)
        if answer is None:
            return Outcome(started_at, milliseconds, error=error, address=note.address)
        return Outcome(
            started_at,
            milliseconds,
            answer.status,
            None,
            answer.retry_after,
            answer.headers,
            answer.body,
            note.address,
        )

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, note: Dialled) -> _Answer:
        destination = examine_again(url, self._allowed)
        if isinstance(destination, UrlFault):
            raise InvalidURL(url, destination.code)
        session, target = self._sessions[destination.scheme], URL(destination.url, encoded=True)
        while True:
            try:
                return await self._once(session, target, headers, body)
            except (ServerDisconnectedError, ClientOSError, ClientConnectionResetError) as failure:
                # A kept connection that the receiver closed in the same moment, most likely without having read. Should it have read, it
                # knows the message by its id. Each time one kept connection fewer is left, and after the last comes a new one.
                if note.fresh or isinstance(failure, ClientConnectorError):
                    raise

    async def _once(self, session: ClientSession, url: URL, headers: Mapping[str, str], body: bytes) -> _Answer:
        async with session.post(url, headers=headers, data=body, allow_redirects=False) as response:
            asked = response.headers.get("retry-after")
            answer = _Answer(
                response.status,
                None if asked is None else retry_after(asked, clock.now()),
                _bounded(response),
                b"",
            )
            # An upgrade has no body that ends.
            if response.status in SUCCESS or response.status >= SUCCESS.stop:
                answer.body = await _read(response)
            else:
                response.close()
            return answer


async def _read(response: ClientResponse) -> bytes:
    """Return the beginning of a body; when there is more of it, the connection is given up."""
    chunks, size = [], 0
    while chunk := await response.content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BODY:
            response.close()
            break
    return b"".join(chunks)[:MOST_BODY]


def _bounded(response: ClientResponse) -> dict[str, str]:
    kept: dict[str, str] = {}
    size = 0
    for name, value in response.raw_headers[:MOST_HEADERS]:
        size += len(name) + len(value)
        if size > MOST_HEADER_BYTES:
            break
        key, text = _printable(name).lower(), _printable(value)
        kept[key] = f"{kept[key]}, {text}" if key in kept else text
    return kept


def _printable(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def retry_after(value: str, now: datetime) -> int | None:
    """Return the seconds that a Retry-After asks for, as number or as HTTP date, None when it says neither."""
    if _DELAY.fullmatch(value):
        return int(value)
    try:
        asked = parsedate_to_datetime(value)
        # A date without a zone is none of HTTP's, which are all GMT.
        return max(0, round((asked.replace(tzinfo=asked.tzinfo or UTC) - now).total_seconds()))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _error(failure: Exception) -> ErrorCode:  # noqa: PLR0911  one line for each way to fail reads better than a nest
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, InvalidURL):
        return "url_refused"
    if isinstance(failure, ClientConnectorCertificateError):
        return "certificate_invalid"
    if isinstance(failure, ClientSSLError | ssl.SSLError):
        return "tls_failure"
    if isinstance(failure, ClientResponseError | ClientPayloadError):
        return "malformed_answer"
    if isinstance(failure, ClientConnectorError):
        return _connection_error(failure)
    if isinstance(failure, ServerDisconnectedError | OSError):
        return "connection_reset"
    if isinstance(failure, ValueError | TypeError):
        return "request_refused"  # headers or a body that cannot be written as HTTP
    return "failed"


def _connection_error(failure: ClientConnectorError) -> ErrorCode:
    cause = failure.os_error
    if isinstance(cause, AddressRefusedError):
        return "address_refused"
    if isinstance(failure, ClientConnectorDNSError):
        return "dns_failure"
    if isinstance(cause, ConnectionRefusedError) or cause.errno == errno.ECONNREFUSED:
        return "connection_refused"
    if cause.errno in _RESET:
        return "connection_reset"
    if cause.errno == errno.ETIMEDOUT:
        return "timeout"
    return "unreachable"
