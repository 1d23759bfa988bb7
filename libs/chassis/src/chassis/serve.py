"""Serving: the API port and the internal port in one process, background work beside them, one orderly stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn

from chassis import telemetry
from chassis.health import Health
from chassis.settings import Settings

log = telemetry.log("chassis.serve")

Background = Callable[[asyncio.Event], Awaitable[None]]


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process, which has two of them, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Any, port: int, settings: Settings, protocol: str | type[asyncio.Protocol]) -> _Server:  # noqa: ANN401  any ASGI app
    return _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="off",
            loop="uvloop",
            http=protocol,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=settings.shutdown_grace_seconds,
        )
    )


async def serve(
    api: Any | None,  # noqa: ANN401  any ASGI app
    internal: Any,  # noqa: ANN401  any ASGI app
    settings: Settings,
    health: Health,
    background: Sequence[Background] = (),
    *,
    protocol: str | type[asyncio.Protocol] = "httptools",
) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order: readiness first, requests, background work. Raises what broke a part.

    `protocol` is how the API port speaks HTTP. No header of a proxy is believed here: who needs the caller's address reads it itself.
    """
    # What lives as long as the process is not worth walking through again and again: it made a tenth of a request's cost.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopping.set)
    servers = [_server(internal, settings.internal_port, settings, "httptools")]
    if api is not None:
        servers.insert(0, _server(api, settings.port, settings, protocol))
    serving = [asyncio.create_task(server.serve()) for server in servers]
    working = [asyncio.ensure_future(work(stopping)) for work in background]
    starting = asyncio.create_task(_tell_started(servers, settings, health))
    waiter = asyncio.create_task(stopping.wait())
    # Whatever ends before the stop ended by a fault: then everything stops, and the supervisor starts the process again.
    await asyncio.wait([waiter, *serving, *working], return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    stopping.set()
    health.stopping = True
    log.info("stopping")
    for server in servers:
        server.should_exit = True
    outcome = await asyncio.gather(*serving, *working, waiter, return_exceptions=True)
    telemetry.flush()
    for failure in outcome:
        if isinstance(failure, BaseException):
            raise failure
    log.info("stopped")


async def _tell_started(servers: Sequence[_Server], settings: Settings, health: Health) -> None:
    """Be ready once every port is open: whoever reads at the one that all is well may come to the other at once."""
    for server in servers:
        await server.listening.wait()
    health.started = True
    ports = {"port": settings.port if len(servers) > 1 else None, "internal_port": settings.internal_port}
    log.info("started", **ports)
