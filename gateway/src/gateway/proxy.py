"""The proxy: one request to one service, streamed both ways, by an aiohttp client on raw ASGI."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    ServerDisconnectedError,
    StreamReader,
    TCPConnector,
)
from multidict import CIMultiDict, istr
from starlette.types import Receive, Send
from yarl import URL

from chassis import telemetry
from chassis.errors import Problem
from gateway import bodies, headers
from gateway.exchange import Exchange
from gateway.settings import GatewaySettings

IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS"))
# Most answers are there before this; only a request that takes longer pays for a task that watches whether its caller is still there.
WATCH_AFTER_SECONDS = 0.05
CONTENT_LENGTH = istr("Content-Length")
RETRY_SECONDS = "1"
CLIENT_LEFT = 499
"""What logs and metrics call a request whose caller left; nobody receives it."""

log = telemetry.log("gateway.proxy")


class BrokenOff(Exception):  # noqa: N818  the connection's fate, not ours
    """An answer ended before its end. It is too late for a problem: leaving ours without an end tells the caller that it is not whole."""


class Died(Exception):  # noqa: N818  the connection's fate, not ours
    """A connection ended before any byte of an answer. Not a ClientError, so that the client's own retry leaves it to us."""


async def _note_death(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except (ServerDisconnectedError, ClientOSError) as error:
        raise Died from error


class _Watch:
    """Cancels the request's task when its caller leaves, or when an upload is stuck."""

    __slots__ = ("_receive", "_task", "_timer", "_watcher", "gone", "stuck")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.gone = False
        self.stuck = False

    def start_soon(self) -> None:
        """Watch for the caller's leaving, unless `stop` comes first. The body must have been read: it comes the same way."""
        if self._task is not None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start)

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self.gone = True
            self._task.cancel()

    def give_up(self) -> None:
        """Nobody takes the upload."""
        if self._task is not None:
            self.stuck = True
            self._task.cancel()

    def stop(self) -> None:
        """Watch no longer."""
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()


