"""What the gateway answers itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import Send

from gateway.exchange import Exchange, Headers

Answer = tuple[int, Headers, bytes]
Page = Callable[[Exchange], Awaitable[Answer]]
"""Answers GET and HEAD with status, headers and body."""


async def answer_page(status: int, fields: Headers, body: bytes, exchange: Exchange, send: Send) -> int:
    """Send an answer and return its status."""
    length: Headers = [] if status in (204, 304) else [(b"content-length", str(len(body)).encode())]
    exchange.answered = True
    await send({"type": "http.response.start", "status": status, "headers": [*fields, *length, *exchange.answer]})
    await send({"type": "http.response.body", "body": body})
    return status


def matches(if_none_match: bytes | None, etag: bytes) -> bool:
    """Whether the caller has this version already (RFC 9110, 13.1.2: weak comparison)."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")}
    return b"*" in known or etag in known
