"""The internal port: is the process alive, can it serve, has it started, what does it measure; and the operating routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

CACHED_SECONDS = 1.0
CHECK_TIMEOUT_SECONDS = 3.0

Check = Callable[[], Awaitable[None]]


class Health:
    """What the process knows of its own condition."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self._checks = checks
        self._asked_at = -CACHED_SECONDS
        self._failures: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self.started = False
        self.stopping = False

    async def failures(self) -> dict[str, str]:
        """Return what is wrong, by check; asked anew at most once a second."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at >= CACHED_SECONDS:
                answers = await asyncio.gather(
                    *(asyncio.wait_for(check(), CHECK_TIMEOUT_SECONDS) for check in self._checks.values()),
                    return_exceptions=True,
                )
                self._failures = {
                    name: type(answer).__name__
                    for name, answer in zip(self._checks, answers, strict=True)
                    if isinstance(answer, BaseException)
                }
                self._asked_at = asyncio.get_running_loop().time()
            return self._failures


def internal_app(health: Health, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the app of the internal port."""

    async def livez(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_request: Request) -> Response:
        failures = {"process": "stopping"} if health.stopping else await health.failures()
        if not health.started:
            failures = {**failures, "process": "starting"}
        return JSONResponse(
            {"status": "failing" if failures else "ready", "failures": failures}, 503 if failures else 200
        )

    async def startupz(_request: Request) -> Response:
        return JSONResponse({"status": "started" if health.started else "starting"}, 200 if health.started else 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def problem(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = error.detail if isinstance(error, HTTPException) else "unexpected"
        return JSONResponse({"status": status, "detail": detail}, status, media_type="application/problem+json")

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/startupz", startupz),
            Route("/metrics", metrics),
            *routes,
        ],
        exception_handlers={HTTPException: problem},
    )
