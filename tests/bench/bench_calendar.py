"""Items due in the same minute: the time to deliver all of them, and what one costs at both sizes; calendars and forecasts; rules.

Run: python tests/bench/bench_calendar.py [--quick] (quick: 100 and 1,000 items in place of 500 and 5,000). Exits 1 when delivering all
takes longer than the minute in which they are due, or when one item costs more than LIMIT times as much among many as among few.
A database with durable settings; two schedulers, as in two workers, though both in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import time as hour
from typing import Any
from uuid import UUID

import uvloop
from dateutil.rrule import rrulestr
from measuring import Servers, percentile, say

from chassis import clock, telemetry
from chassis.due import Scheduler
from chassis.ids import new_id
from chassis.testing.kit import Kit, running_kit
from content.app import service
from content.calendar.recurrence.policy import Rhythm, read_rule

COMMUNITIES = 10
SCHEDULERS = 2
MINUTE = 60.0
LIMIT = 1.5
BODY = "今天的单词:**serendipity**。Who can use it in a sentence?\n\n- one\n- two\n\n<@0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10>"


@dataclass
class Town:
    """An organization whose communities have this many slots, each filled, due at one instant."""

    kit: Kit
    organization: UUID
    communities: list[UUID]
    items: int


async def fill(kit: Kit, items: int) -> Town:
    """Make the communities, their slots and items, and the occurrences that are due now, with their work."""
    organization = new_id()
    communities = [await kit.community(organization) for _ in range(COMMUNITIES)]
    author = new_id()
    for community in communities:
        await kit.sql(
            """
            WITH made AS (
                INSERT INTO slot (id, organization_id, community_id, name, kind, rrule, at, starts_on, reckoned_zone, late_policy,
                    tolerance_seconds, notice_hours, created_by, created_at, version)
                SELECT gen_random_uuid(), $1, $2, '{"en": "Topic"}', 'daily_topic', 'FREQ=DAILY', '12:30', current_date, 'Asia/Shanghai',
                    'deliver', 60, 24, $3, now(), 1 FROM generate_series(1, $4) RETURNING id
            ), written AS (
                INSERT INTO item (id, organization_id, community_id, kind, title, body, section, state, author_id, created_at, updated_at,
                    version)
                SELECT id, $1, $2, 'daily_topic', '每日一词', $5, 'daily-topic', 'ready', $3, now(), now(), 1 FROM made RETURNING id
            )
            INSERT INTO slot_occurrence (id, organization_id, community_id, slot_id, on_date, due_at, state, item_id, notice_at, version)
            SELECT gen_random_uuid(), $1, $2, id, current_date, date_trunc('second', now()), 'open', id, now(), 1 FROM written
            """,
            organization,
            community,
            author,
            items // COMMUNITIES,
            BODY,
        )
    await kit.sql(
        "INSERT INTO due_work (organization_id, kind, key, due_at) "
        "SELECT $1, 'occurrences.settle', lane::text, now() FROM generate_series(1, 2) AS lane",
        organization,
    )
    await kit.sql("ANALYZE")
    return Town(kit, organization, communities, items)


async def deliver_all(town: Town) -> float:
    """Let the schedulers work until nothing is due; return the seconds."""

    async def schedule() -> None:
        scheduler = Scheduler(town.kit.runtime.worker_engine, town.kit.runtime.jobs)
        while await scheduler.work_one():
            pass

    began = time.perf_counter()
    await asyncio.gather(*(schedule() for _ in range(SCHEDULERS)))
    return time.perf_counter() - began


async def measure(kit: Kit, items: int) -> float:
    """Deliver so many; return the seconds."""
    town = await fill(kit, items)
    cpu = time.process_time()
    seconds = await deliver_all(town)
    cpu = time.process_time() - cpu
    rows = await kit.sql(
        "SELECT count(*), count(DISTINCT post_id), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM delivered_at - due_at)), "
        "percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM delivered_at - due_at)) FROM delivery "
        "WHERE organization_id = $1 AND state = 'delivered'",
        town.organization,
    )
    count, posts, median, late = rows[0]
    if (count, posts) != (items, items):
        raise RuntimeError(f"{count} of {items} delivered, as {posts} posts")
    say(
        f"  {items:,} items due at once: {seconds:.1f} s, {items / seconds:,.0f} items/s, {cpu / items * 1e3:.2f} ms of CPU of the worker "
        f"each; after their hour p50 {median:.1f} s, p99 {late:.1f} s (the making of the data included)"
    )
    return seconds


async def timed(what: str, turns: int, ask: Callable[[], Awaitable[Any]]) -> None:
    """Ask so often and print the median and the 99th percentile."""
    spent = []
    for _ in range(turns):
        began = time.perf_counter()
        await ask()
        spent.append((time.perf_counter() - began) * 1e3)
    say(f"  {what}: p50 {statistics.median(spent):.1f} ms, p99 {percentile(spent, 0.99):.1f} ms")


async def read(kit: Kit, items: int) -> None:
    """Read calendar and forecast over communities with so many occurrences to come."""
    town = await fill(kit, items)
    await kit.sql(
        "UPDATE slot_occurrence SET due_at = now() + random() * interval '28 days', item_id = CASE WHEN random() < 0.7 THEN item_id END "
        "WHERE organization_id = $1",
        town.organization,
    )
    await kit.sql("DELETE FROM due_work WHERE organization_id = $1", town.organization)
    boss = kit.staff(town.organization)
    for what, path in (
        ("a page of 50 of one community's calendar", f"/v1/communities/{town.communities[0]}/calendar"),
        ("a page of 50 of all communities' calendar", "/v1/calendar"),
        ("the forecast of 14 days over all communities", "/v1/calendar/gaps"),
    ):

        async def ask(path: str = path) -> None:
            answer = await boss.get(path)
            answer.raise_for_status()

        await timed(f"{what}, {items:,} occurrences", 40, ask)


def expand() -> None:
    """Expand a slot's rule to the horizon, beside dateutil by itself."""
    first = date(2026, 1, 1)
    rhythm = Rhythm(read_rule("FREQ=WEEKLY;BYDAY=TU,FR"), first, hour(20), "Europe/Berlin")
    since = first + timedelta(days=365)
    ours, bare = [], []
    for _ in range(200):
        began = time.perf_counter()
        rhythm.between(since, since + timedelta(days=92))
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        list(
            rrulestr(
                "FREQ=WEEKLY;BYDAY=TU,FR;UNTIL=20270403T000000", dtstart=clock.now().replace(2026, 1, 1, tzinfo=None)
            )
        )
        bare.append(time.perf_counter() - began)
    say(
        f"  a weekly rule of a year ago to the horizon: {statistics.median(ours) * 1e3:.2f} ms, "
        f"{statistics.median(ours) / statistics.median(bare):.2f} x dateutil by itself"
    )


async def compare(*, quick: bool) -> int:
    """Run everything and print it; return the exit code."""
    few, many = (100, 1_000) if quick else (500, 5_000)
    with Servers() as servers:
        async with running_kit(service, servers, log_level="WARNING") as kit:
            telemetry.configure("content", kit.runtime.settings)
            say("calendar:")
            expand()
            await measure(kit, COMMUNITIES)  # once, unmeasured: plans and imports
            costs = {items: await measure(kit, items) for items in (few, many)}
            await read(kit, many)
    growth = (costs[many] / many) / (costs[few] / few)
    say(f"  one item among {many:,} costs {growth:.2f} x one among {few:,} (limit {LIMIT}); all within {MINUTE:.0f} s")
    return int(growth > LIMIT or costs[many] > MINUTE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sys.exit(uvloop.run(compare(quick=parser.parse_args().quick)))
