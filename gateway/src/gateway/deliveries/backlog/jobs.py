"""Measuring what waits: a worker does it now and then, and says so to Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock, telemetry
from chassis.db import transaction
from chassis.outages import is_outage
from chassis.runtime import Runtime
from contracts.partners import EndpointDisabling

MEASURE_SECONDS = 15.0
MOST_COUNTED = 100_000
"""What waits is counted as far as this: more is as bad."""

WAITING = Gauge(
    "hearth_webhook_deliveries_waiting", "Deliveries that are pending, or held by a disabled endpoint", ["state"]
)
LATE = Gauge(
    "hearth_webhook_late_seconds",
    "How long what waits longest has been due for a dispatcher, or for its deliveries to be written",
)
DISABLED = Gauge("hearth_webhook_endpoints_disabled", "Endpoints that are disabled, by reason", ["reason"])

# Nothing of a tenant leaves the function: it counts.
_BACKLOG = text("SELECT what, label, number FROM webhook_backlog(:most)")
_LATE = text("""
SELECT greatest(0, extract(epoch FROM CAST(:now AS timestamptz) - least(min(due_at), webhook_spreading_since())))
FROM lane WHERE due_at <= :now
""")

log = telemetry.log("gateway.backlog")


async def measure(engine: AsyncEngine) -> None:
    """Look once."""
    async with transaction(engine) as session:
        rows = (await session.execute(_BACKLOG, {"most": MOST_COUNTED})).all()
        late = (await session.execute(_LATE, {"now": clock.now()})).scalar_one()
    found = {(row.what, row.label): row.number for row in rows}
    for state in ("pending", "held"):
        WAITING.labels(state).set(found.get(("deliveries", state), 0))
    for reason in EndpointDisabling:
        DISABLED.labels(reason.value).set(found.get(("endpoints", reason.value), 0))
    LATE.set(float(late))


def worker(runtime: Runtime) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return the background work of a worker process."""

    async def run(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await measure(runtime.worker_engine)
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("backlog_not_measured", error=type(error).__name__)
            try:
                await asyncio.wait_for(stopping.wait(), MEASURE_SECONDS)
            except TimeoutError:
                continue

    return run
