"""A consumer with a database effect: events per second beside bare publishing of the same events, and how long an effect takes.

Run: python tests/bench/bench_consumer.py [--quick]. PostgreSQL with fsync, NATS with `sync_interval: always`; exits 1 below LIMIT.
The consumer is engagement's pulse: an inbox row, a position and a fact per event. The lag is measured from commit to commit, by
PostgreSQL's own commit timestamps, with content's and engagement's workers as processes, under RATE events a second.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from datetime import datetime
from uuid import UUID

import asyncpg
import nats
import orjson
import uvloop
from measuring import Budget, Figure, Pair, Processes, Servers, conclude, free_port, listening, percentile, say

from chassis import telemetry
from chassis.app import running
from chassis.bus import Bus
from chassis.consuming import Consumption
from chassis.ids import new_id
from chassis.runtime import Runtime
from chassis.testing.cluster import Database
from chassis.testing.kit import envelope
from content.app import service as content
from contracts.base import Envelope, subject_of
from contracts.content import PostPublished
from engagement.app import service as engagement

LIMIT = 0.25
RATE = 500
PER_TRANSACTION = 5
SECONDS = 25.0
LONGEST_SECONDS = 180
IN_FLIGHT = 500


def make_events(count: int) -> list[Envelope]:
    """Return so many posts' events of one community."""
    organization, community = new_id(), new_id()
    return [
        envelope(
            PostPublished(post_id=post, community_id=community, author_id=organization, section="general"),
            organization,
            post,
            community_id=community,
            actor=organization,
        )
        for post in (new_id() for _ in range(count))
    ]


def payload(one: Envelope) -> bytes:
    """Return an event as the relay sends it."""
    return orjson.dumps(one.model_dump(mode="json", exclude_none=True))


def applied() -> float:
    """Return how many events this process's consumers have applied."""
    return telemetry.CONSUMED.labels("pulse", "applied")._value.get()


async def consume(runtime: Runtime, events: int) -> float:
    """Run the consumer until it has applied so many events; return events per second."""
    stopping = asyncio.Event()
    (pulse,) = (consumer for consumer in engagement.consumers if consumer.name == "pulse")
    settings = runtime.settings
    before, begun = applied(), time.perf_counter()
    consuming = asyncio.create_task(
        Consumption(runtime.worker_engine, runtime.bus, pulse, owner="content", batch=settings.consumer_batch).run(
            stopping
        )
    )
    while applied() - before < events:
        if consuming.done():
            await consuming
        await asyncio.sleep(0.01)
    rate = events / (time.perf_counter() - begun)
    stopping.set()
    await consuming
    return rate


