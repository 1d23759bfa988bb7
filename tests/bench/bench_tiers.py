"""Full evaluation of tiers on 10 thousand and 1 million members, set-based: the first, the next, and what a dry run takes.

Run: python tests/bench/bench_tiers.py [--quick] (quick: 2 thousand and 50 thousand). Exits 1 when an evaluation at the larger size takes
more than LIMIT times as long per member as at the smaller. One database, in the order of due work, as the worker under row-level security.
"""

from __future__ import annotations

import argparse
import resource
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import uvloop
from bench_segments import Town, fill, say, timed

from chassis import clock
from chassis.db import transaction
from chassis.testing.cluster import Cluster
from chassis.testing.kit import running_kit
from members.app import service
from members.tiers.evaluation import queries
from members.tiers.evaluation.commands import evaluate
from members.tiers.standards import queries as standards

LIMIT = 1.5


def rule(*asked: tuple[str, int, int | None]) -> dict[str, Any]:
    """Return a rule that asks for all of these (metric, threshold, window)."""
    return {
        "all": [{"metric": metric, "threshold": least, "window_days": window} for metric, least, window in asked],
        "any": [],
    }


TIERS: list[dict[str, Any]] = [
    {"code": "newcomer", "name": {"en": "Newcomer"}, "privileges": []},
    {
        "code": "regular",
        "name": {"en": "Regular"},
        "privileges": [],
        "entry": rule(("active_days", 2, 30), ("days_since_joined", 14, None)),
    },
    {
        "code": "pillar",
        "name": {"en": "Pillar"},
        "privileges": [],
        "entry": rule(
            ("active_days", 3, 30),
            ("reactions_received_from_distinct", 3, 60),
            ("reactions_received_on_distinct_days", 3, 60),
            ("last_activity_days_ago", 14, None),
        ),
    },
]


async def adopt(town: Town, number: int, tiers: list[dict[str, Any]]) -> None:
    """Put a standard in force without asking for work."""
    await town.kit.sql("UPDATE tier_standard SET state = 'superseded' WHERE community_id = $1", town.community)
    await town.kit.sql(
        "INSERT INTO tier_standard VALUES ($1, $2, $3, 'adopted', $4::text::jsonb, 14, $1, now(), $1, now(), 1)",
        town.community,
        number,
        town.organization,
        orjson.dumps(tiers).decode(),
    )


async def everybody(town: Town) -> None:
    """Evaluate everybody, a range of members in each transaction, as due work does."""
    after: UUID | None = UUID(int=0)
    while after is not None:
        async with transaction(town.kit.runtime.worker_engine, town.organization) as session:
            after = await evaluate(session, town.community, after)


async def moved(town: Town) -> int:
    """Return how many decisions are kept."""
    rows = await town.kit.sql("SELECT count(*) FROM tier_move WHERE community_id = $1", town.community)
    return int(rows[0][0])


async def measure(town: Town) -> float:
    """Measure one community; return seconds per member of an evaluation in which nobody moves."""
    stricter = [
        *TIERS[:1],
        {**TIERS[1], "entry": rule(("active_days", 3, 30), ("days_since_joined", 14, None))},
        TIERS[2],
    ]
    await adopt(town, 1, TIERS)
    results: list[tuple[str, float, int]] = []
    before = 0
    quiet = 0.0
    for name, number, tiers, later in (
        ("first evaluation, everybody moves", 1, TIERS, 0),
        ("again at once, nobody moves", 1, TIERS, 0),
        ("a stricter standard, graces begin", 2, stricter, 0),
        ("a night after the graces, members fall", 2, stricter, 15),
    ):
        if number == 2 and not later:
            await adopt(town, number, tiers)
        at = clock.now() + timedelta(days=later)
        with clock.use(lambda at=at: at):  # type: ignore[misc]
            seconds, _ = await timed(lambda: everybody(town))
        after = await moved(town)
        results.append((name, seconds, after - before))
        if name.startswith("again"):
            quiet = seconds / town.members
            if after != before:
                raise RuntimeError(f"{after - before} moved the second time")
        before = after
    for name, seconds, decisions in results:
        say(
            f"  {name}: {seconds:.1f} s, {town.members / seconds:,.0f} members/s, {decisions:,} decisions kept and told"
        )
    async with transaction(town.kit.runtime.engine, town.organization) as session:
        standard = await standards.get(session, town.community, 1)
        seconds, answer = await timed(lambda: queries.dry_run(session, standard, sample=20, language="zh"))
    told = {outcome.value: count for outcome, count in answer.counts.items() if count}
    say(f"  dry run: {seconds:.1f} s, {town.members / seconds:,.0f} members/s, {told}")
    return quiet


async def compare(*, quick: bool) -> int:
    """Run everything and print it; return the exit code."""
    cluster = Cluster()
    try:
        cluster.start()
        async with running_kit(service, cluster, argon2_time_cost=1, argon2_memory_kib=8) as kit:
            costs = []
            for members in (2_000, 50_000) if quick else (10_000, 1_000_000):
                spent, town = await timed(lambda members=members: fill(kit, members))  # type: ignore[misc]
                say(f"{members} members, made in {spent:.0f} s")
                costs.append(await measure(town))
    finally:
        cluster.remove()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = costs[1] / costs[0]
    say(
        f"tiers: per member {ratio:.2f} x at the larger size (limit {LIMIT}); peak memory of the process {peak:.0f} MiB"
    )
    return int(ratio > LIMIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sys.exit(uvloop.run(compare(quick=parser.parse_args().quick)))
