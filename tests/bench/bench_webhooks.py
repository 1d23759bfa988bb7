"""Webhooks out: deliveries per second beside a bare aiohttp loop, commit to receipt, a healthy endpoint while others hang, a million pending.

Run: python tests/bench/bench_webhooks.py [--quick]. PostgreSQL with fsync, NATS with `sync_interval: always`; the receiver is a process of
its own on 127.0.0.1. Exits 1 when a bound of the table is missed. Both sides of the first figure sign alike and send from this process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import uvloop
from measuring import Budget, Figure, Pair, Processes, Servers, conclude, free_port, listening, percentile, say
from sqlalchemy import text

from chassis import clock, outbox
from chassis.consuming import Consumption
from chassis.db import transaction
from chassis.ids import new_id
from chassis.relay import Relay
from chassis.testing.kit import Kit, running_kit
from content.app import service as content_service
from contracts.content import PostPublished
from gateway import signing
from gateway.deliveries.dispatch import jobs, queries
from gateway.endpoints import sealing
from gateway.lanes import commands as lanes
from gateway.lanes.leases import commands as leases
from gateway.service import service
from gateway.vault import vault_of

LEAST_SHARE = 0.5
MOST_SLOWER = 1.5
ENDPOINTS = 20
HANGING = 50
WORKERS = 64
APART_SECONDS = 0.02
LOOK_SECONDS = 0.05
PAYLOAD = json.dumps(
    {
        "type": "content.post.published.v1",
        "timestamp": "2026-11-22T07:30:00Z",
        "subject": {"type": "post", "id": str(UUID(int=7)), "version": 1},
        "community_id": str(UUID(int=8)),
        "data": {"post_id": str(UUID(int=7)), "community_id": str(UUID(int=8)), "section": "general", "tags": []},
    }
)
_MESSAGES = """
INSERT INTO message (event_id, organization_id, type, community_id, occurred_at, payload, persons, personal, created_at)
SELECT uuidv7(), $1, 'content.post.published.v1', NULL, now(), $2, '{}', false, now() FROM generate_series(1, $3)
RETURNING event_id
"""
_DELIVERIES = """
INSERT INTO delivery (endpoint_id, event_id, organization_id, type, state, due_at, created_at)
SELECT ($1::uuid[])[1 + (row_number() OVER ()) % cardinality($1::uuid[])], event_id, organization_id, type, 'pending', $2, $2
FROM message WHERE event_id = ANY($3)
"""
_PARTNER = (
    "INSERT INTO partner (client_id, organization_id, active, scopes, basis) VALUES ($1, $2, true, '{}', 'processor')"
)
_ENDPOINT = """
INSERT INTO endpoint (id, organization_id, client_id, url, event_types, community_ids, ordering, enabled, created_at, created_by,
    updated_at, version)
VALUES ($1, $2, $3, $4, $5, '{}', 'parallel', true, $6, $3, $6, 1)
"""
_SECRET = """
INSERT INTO endpoint_secret (id, organization_id, endpoint_id, scheme, sealed, created_at) VALUES ($1, $2, $3, 'v1', $4, $5)
"""
_WAKE = "UPDATE lane SET due_at = $1 WHERE endpoint_id = ANY($2)"


class Bench:
    """The gateway's service, a receiver, and one tenant with endpoints at it."""

    def __init__(self, kit: Kit, url: str) -> None:
        self.kit = kit
        self.url = url
        self.organization = new_id()

    async def endpoint(self, path: str, types: Sequence[str] = ()) -> tuple[UUID, str]:
        """Have an endpoint at a path of the receiver; return its id and its secret."""
        identifier, client, secret, now = new_id(), new_id(), signing.make_secret(), clock.now()
        await self.kit.sql(_PARTNER, client, self.organization)
        await self.kit.sql(_ENDPOINT, identifier, self.organization, client, f"{self.url}{path}", list(types), now)
        sealed = sealing.seal_secret(vault_of(self.kit.runtime), identifier, secret)
        await self.kit.sql(_SECRET, new_id(), self.organization, identifier, sealed, now)
        async with transaction(self.kit.runtime.worker_engine, self.organization) as session:
            await lanes.make(session, self.organization, identifier)
        return identifier, secret

    async def pending(self, endpoints: Sequence[UUID], count: int) -> None:
        """Have so many deliveries due, spread evenly over the endpoints."""
        rows = await self.kit.sql(_MESSAGES, self.organization, PAYLOAD, count)
        now = clock.now()
        await self.kit.sql(_DELIVERIES, list(endpoints), now, [row["event_id"] for row in rows])
        await self.kit.sql(_WAKE, now, list(endpoints))

    async def settled(self, seconds: float = 300) -> None:
        """Wait until nothing of the working endpoints is pending."""
        async with asyncio.timeout(seconds):
            while await self._any_due():  # noqa: ASYNC110  the database tells nobody
                await asyncio.sleep(LOOK_SECONDS)

    async def _any_due(self) -> bool:
        return bool((await self.kit.sql("SELECT EXISTS (SELECT FROM delivery WHERE due_at <= now())"))[0][0])

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[None]:
        """Run the dispatcher in this process."""
        stopping = asyncio.Event()
        running = asyncio.create_task(jobs.worker(self.kit.runtime)(stopping))
        try:
            yield
        finally:
            stopping.set()
            await running