async def throughput(servers: Servers, database: Database, events: int, turns: int) -> Figure:
    """Publish events and consume them, in turns: the publishing is what the consuming is compared with."""
    settings = engagement.settings(**servers.settings("engagement", database))
    telemetry.configure("engagement", settings)
    client = await nats.connect(servers.nats.url("content"))
    stream = client.jetstream(publish_async_max_pending=IN_FLIGHT)
    pairs = []
    async with running(engagement, settings) as runtime:
        for turn in Budget(turns, SECONDS):
            messages = [
                (str(one.id), subject_of(one.type, one.community), payload(one)) for one in make_events(events // turns)
            ]
            begun = time.perf_counter()
            futures = [
                await stream.publish_async(subject, content, headers={"Nats-Msg-Id": identifier})
                for identifier, subject, content in messages
            ]
            await asyncio.gather(*futures)
            bare = len(messages) / (time.perf_counter() - begun)
            pairs.append(Pair(await consume(runtime, len(messages)), bare))
            say(f"turn {turn}: bare {bare:,.0f}/s, consumer {pairs[-1].ours:,.0f}/s, ratio {pairs[-1].ratio:.2f}")
    await client.close()
    return Figure("consumer: events applied", "/s", pairs, LIMIT)


_WRITE = """
INSERT INTO outbox (event_id, recorded_at, organization_id, aggregate_type, aggregate_id, version, type, subject, payload)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::text[], $9::text[])
RETURNING pg_current_xact_id()::xid::text
"""


async def write(connection: asyncpg.Connection, envelopes: list[Envelope]) -> str:
    """Commit events to the outbox; return the transaction's id."""
    columns = zip(
        *(
            (
                one.id,
                one.recordedtime,
                one.organization,
                one.aggregate,
                one.aggregateid,
                one.aggregateversion,
                one.type,
                subject_of(one.type, one.community),
                payload(one).decode(),
            )
            for one in envelopes
        ),
        strict=True,
    )
    return str(await connection.fetchval(_WRITE, *columns))


async def write_steadily(url: str, seconds: float) -> dict[UUID, str]:
    """Write RATE events a second in small transactions; return the transaction of each event."""
    transactions: dict[UUID, str] = {}
    connection = await asyncpg.connect(url)
    begun, turn = time.perf_counter(), 0
    while turn * PER_TRANSACTION < seconds * RATE:
        await asyncio.sleep(max(0.0, begun + turn * PER_TRANSACTION / RATE - time.perf_counter()))
        envelopes = make_events(PER_TRANSACTION)
        transaction = await write(connection, envelopes)
        transactions |= {one.id: transaction for one in envelopes}
        turn += 1
    say(f"{len(transactions):,} events written in {time.perf_counter() - begun:.1f} s, {PER_TRANSACTION} a transaction")
    await connection.close()
    return transactions


async def commit_times(connection: asyncpg.Connection, transactions: set[str]) -> dict[str, datetime]:
    """Return when each transaction was committed."""
    rows = await connection.fetch(
        "SELECT id, pg_xact_commit_timestamp(id::xid) AS at FROM unnest($1::text[]) AS id", list(transactions)
    )
    return {row["id"]: row["at"] for row in rows}


async def effects(connection: asyncpg.Connection, events: set[UUID]) -> dict[UUID, datetime]:
    """Wait until every event has its fact; return when each fact was committed."""
    while True:
        rows = await connection.fetch(
            "SELECT source_id, pg_xact_commit_timestamp(xmin) AS at FROM activity WHERE source_id = ANY($1)",
            list(events),
        )
        if len(rows) == len(events):
            return {row["source_id"]: row["at"] for row in rows}
        await asyncio.sleep(0.1)


async def lag(servers: Servers, databases: dict[str, Database], seconds: float) -> list[float]:
    """Write steadily while both workers run; return the seconds from each commit to its effect's commit."""
    with tempfile.TemporaryFile() as log, Processes(log) as processes:
        for service, database in databases.items():
            port = free_port()
            processes.start(["-m", service, "worker"], servers.environment(service, database, internal_port=str(port)))
            await listening(port)
        connection = await asyncpg.connect(databases["engagement"].superuser)
        await effects(connection, set(await write_steadily(databases["content"].superuser, 1)))
        transactions = await write_steadily(databases["content"].superuser, seconds)
        happened = await effects(connection, set(transactions))
        committed = await commit_times(connection, set(transactions.values()))
        await connection.close()
    return [(happened[event] - committed[transaction]).total_seconds() for event, transaction in transactions.items()]


async def compare(servers: Servers, events: int, turns: int, seconds: float) -> Figure:
    """Measure both. Raises TimeoutError when something hangs."""
    async with asyncio.timeout(LONGEST_SECONDS):
        databases = {one.name: await servers.fresh(one.name, one.migrations) for one in (content, engagement)}
        await prepare_stream(servers)
        figure = await throughput(servers, databases["engagement"], events, turns)
        lags = await lag(servers, databases, seconds)
    say(
        f"commit to effect under {RATE} events/s for {seconds:.0f} s: p50 {percentile(lags, 0.5) * 1000:.0f} ms, "
        f"p99 {percentile(lags, 0.99) * 1000:.0f} ms, mean {statistics.mean(lags) * 1000:.0f} ms, "
        f"longest {max(lags) * 1000:.0f} ms"
    )
    return figure


async def prepare_stream(servers: Servers) -> None:
    """Make content's stream as content itself does."""
    bus = await Bus.connect(servers.nats.url("content"), "content")
    await bus.ensure_stream()
    await bus.close()


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer events, fewer seconds")
    events, turns, seconds = (4_000, 4, 3.0) if parser.parse_args().quick else (16_000, 16, 10.0)
    with Servers() as servers:
        return conclude([uvloop.run(compare(servers, events, turns, seconds))])


if __name__ == "__main__":
    sys.exit(main())
