"""What a running process holds: made once at start, reached from requests through the app's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import HTTPConnection

from chassis.bus import Bus
from chassis.db import Reader
from chassis.due import Jobs
from chassis.idempotency import Seal
from chassis.inbox import Consumers
from chassis.pagination import Cursors
from chassis.settings import ServiceSettings
from chassis.tokens import TokenVerifier


@dataclass(frozen=True)
class Runtime:
    """The parts of a running service."""

    service: str
    settings: ServiceSettings
    engine: AsyncEngine
    worker_engine: AsyncEngine
    reader: Reader
    bus: Bus
    verifier: TokenVerifier
    cursors: Cursors
    seal: Seal
    standing_query: str
    consumers: Mapping[str, Consumers] = field(default_factory=dict)
    jobs: Jobs = field(default_factory=Jobs)


def runtime_of(request: HTTPConnection) -> Runtime:
    """Return the runtime of the app that serves the request."""
    return cast("Runtime", request.app.state.runtime)
