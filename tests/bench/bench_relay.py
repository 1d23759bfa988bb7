"""Events per second from a full outbox to the stream, beside bare JetStream publishing of the same payloads, in turns.

Run: python tests/bench/bench_relay.py [--quick]. PostgreSQL with fsync, NATS with `sync_interval: always`; exits 1 below LIMIT.
Both publish from this process with as many messages in flight as the relay takes at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from uuid import UUID

import nats
import uvloop
from measuring import Budget, Figure, Pair, Servers, conclude, say
from nats.aio.client import Client
from nats.js.api import StreamConfig
from sqlalchemy import text

from chassis import outbox, telemetry
from chassis.app import running
from chassis.db import transaction
from chassis.ids import new_id
from chassis.relay import Relay
from chassis.runtime import Runtime
from content.app import service
from contracts.content import PostPublished

LIMIT = 0.5
PER_TRANSACTION = 500
SECONDS = 40.0
LONGEST_SECONDS = 180


async def fill(runtime: Runtime, events: int) -> None:
    """Write so many events, each of an aggregate of its own, as an import does."""
    organization, community = new_id(), new_id()
    for _ in range(events // PER_TRANSACTION):
        async with transaction(runtime.worker_engine, organization) as session:
            for _ in range(PER_TRANSACTION):
                post = new_id()
                event = PostPublished(post_id=post, community_id=community, author_id=organization, section="general")
                outbox.emit(
                    session,
                    event,
                    organization_id=organization,
                    aggregate_id=post,
                    version=1,
                    community_id=community,
                    actor=organization,
                )


async def waiting(runtime: Runtime) -> list[tuple[UUID, bytes]]:
    """Return ids and payloads of what waits."""
    async with runtime.worker_engine.connect() as connection:
        rows = await connection.execute(text("SELECT event_id, payload FROM outbox WHERE published_at IS NULL"))
        return [(row.event_id, row.payload.encode()) for row in rows]


async def bare(client: Client, window: int, messages: list[tuple[UUID, bytes]]) -> float:
    """Publish with `publish_async`, at most `window` in flight; return messages per second."""
    stream = client.jetstream(publish_async_max_pending=window)
    begun = time.perf_counter()
    futures = [
        await stream.publish_async("bare.event", payload, headers={"Nats-Msg-Id": str(event)})
        for event, payload in messages
    ]
    await asyncio.gather(*futures)
    return len(messages) / (time.perf_counter() - begun)


def published() -> float:
    """Return how many events this process's relays have published."""
    return telemetry.PUBLISHED._value.get()


async def ours(runtime: Runtime, events: int) -> float:
    """Let the relay run until it has published so many; return events per second."""
    stopping = asyncio.Event()
    before, begun = published(), time.perf_counter()
    running_relay = asyncio.create_task(
        Relay(runtime.worker_engine, runtime.bus, batch=runtime.settings.relay_batch).run(stopping)
    )
    while published() - before < events:
        if running_relay.done():
            await running_relay
        await asyncio.sleep(0.01)
    stopping.set()
    await running_relay
    return (published() - before) / (time.perf_counter() - begun)


async def compare(servers: Servers, events: int, turns: int) -> Figure:
    """Run both in turns. Raises TimeoutError when something hangs."""
    async with asyncio.timeout(LONGEST_SECONDS):
        return await take_turns(servers, events, turns)


async def take_turns(servers: Servers, events: int, turns: int) -> Figure:
    """Fill an outbox, and publish from it and beside it."""
    database = await servers.fresh("content", service.migrations)
    settings = service.settings(**servers.settings("content", database))
    telemetry.configure("content", settings)
    per_turn = events // turns
    async with running(service, settings) as runtime:
        await runtime.bus.ensure_stream()
        client = await nats.connect(servers.nats.url())
        await client.jetstream().add_stream(StreamConfig(name="BARE", subjects=["bare.>"], duplicate_window=120))
        begun = time.perf_counter()
        # More than is counted: the relay finishes the batch that it has in hand when it is told to stop.
        await fill(runtime, events + turns * 2 * runtime.settings.relay_batch)
        say(f"events written in {time.perf_counter() - begun:.1f} s")
        messages = await waiting(runtime)
        pairs = []
        for turn in Budget(turns, SECONDS):
            chosen = messages[(turn - 1) * per_turn : turn * per_turn]
            plain = await bare(client, runtime.settings.relay_batch, chosen)
            pairs.append(Pair(await ours(runtime, per_turn), plain))
            say(f"turn {turn}: bare {plain:,.0f}/s, relay {pairs[-1].ours:,.0f}/s, ratio {pairs[-1].ratio:.2f}")
        await client.close()
    return Figure("relay: events published", "/s", pairs, LIMIT)


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer events")
    events, turns = (6_000, 3) if parser.parse_args().quick else (20_000, 16)
    with Servers() as servers:
        return conclude([uvloop.run(compare(servers, events, turns))])


if __name__ == "__main__":
    sys.exit(main())
