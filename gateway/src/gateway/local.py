"""The gateway's own routes, served in its process: behind the same identity, limits and headers as a service's."""

from __future__ import annotations

from urllib.parse import unquote

import orjson
from fastapi import FastAPI
from starlette.types import Message, Receive, Send

from chassis.errors import Problem
from gateway import bodies, headers
from gateway.exchange import Exchange

UNCONFIGURED = "This installation has no database for partners."
_CLIENT_LEFT = 499


class Local:
    """What stands where a service's `Upstream` does, for routes of the gateway itself; without an app every one answers 503."""

    def __init__(self, app: FastAPI | None, idle_seconds: float) -> None:
        self._app = app
        self._idle_seconds = idle_seconds

    async def get(self, path: str, seconds: float) -> bytes:
        """Return the OpenAPI document of the gateway's own routes. Raises OSError without an app."""
        del path, seconds  # there is one document, and it is here
        if self._app is None:
            raise ConnectionError(UNCONFIGURED)
        return orjson.dumps(self._app.openapi())

    async def forward(
        self, method: str, target: str, exchange: Exchange, receive: Receive, send: Send, limit: int
    ) -> int:
        """Have the app answer; return the answer's status, or 499 when the caller left first. `limit` is the largest body in bytes."""
        if self._app is None:
            raise Problem(503, "partners-unconfigured", UNCONFIGURED)
        raw_path, _, query = target.partition("?")
        fields = [(name.lower().encode("ascii"), value.encode()) for name, value in exchange.forward]
        if exchange.content_length is not None:
            fields.append((b"content-length", str(exchange.content_length).encode()))
        elif exchange.chunked:
            fields.append((b"transfer-encoding", b"chunked"))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("ascii"),
            "root_path": "",
            "query_string": query.encode("ascii"),
            "headers": fields,
            "client": None,
            "server": None,
            "state": {},
        }
        status = _CLIENT_LEFT

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                passed = headers.answer(message["headers"], status, b"http://local") + exchange.answer
                exchange.answered = True
                message = {**message, "headers": passed}
            await send(message)

        await self._app(scope, bodies.bounded(receive, limit, self._idle_seconds), answer)
        return status
