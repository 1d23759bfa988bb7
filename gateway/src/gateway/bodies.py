"""Request bodies: small ones are read whole, so that they can be sent twice; others stream. The limit holds for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.types import Receive

from chassis.errors import Problem
from gateway.exchange import Exchange

SMALL = 64 * 1024


class ClientGone(Exception):  # noqa: N818  not an error: the caller left
    """The caller closed the connection."""


def too_large(limit: int) -> Problem:
    """413."""
    return Problem(413, "body-too-large", f"This route takes up to {limit} bytes.")


def check(exchange: Exchange, limit: int) -> None:
    """Raise Problem 413 for a body that announces more than `limit` bytes."""
    if exchange.content_length is not None and exchange.content_length > limit:
        raise too_large(limit)


async def _next(receive: Receive, seconds: float) -> Any:  # noqa: ANN401  an ASGI message
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
    except TimeoutError:
        raise Problem(408, "request-timeout", f"The body did not arrive: {seconds:g} s of silence.") from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


async def read_whole(receive: Receive, seconds: float) -> bytes:
    """Return a small body. `seconds` is the longest silence. Raises ClientGone, Problem 408."""
    message = await _next(receive, seconds)
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await _next(receive, seconds)
        parts.append(message.get("body", b""))
    return b"".join(parts)


class Stream:
    """A body that is passed on as it arrives.

    Iterating it keeps in `failure` why it ended early, for the sender sees only a broken upload; it calls `when_done` once all has been
    passed on, and `when_stuck` when a piece was not taken for `seconds`.
    """

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self.failure: ClientGone | Problem | None = None
        self.when_done: Callable[[], object] | None = None
        self.when_stuck: Callable[[], object] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        size = 0
        more = True
        while more:
            try:
                message = await _next(self._receive, self._seconds)
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > self._limit:
                    raise too_large(self._limit)
            except (ClientGone, Problem) as failure:
                self.failure = failure
                raise
            more = message.get("more_body", False)
            if chunk:
                stuck = loop.call_later(self._seconds, self.when_stuck) if self.when_stuck is not None else None
                try:
                    yield chunk
                finally:
                    if stuck is not None:
                        stuck.cancel()
        if self.when_done is not None:
            self.when_done()


def bounded(receive: Receive, limit: int, seconds: float) -> Receive:
    """Return `receive` for an app in this process: it raises Problem 408 after `seconds` of silence in the body, 413 beyond `limit` bytes."""
    size, whole = 0, False

    async def next_message() -> Any:  # noqa: ANN401  an ASGI message
        nonlocal size, whole
        if whole:
            return await receive()
        try:
            message = await _next(receive, seconds)
        except ClientGone:
            return {"type": "http.disconnect"}
        size += len(message.get("body", b""))
        if size > limit:
            raise too_large(limit)
        whole = not message.get("more_body", False)
        return message

    return next_message
