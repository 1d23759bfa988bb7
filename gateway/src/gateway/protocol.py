"""uvicorn's HTTP protocol with the bounds that it lacks: on the size of a request head, on the time it takes, and on what is thrown away."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chassis.errors import MEDIA_TYPE, Problem

HEAD_BYTES = 64 * 1024
"""Above the gateway's own limit, so that a head is refused with an id and a trace wherever possible; this bounds the memory."""
HEAD_SECONDS = 15.0
DISCARDED_BYTES = 64 * 1024 * 1024
"""The rest of a refused body is read and thrown away up to here, so that the caller reads the refusal and not a reset."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  uvicorn's
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._discarded = 0
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
        """Count and time what arrives while a head is incomplete; most arrive in one piece and cost neither."""
        began_before = self._in_head
        super().data_received(data)
        if not self._in_head:
            if self._timer is not None:
                self._stop_timer()
            return
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        if began_before:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(Problem(431, "headers-too-large", "The request head is too large."))

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Throw away what comes after the answer, but not without end."""
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > DISCARDED_BYTES:
                self.transport.close()
            return
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(Problem(400, "malformed-http", msg))

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
        body = orjson.dumps(problem.document())
        lines = [STATUS_LINE[problem.status_code]]
        lines += [b"%s: %s\r\n" % pair for pair in self.server_state.default_headers]
        lines.append(
            b"content-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (MEDIA_TYPE.encode(), len(body))
        )
        self.transport.write(b"".join([*lines, body]))
        self.transport.close()