async def bare(url: str, secret: str, count: int) -> float:
    """Sign and POST from a loop with so many workers; return deliveries per second."""
    left = iter(range(count))
    body = PAYLOAD.encode()

    async def work(session: aiohttp.ClientSession) -> None:
        for _ in left:
            headers = signing.sign(str(new_id()), int(clock.now().timestamp()), body, [signing.signing_key(secret)])
            async with session.post(url, data=body, headers={**headers, "Content-Type": "application/json"}) as answer:
                await answer.read()

    connector = aiohttp.TCPConnector(limit=WORKERS)
    async with aiohttp.ClientSession(connector=connector) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(WORKERS)))
        return count / (time.perf_counter() - begun)


async def throughput(bench: Bench, count: int, budget: Budget) -> Figure:
    """Deliveries per second until they are written down, beside the bare loop until they are answered."""
    made = [await bench.endpoint("/ok") for _ in range(ENDPOINTS)]
    endpoints = [endpoint for endpoint, _ in made]
    pairs = []
    for _ in budget:
        slow = await bare(f"{bench.url}/ok", made[0][1], count)
        await bench.pending(endpoints, count)
        begun = time.perf_counter()
        async with bench.dispatching():
            await bench.settled()
            ours = count / (time.perf_counter() - begun)
        pairs.append(Pair(ours, slow))
    return Figure("deliveries", "/s", pairs, LEAST_SHARE)


async def receipts(url: str) -> dict[str, int]:
    """Return when the receiver got each webhook since the last question, in nanoseconds of the monotonic clock."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/receipts") as answer:
        return dict(json.loads(await answer.read()))


async def latencies(bench: Bench, endpoint: UUID, count: int) -> list[float]:
    """Make one delivery due at a time, some milliseconds apart; return milliseconds from its commit to its receipt."""
    await receipts(bench.url)
    sent = {}
    for _ in range(count):
        rows = await bench.kit.sql(_MESSAGES, bench.organization, PAYLOAD, 1)
        now = clock.now()
        await bench.kit.sql(_DELIVERIES, [endpoint], now, [rows[0]["event_id"]])
        await bench.kit.sql(_WAKE, now, [endpoint])
        sent[str(rows[0]["event_id"])] = time.monotonic_ns()
        await asyncio.sleep(APART_SECONDS)
    arrived = await all_receipts(bench.url, count)
    return [(arrived[event] - at) / 1e6 for event, at in sent.items()]


async def all_receipts(url: str, count: int) -> dict[str, int]:
    """Wait for so many receipts and return them."""
    arrived: dict[str, int] = {}
    async with asyncio.timeout(60):
        while len(arrived) < count:
            arrived |= await receipts(url)
            await asyncio.sleep(0.05)
    return arrived


async def isolation(bench: Bench, count: int, budget: Budget) -> Figure:
    """p99 of a healthy endpoint while others hang, beside p99 without them."""
    healthy, _ = await bench.endpoint("/ok")
    hanging = [(await bench.endpoint("/hang"))[0] for _ in range(HANGING)]
    pairs = []
    for _ in budget:
        async with bench.dispatching():
            alone = percentile(await latencies(bench, healthy, count), 0.99)
            await bench.pending(hanging, HANGING * 20)
            beside = percentile(await latencies(bench, healthy, count), 0.99)
        await bench.kit.sql("UPDATE delivery SET state = 'delivered', due_at = NULL WHERE due_at IS NOT NULL")
        pairs.append(Pair(beside, alone))
    return Figure("p99 of a healthy endpoint, 50 hang", "ms", pairs, MOST_SLOWER, least=False)


async def commit_to_receipt(bench: Bench, servers: Servers, count: int) -> None:
    """Report how long an event takes from its owner's commit, over outbox, stream and fan-out, to the receiver."""
    await bench.endpoint("/ok", ["content.post.published.v1"])
    stopping = asyncio.Event()
    async with running_kit(content_service, servers) as content, bench.dispatching():
        runtime = bench.kit.runtime
        consumer = runtime.consumers["deliveries"]
        work = [
            Relay(content.runtime.worker_engine, content.runtime.bus).run(stopping),
            Consumption(runtime.worker_engine, runtime.bus, consumer, owner="content").run(stopping),
        ]
        running = [asyncio.create_task(one) for one in work]
        await asyncio.sleep(1)
        await receipts(bench.url)
        sent = {}
        for _ in range(count):
            event_id = await _publish(content, bench.organization)
            sent[event_id] = time.monotonic_ns()
            await asyncio.sleep(APART_SECONDS)
        arrived = await all_receipts(bench.url, count)
        took = [(arrived[event] - at) / 1e6 for event, at in sent.items()]
        say(
            f"commit to receipt: p50 {percentile(took, 0.5):.0f} ms, p99 {percentile(took, 0.99):.0f} ms ({count} events)"
        )
        stopping.set()
        await asyncio.gather(*running)


