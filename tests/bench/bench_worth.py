"""Worth: a page of 20 pieces, one piece, a batch of the worker, and comparing a day's readers, at two sizes of a community.

Run: python tests/bench/bench_worth.py [--quick] (quick: a tenth of everything). Exits 1 when a page costs more than LIMIT times as much in
the larger community: the last four weeks are alike in both, and no page may go through what was read.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from measuring import Servers, say

from chassis import clock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, running_kit
from content.app import service
from content.worth import commands
from contracts.members import CommunityRole

LIMIT = 1.5
TURNS = 40
RECENT = 2000
"""Posts of the last four weeks; the rest lie before."""
_FILL = """
SET session_replication_role = replica;
INSERT INTO standing_member SELECT '{community}', gen_random_uuid(), '{organization}', gen_random_uuid(), 'approved', '{{}}', n <= 20, false,
    now() - interval '1 year' FROM generate_series(1, {people}) AS n;
INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
    SELECT gen_random_uuid(), '{organization}', '{community}', gen_random_uuid(), '早', 'general',
        now() - CASE WHEN n <= {recent} THEN interval '27 days' * n / {recent} ELSE interval '30 days' + interval '1 minute' * n END, 'live', 1
    FROM generate_series(1, {posts}) AS n;
INSERT INTO read_mark SELECT account_id, id, '{organization}', '{community}', now() - interval '2 days' - interval '20 days' * random()
    FROM (SELECT account_id, row_number() OVER () AS a FROM standing_member WHERE community_id = '{community}') AS people
    JOIN (SELECT id, row_number() OVER (ORDER BY published_at DESC) AS p FROM post WHERE community_id = '{community}') AS posts
        ON (a * 7919 + p * 104729) % {people} < {each};
INSERT INTO tally SELECT post_id, '{organization}', 0, count(*), 0, 0, '{{}}' FROM read_mark WHERE community_id = '{community}' GROUP BY 1;
INSERT INTO worth_active_day SELECT DISTINCT account_id, '{community}'::uuid, (read_at AT TIME ZONE 'Asia/Shanghai')::date, '{organization}'::uuid
    FROM read_mark WHERE community_id = '{community}';
INSERT INTO worth_touch (organization_id, what, post_id) SELECT '{organization}', 'post', id FROM post WHERE community_id = '{community}';
SET session_replication_role = DEFAULT;
"""


async def seconds(turns: int, act: Callable[[], Awaitable[object]]) -> float:
    """Return the median time of an act."""
    taken = []
    for _ in range(turns):
        began = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def measure(kit: Kit, servers: Servers, posts: int, each: int) -> float:
    """Fill a community, count it all, and measure; return the time of a page."""
    organization = new_id()
    community = await kit.community(organization)
    account = await kit.member(organization, community, roles=[CommunityRole.ANALYST])
    script = _FILL.format(
        community=community, organization=organization, people=2000, recent=RECENT, posts=posts, each=each
    )
    servers.postgres.psql(script, database=kit.database.name)
    servers.postgres.psql("ANALYZE", database=kit.database.name)
    reads = (await kit.sql("SELECT count(*) FROM read_mark WHERE community_id = $1", community))[0][0]

    async def count() -> None:
        async with transaction(kit.runtime.worker_engine, organization) as session:
            await commands.count_some(session, organization)

    async def settle() -> None:
        day = (clock.now() - timedelta(days=10)).date()
        async with transaction(kit.runtime.worker_engine, organization) as session:
            await commands.settle(session, organization, community, day)

    batch = await seconds(max(1, posts // commands.BATCH - 1), count)
    settled = await seconds(3, settle)
    day = (await kit.sql("SELECT sum(compared) FROM worth_return WHERE community_id = $1", community))[0][0]
    await count()
    servers.postgres.psql("ANALYZE", database=kit.database.name)
    client = kit.person(organization, account)
    piece: UUID = (await kit.sql("SELECT post_id FROM worth WHERE community_id = $1 LIMIT 1", community))[0][0]

    async def get(path: str) -> None:
        answer = await client.get(f"/v1/communities/{community}/{path}")
        assert answer.status_code == 200, answer.text

    page = await seconds(TURNS, lambda: get("worth?limit=20"))
    one = await seconds(TURNS, lambda: get(f"posts/{piece}/worth"))
    say(f"{posts:>8} posts, {reads:>9} reads")
    say(f"  page of 20 {page * 1e3:8.1f} ms    one piece {one * 1e3:6.1f} ms")
    say(
        f"  a batch of {commands.BATCH} touches {batch * 1e3:8.0f} ms    comparing {day} readings of a day {settled * 1e3:8.0f} ms"
    )
    return page


async def main(quick: bool) -> int:  # noqa: FBT001  the one option
    """Measure both sizes."""
    scale = 10 if quick else 1
    with Servers() as servers:
        async with running_kit(service, servers) as kit:
            small = await measure(kit, servers, 20_000 // scale, 10)
            large = await measure(kit, servers, 200_000 // scale, 10)
    say(f"growth of a page {large / small:.2f}, at most {LIMIT}")
    return int(large / small > LIMIT)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true")
    sys.exit(asyncio.run(main(arguments.parse_args().quick)))
