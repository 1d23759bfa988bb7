"""uvicorn's HTTP protocol with the bounds that it lacks: on a request head's size and time, on what is thrown away, on upgrades."""

from __future__ import annotations

import asyncio
from random import getrandbits
from typing import Any

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chassis import telemetry
from chassis.errors import MEDIA_TYPE, Problem

HEAD_BYTES = 64 * 1024
"""Above the gateway's own limit, so that a head is refused with an id and a trace wherever possible; this bounds the memory."""
HEAD_SECONDS = 15.0
IDLE_BYTES = 64 * 1024 * 1024
"""Of one request, what goes to no one: framing, trailers, the rest of a refused body, which is read on so that its caller reads the refusal
and not a reset. More than this ends the connection."""

log = telemetry.log("gateway.protocol")


class _Nowhere(list[tuple[bytes, bytes]]):
    """Where trailers go."""

    def append(self, _pair: tuple[bytes, bytes]) -> None:
        """Drop it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  uvicorn's
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._offered = False
        self._head_bytes = 0
        self._idle_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is not kept for ever."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; count and time what arrives while a head is incomplete. Most heads arrive in one piece and cost neither."""
        began_before = self._in_head
        self._unset_keepalive_if_required()
        length = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(Problem(400, "malformed-http", "This is not an HTTP/1 request."))
            return
        except httptools.HttpParserUpgrade as upgrade:
            if self._offered:
                self._decline(data[upgrade.args[0] :])
                return
        self._idle_bytes += length
        if self._idle_bytes > IDLE_BYTES:
            self.transport.close()
        if not self._in_head:
            if self._timer is not None:
                self._stop_timer()
            return
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        if began_before:
            self._head_bytes += length
            if self._head_bytes > HEAD_BYTES:
                self._refuse(Problem(431, "headers-too-large", "The request head is too large."))

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        self._head_bytes = self._idle_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("this is no forward proxy")
        # The parser takes any offer to upgrade as accepted, and the body for another protocol. A WebSocket is refused by the app in words;
        # an offer of something else (Java's client offers h2c with each first request) is declined by serving the request as it is.
        if self.parser.should_upgrade() and self._get_upgrade() != b"websocket":
            self._offered = True
            return
        super().on_headers_complete()
        # uvicorn would put the trailers among the headers, which the app may not have read yet.
        self.headers = _Nowhere()

    def on_message_complete(self) -> None:
        """The request is whole."""
        if not self._offered:
            super().on_message_complete()

    def _decline(self, rest: bytes) -> None:
        """Parse the request anew without its offer."""
        self._offered = False
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/", self.parser.get_http_version().encode(), b"\r\n"]
        for name, value in self.headers:
            if name not in {b"upgrade", b"http2-settings"}:
                head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self.cycle.response_complete:
            self._idle_bytes -= len(body)
        super().on_body(body)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._in_head:
            self._refuse(Problem(408, "request-timeout", "The request head did not arrive in time."))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        self._stop_timer()
        self._in_head = False
        if self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            # An answer on this connection is on its way; words in between would become part of it.
            self.transport.close()
            return
        trace_id = f"{getrandbits(128) or 1:032x}"
        log.info("malformed_request", problem=problem.code, trace_id=trace_id)
        body = orjson.dumps({**problem.document(), "trace_id": trace_id})
        lines = [STATUS_LINE[problem.status_code]]
        lines += [b"%s: %s\r\n" % pair for pair in self.server_state.default_headers]
        lines.append(
            b"content-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (MEDIA_TYPE.encode(), len(body))
        )
        self.transport.write(b"".join([*lines, body]))
        self.transport.close()
