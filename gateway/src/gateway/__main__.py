"""`python -m gateway`: serve the gateway until told to stop."""

from __future__ import annotations

import gc
import os
import sys

import uvicorn.config
import uvloop

from chassis import telemetry
from chassis.health import Health, internal_app
from chassis.serve import serve
from gateway.app import Gateway
from gateway.settings import GatewaySettings


async def run(settings: GatewaySettings) -> None:
    """Run the gateway's process."""
    gateway = Gateway(settings)
    # What lives as long as the process is not worth walking through again and again: it made a tenth of a request's cost.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)

    async def keys() -> None:
        if not gateway.tokens.jwks.ready:
            raise ConnectionError("members has not published its keys")

    health = Health({"keys": keys})
    try:
        await serve(gateway, internal_app(health), settings, health, [gateway.tokens.jwks.run])
    finally:
        await gateway.close()


def main() -> None:
    """Run `python -m gateway`."""
    if len(sys.argv) != 1:
        raise SystemExit("usage: python -m gateway")
    settings = GatewaySettings()
    telemetry.configure("gateway", settings)
    # Who is called a proxy is HEARTH_TRUSTED_PROXIES; uvicorn would believe X-Forwarded-For from this machine.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    # The chassis serves by uvicorn's protocol of this name; the gateway, which faces strangers, needs the bounded one.
    uvicorn.config.HTTP_PROTOCOLS["httptools"] = "gateway.protocol:BoundedProtocol"
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
