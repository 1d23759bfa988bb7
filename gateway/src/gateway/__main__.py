"""Run the gateway: `python -m gateway api|worker|all|migrate`."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace

import uvloop

from chassis import app as chassis_app
from chassis import ops, telemetry
from chassis.health import Check, Health, internal_app
from chassis.runtime import Runtime
from chassis.serve import Background, serve
from chassis.settings import load
from gateway import identity
from gateway.app import Gateway
from gateway.calls.ledger import Ledger
from gateway.partner_settings import DATABASE_VARIABLE, PartnerSettings
from gateway.protocol import BoundedProtocol
from gateway.service import service
from gateway.settings import GatewaySettings

NOT_READY_SECONDS = 5.0

log = telemetry.log("gateway.main")


def _working(runtime: Runtime) -> Background:
    """Return the work for partners. It begins when the database is there, and never keeps the proxy from serving."""

    async def run(stopping: asyncio.Event) -> None:
        preparing = asyncio.create_task(_prepare(runtime))
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait([preparing, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not preparing.done():
            preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
        if stopping.is_set():
            return
        waiting.cancel()
        preparing.result()
        async with asyncio.TaskGroup() as group:
            for work in chassis_app.working(service, runtime):
                group.create_task(_run(work, stopping))

    return run


async def _run(work: Background, stopping: asyncio.Event) -> None:
    await work(stopping)


async def _prepare(runtime: Runtime) -> None:
    while True:
        try:
            await chassis_app.prepare(service, runtime)
        except SystemExit as error:
            log.warning("partners_wait", detail=str(error))
            await asyncio.sleep(NOT_READY_SECONDS)
        else:
            return


def _checks(gateway: Gateway | None, runtime: Runtime | None) -> dict[str, Check]:
    """Return what a process must have to be ready: the proxy the keys, a worker its database and broker."""

    async def keys() -> None:
        if gateway is not None and not gateway.tokens.jwks.ready:
            raise ConnectionError("members has not published its keys")

    if gateway is not None or runtime is None:
        return {"keys": keys}
    return chassis_app.checks(runtime)


async def run(settings: GatewaySettings, partners: PartnerSettings | None, role: str) -> None:
    """Run a process of the gateway until it is told to stop; without `partners` it is a proxy only."""
    async with AsyncExitStack() as stack:
        verifier = identity.verifier(settings)
        runtime = None
        if partners is not None:
            opened = await stack.enter_async_context(chassis_app.running(service, partners))
            runtime = replace(opened, verifier=verifier)
        gateway = None
        if role in {"api", "all"}:
            own = None if runtime is None else chassis_app.build_app(service, runtime)
            calls = None if partners is None else Ledger(partners.database_url.get_secret_value())
            gateway = Gateway(settings, tokens=verifier, own=own, calls=calls)
            stack.push_async_callback(gateway.close)
        background: list[Background] = [verifier.jwks.run] if runtime is None else chassis_app.listening(runtime)
        if runtime is not None and role in {"worker", "all"}:
            background.append(_working(runtime))
        health = Health(_checks(gateway, runtime))
        internal = internal_app(health, [] if runtime is None else ops.routes(runtime))
        # The gateway faces strangers, and speaks HTTP within bounds.
        await serve(gateway, internal, settings, health, background, protocol=BoundedProtocol)


def main() -> None:
    """Run `python -m gateway <role>`."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""  # noqa: PLR2004  the program and one word
    if role not in chassis_app.ROLES:
        raise SystemExit(f"usage: python -m gateway {'|'.join(chassis_app.ROLES)}")
    partners = load(PartnerSettings) if os.environ.get(DATABASE_VARIABLE) or role in {"worker", "migrate"} else None
    if role == "migrate":
        assert partners is not None  # noqa: S101  loaded for this role above
        telemetry.configure("gateway", partners)
        uvloop.run(chassis_app.migrate(service, partners))
        return
    settings = load(GatewaySettings)
    telemetry.configure("gateway", settings)
    uvloop.run(run(settings, partners, role))


if __name__ == "__main__":
    main()
