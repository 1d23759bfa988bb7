"""A request that lost a contention in the database is done again before its caller hears of it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import telemetry
from chassis.outages import is_contention

MOST_TRIES = 3
MOST_KEPT = 2**20
"""Bytes of a body that are kept to be read again; a request with a longer one is answered 503."""
_LEFT = "hearth.tries_left"

log = telemetry.log("chassis.retries")


def can_retry(scope: Scope) -> bool:
    """Tell whether the request can be done again: tries are left, and its body is still at hand."""
    return bool(scope.get(_LEFT))


class Retries:
    """Does a request again that PostgreSQL ended to resolve a deadlock: its transaction left nothing behind.

    A worker locks the row of its work first and what the work is about second; a command that schedules work locks them the
    other way round. Which of the two has to give way is PostgreSQL's choice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before = {**scope, "state": dict(scope.get("state", {}))}
        body = _Body(scope, receive)
        for left in range(MOST_TRIES - 1, -1, -1):
            scope[_LEFT] = left
            try:
                await self._app(scope, body.receive, send)
            except Exception as error:
                # The handler of database errors lets it through only where it can be done again, before any answer began.
                if not is_contention(error) or not can_retry(scope):
                    raise
                log.warning("request_again", method=scope["method"], tries_left=left)
                # Routing and the request's state were written into the scope.
                scope.clear()
                scope.update({**before, "state": dict(before["state"])})
                body.rewind()
            else:
                return


class _Body:
    """The messages of a request's body, kept as they come so that they can be read again."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._kept: list[Message] = []
        self._size = 0
        self._next = 0

    def rewind(self) -> None:
        """Read from the beginning again."""
        self._next = 0

    async def receive(self) -> Message:
        """Return the next message: a kept one, or one that comes now."""
        if self._next < len(self._kept):
            message = self._kept[self._next]
            self._next += 1
            return message
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > MOST_KEPT:
                self._kept.clear()
                self._scope[_LEFT] = 0
            else:
                self._kept.append(message)
                self._next += 1
        return message
