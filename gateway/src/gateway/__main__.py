"""`python -m gateway`: serve the gateway until told to stop."""

from __future__ import annotations

import sys

import uvloop

from chassis import telemetry
from chassis.health import Health, internal_app
from chassis.serve import serve
from chassis.settings import load
from gateway.app import Gateway
from gateway.protocol import BoundedProtocol
from gateway.settings import GatewaySettings


async def run(settings: GatewaySettings) -> None:
    """Run the gateway's process."""
    gateway = Gateway(settings)

    async def keys() -> None:
        if not gateway.tokens.jwks.ready:
            raise ConnectionError("members has not published its keys")

    health = Health({"keys": keys})
    try:
        # The gateway faces strangers, and speaks HTTP within bounds.
        keys_kept = [gateway.tokens.jwks.run]
        await serve(gateway, internal_app(health), settings, health, keys_kept, protocol=BoundedProtocol)
    finally:
        await gateway.close()


def main() -> None:
    """Run `python -m gateway`."""
    if len(sys.argv) != 1:
        raise SystemExit("usage: python -m gateway")
    settings = load(GatewaySettings)
    telemetry.configure("gateway", settings)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