async def _publish(content: Kit, organization: UUID) -> str:
    post, community = new_id(), new_id()
    async with transaction(content.runtime.worker_engine, organization) as session:
        event = PostPublished(post_id=post, community_id=community, author_id=new_id(), section="general")
        outbox.emit(session, event, organization_id=organization, aggregate_id=post, version=1, community_id=community)
        await outbox.write_pending(session)
        found = await session.execute(text("SELECT event_id FROM outbox WHERE aggregate_id = :post"), {"post": post})
        return str(found.scalar_one())


async def many_pending(bench: Bench, count: int) -> list[Figure]:
    """Claim time and memory with so many deliveries pending, beside a thousandth of them."""
    endpoints = [(await bench.endpoint("/ok"))[0] for _ in range(ENDPOINTS)]
    small, large = [], []
    await bench.pending(endpoints, count // 1000)
    small = [await _claim(bench, endpoints) for _ in range(20)]
    for _ in range(10):
        await bench.pending(endpoints, count // 10)
    await bench.kit.sql("ANALYZE delivery")
    large = [await _claim(bench, endpoints) for _ in range(20)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with bench.dispatching():
        await asyncio.sleep(10)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    left = (await bench.kit.sql("SELECT count(*) AS rows FROM delivery WHERE due_at IS NOT NULL"))[0]["rows"]
    say(f"{count:,} pending: memory grew by {grown:.0f} MiB while {count - left:,} went out in 10 s")
    return [Figure(f"claim with {count:,} pending", "us", [Pair(percentile(large, 0.5), percentile(small, 0.5))])]


async def _claim(bench: Bench, endpoints: Sequence[UUID]) -> float:
    """Take the lanes and read what is due first in each, as the dispatcher does; return microseconds."""
    holder, now = new_id(), clock.now()
    begun = time.perf_counter()
    async with transaction(bench.kit.runtime.worker_engine) as session:
        await leases.take(session, holder, now, most=jobs.TAKEN_AT_ONCE, most_ailing=jobs.TAKEN_AT_ONCE)
    wanted = [queries.Wanted(endpoint, endpoint, False, 64) for endpoint in endpoints]
    async with transaction(bench.kit.runtime.worker_engine, bench.organization) as session:
        await queries.due(session, wanted, now)
    took = (time.perf_counter() - begun) * 1e6
    await bench.kit.sql("UPDATE lane SET holder = NULL, held_until = NULL, due_at = $1", now)
    return took


async def main(options: argparse.Namespace) -> int:
    """Measure all."""
    # As chassis.serve has it in every process of ours; the bare loop gets it too.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    figures: list[Figure] = []
    scale: dict[str, Any] = (
        {"deliveries": 2000, "turns": 3, "probes": 100, "pending": 20_000}
        if options.quick
        else {"deliveries": 20_000, "turns": 5, "probes": 500, "pending": 1_000_000}
    )
    with Servers() as servers, tempfile.TemporaryFile() as log, Processes(log) as processes:
        processes.start([str(Path(__file__).with_name("receiver.py")), str(port)])
        await listening(port)
        async with running_kit(service, servers, allowed_networks="127.0.0.0/8") as kit:
            bench = Bench(kit, url)
            figures.append(await throughput(bench, scale["deliveries"], Budget(scale["turns"], 120)))
            figures.append(await isolation(bench, scale["probes"], Budget(3, 120)))
            await commit_to_receipt(bench, servers, scale["probes"])
            figures += await many_pending(bench, scale["pending"])
    return conclude(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it runs")
    sys.exit(uvloop.run(main(parser.parse_args())))
