"""Webhooks in: messages taken per second by one gateway process, each verified and on the disk before it is answered.

Run: python tests/bench/bench_inbound.py [--quick]. PostgreSQL with fsync; the gateway is a process of its own. Beside it, what the same
callers get out of the same process for a request that it answers without a database: a signature that does not fit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from uuid import UUID

import aiohttp
import uvloop
from measuring import Budget, Figure, Pair, Processes, Servers, conclude, free_port, listening

from chassis import clock
from chassis.ids import new_id
from chassis.testing.kit import Kit, running_kit
from gateway import signing
from gateway.service import service

WORKERS = 32
PARTNER = (
    "INSERT INTO partner (client_id, organization_id, active, scopes, basis) VALUES ($1, $2, true, '{}', 'processor')"
)
BODY = json.dumps({"event": "order.paid", "order": {"id": "SO-1", "total": "199.00", "updated": 1795332600}}).encode()

Headers = Callable[[], dict[str, str]]


async def source(kit: Kit) -> tuple[UUID, str]:
    """Have a source; return its id and its secret."""
    organization, client = new_id(), new_id()
    await kit.sql(PARTNER, client, organization)
    async with kit.staff(organization) as staff:
        body = {"name": "Bench", "client_id": str(client), "verification": {"kind": "standard"}}
        answer = await staff.post("/v1/sources", json=body)
        answer.raise_for_status()
        made = answer.json()
    return UUID(made["id"]), made["secret"]


async def posted(url: str, headers: Headers, count: int, status: int) -> float:
    """Post so many messages; return how many a second were answered. Raises AssertionError for another status."""
    left = iter(range(count))

    async def work(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(url, data=BODY, headers=headers()) as answer:
                if answer.status != status:
                    raise AssertionError(await answer.text())
                await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=WORKERS)) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(WORKERS)))
        return count / (time.perf_counter() - begun)


def signed(secret: str) -> Headers:
    """Return what makes the headers of another message."""
    key = signing.signing_key(secret)

    def make() -> dict[str, str]:
        made = signing.sign(str(new_id()), int(clock.now().timestamp()), BODY, [key])
        return {**made, "content-type": "application/json"}

    return make


async def main(options: argparse.Namespace) -> int:
    """Measure."""
    count = 1000 if options.quick else 10_000
    port = free_port()
    with Servers() as servers, tempfile.TemporaryFile() as log, Processes(log) as processes:
        async with running_kit(service, servers) as kit:
            identifier, secret = await source(kit)
            environment = servers.environment(
                "gateway",
                kit.database,
                port=str(port),
                internal_port=str(free_port()),
                anonymous_rate="1000000",
                anonymous_burst="1000000",
            )
            processes.start(["-m", "gateway", "api"], environment)
            await listening(port)
            url = f"http://127.0.0.1:{port}/v1/inbound/{identifier}"
            pairs = []
            for _ in Budget(5, 60):
                refused = await posted(url, signed(signing.make_secret()), count, 401)
                pairs.append(Pair(await posted(url, signed(secret), count, 202), refused))
            rows = await kit.sql("SELECT count(*) FROM inbound_receipt")
            if rows[0][0] != count * len(pairs):
                raise AssertionError(f"{rows[0][0]} messages are kept")
    return conclude([Figure("messages taken, beside refused", "/s", pairs)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it runs")
    sys.exit(uvloop.run(main(parser.parse_args())))