class Upstream:
    """One service: its address and its own pool of connections, so that a slow service cannot take those of the others."""

    def __init__(self, name: str, url: str, settings: GatewaySettings) -> None:
        self.name = name
        self.base = url
        self._location = url.encode()
        self._settings = settings
        # Aside from these limits: cookies are nobody's business here, a redirect is the caller's, a proxy from the environment is none.
        self._session = ClientSession(
            connector=TCPConnector(limit=settings.connections, keepalive_timeout=settings.connection_idle_seconds),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=ClientTimeout(total=None, connect=settings.connect_seconds, sock_read=settings.first_byte_seconds),
            middlewares=(_note_death,),
            max_line_size=16 * 1024,
            max_field_size=16 * 1024,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, path: str, seconds: float) -> bytes:
        """Return the body of a small document of the service. Raises OSError (a timeout too), ClientError or Died."""
        async with asyncio.timeout(seconds), self._session.get(self.base + path, allow_redirects=False) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def fetch(
        self, target: str, fields: CIMultiDict[str], seconds: float, most: int
    ) -> tuple[int, str | None, bytes]:
        """Return status, Retry-After and body of a GET whose answer is read here and not passed on.

        `seconds` bounds all of it, `most` the body in bytes. Raises Problem 502, 503 or 504 for what became of the service.
        """
        url = URL(self.base + target, encoded=True)
        try:
            async with asyncio.timeout(seconds):
                answer = await self._ask("GET", url, fields, None, twice=True)
                try:
                    body = b""
                    async for chunk in answer.content.iter_any():
                        body += chunk
                        if len(body) > most:
                            raise Problem(502, "service-malformed", "The service's answer is too large for a page.")
                finally:
                    answer.close()
        except (ClientError, OSError) as error:
            raise _explain(error) from error
        return answer.status, answer.headers.get("Retry-After"), body

    async def forward(
        self, method: str, target: str, exchange: Exchange, receive: Receive, send: Send, limit: int
    ) -> int:
        """Pass a request on and its answer back; return the answer's status, or 499 when the caller left first.

        `target` is the raw path and query, `limit` the largest body in bytes. Raises Problem while nothing has been sent back:
        408 and 413 for the body; 502, 503 and 504 for the service.
        """
        watch = _Watch(receive)
        answer: ClientResponse | None = None
        try:
            answer = await self._open(method, target, exchange, receive, watch, limit)
            await self._pass_back(answer, send, exchange)
        except bodies.ClientGone:
            return CLIENT_LEFT
        except BrokenOff:
            return HTTPStatus.BAD_GATEWAY
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not (watch.gone or watch.stuck):
                raise
            task.uncancel()
            if watch.stuck and answer is None:
                raise Problem(504, "service-timeout", "The service stopped taking the body.") from None
            return CLIENT_LEFT
        else:
            return answer.status
        finally:
            watch.stop()
            if answer is not None:
                answer.close()

    async def _open(
        self, method: str, target: str, exchange: Exchange, receive: Receive, watch: _Watch, limit: int
    ) -> ClientResponse:
        """Send the request with its body, whole or streaming; return the head of the answer."""
        url = URL(self.base + target, encoded=True)
        fields = CIMultiDict(exchange.forward)
        length = exchange.content_length
        if length:
            fields[CONTENT_LENGTH] = str(length)
        if exchange.chunked or (length is not None and length > bodies.SMALL):
            body = bodies.Stream(receive, limit, self._settings.idle_seconds)
            return await self._upload(method, url, fields, body, watch)
        data = await bodies.read_whole(receive, self._settings.idle_seconds) if length else None
        watch.start_soon()
        # A service keeps the key of a caller that it knows; on public routes there is none, and a second try would be a second act.
        twice = method in IDEMPOTENT or (exchange.idempotency_key and exchange.principal is not None)
        return await self._ask(method, url, fields, data, twice=twice)

    async def _ask(
        self, method: str, url: URL, fields: CIMultiDict[str], data: bytes | None, *, twice: bool
    ) -> ClientResponse:
        """Return the head of the answer; `twice` allows a second try when the connection dies before it."""
        try:
            try:
                return await self._session.request(method, url, headers=fields, data=data, allow_redirects=False)
            except Died:
                if not twice:
                    raise
            return await self._session.request(method, url, headers=fields, data=data, allow_redirects=False)
        except (Died, ClientError, OSError) as error:
            raise _explain(error) from error

    async def _upload(
        self, method: str, url: URL, fields: CIMultiDict[str], body: bodies.Stream, watch: _Watch
    ) -> ClientResponse:
        """Return the head of the answer to a streamed body, which cannot be sent twice. Raises what ended the upload, if anything did."""
        body.when_done = watch.start_soon
        body.when_stuck = watch.give_up
        try:
            return await self._session.request(method, url, headers=fields, data=body, allow_redirects=False)
        except (Died, ClientError, OSError) as error:
            raise body.failure or _explain(error) from error

    async def _pass_back(self, answer: ClientResponse, send: Send, exchange: Exchange) -> None:
        status = answer.status
        if status < HTTPStatus.OK:
            raise Problem(502, "service-malformed", "The service switched protocols unasked.")
        passed = headers.answer(answer.raw_headers, status, self._location)
        passed += exchange.answer
        connection = answer.connection
        if connection is not None and connection.protocol is not None:
            # The wait for the first byte is over; from here on it is silence that counts.
            connection.protocol.read_timeout = self._settings.idle_seconds
            connection.protocol.start_timeout()
        exchange.answered = True
        await send({"type": "http.response.start", "status": status, "headers": passed})
        content = answer.content
        chunk, more = await self._next(content, exchange)
        await send({"type": "http.response.body", "body": chunk, "more_body": more})
        while more:
            chunk, more = await self._next(content, exchange)
            # The first piece goes into an empty buffer; from the second on, a caller that does not read makes this wait.
            try:
                async with asyncio.timeout(self._settings.idle_seconds):
                    await send({"type": "http.response.body", "body": chunk, "more_body": more})
            except TimeoutError:
                raise bodies.ClientGone from None

    async def _next(self, content: StreamReader, exchange: Exchange) -> tuple[bytes, bool]:
        """Return the next piece of an answer and whether more follows. Raises BrokenOff."""
        try:
            chunk = await content.readany()
        except (ClientError, OSError) as error:
            log.warning(
                "upstream_broke_off", upstream=self.name, error=type(error).__name__, trace_id=exchange.trace_id
            )
            raise BrokenOff from error
        return chunk, not content.at_eof()


def _explain(error: Exception) -> Problem:
    """Return the problem that a caller gets for what became of a request to a service."""
    if isinstance(error, (ClientConnectorError, ConnectionTimeoutError)):
        return Problem(
            503, "service-unavailable", "The service cannot be reached.", headers={"Retry-After": RETRY_SECONDS}
        )
    if isinstance(error, TimeoutError):
        return Problem(504, "service-timeout", "The service did not answer in time.")
    if isinstance(error, (Died, ClientConnectionError)):
        return Problem(502, "service-disconnected", "The service closed the connection.")
    return Problem(502, "service-malformed", "The service's answer was not HTTP.")
