"""What reading costs as a community grows: the feed in both orders, one post with 50 comments, search in both languages, and reactions.

Run: python tests/bench/bench_reading.py [--quick]. Exits 1 when CPU per request grows by more than LIMIT from the small community to the
large one (10 thousand and 1 million posts; --quick: 2 and 20 thousand). Counted is the server process and with it PostgreSQL. Posts and
comments are seeded by set, their readers (100 a post: 100 million) as folded counts.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from uuid import UUID

import asyncpg
import orjson
import uvloop
from bench_feed import Server, keys, load, measure, request
from measuring import Figure, Pair, Processes, Servers, conclude, free_port, listening, percentile, say

from chassis.ids import new_id
from chassis.testing.issuer import Issuer
from content.app import service

LIMIT = 1.5
ACCOUNTS = 100
COMMENTS = 50
SEARCHES = {"two Chinese characters, common": "英语", "one Chinese character, rare": "罕", "an English word, common": "aloud",
            "an English word, rare": "serendipity"}  # fmt: skip

_SEED = """
INSERT INTO standing_community VALUES ('{community}', '{organization}', 'c{posts}', 'Asia/Shanghai', 'open');
INSERT INTO standing_member SELECT '{community}', account, '{organization}', gen_random_uuid(), 'approved', '{{}}', false, false, '2020-01-01'
    FROM unnest(ARRAY[{accounts}]::uuid[]) AS account;
INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
    SELECT uuidv7(), '{organization}', '{community}', (ARRAY[{accounts}]::uuid[])[1 + number % {people}],
        'Day ' || number || ': ' || repeat('每天一起学一点英语。Say it aloud. ', 1 + number % 4)
            || CASE WHEN number % 2000 = 0 THEN '罕见的 serendipity' ELSE '' END, 'daily-topic',
        now() - interval '1 hour' - number * interval '20 seconds', 'live', 1
    FROM generate_series(1, {posts}) AS number;
INSERT INTO tally SELECT id, organization_id, 0, 100, 0, 0, '{{}}' FROM post WHERE community_id = '{community}' ON CONFLICT DO NOTHING;
INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version)
    SELECT uuidv7(), organization_id, community_id, id, (ARRAY[{accounts}]::uuid[])[1 + number], '说得好', published_at, 'live', 1
    FROM (SELECT * FROM post WHERE community_id = '{community}' ORDER BY published_at DESC LIMIT 40) AS post,
        generate_series(1, {comments}) AS number;
"""


async def seed(connection: asyncpg.Connection, organization: UUID, posts: int, accounts: list[UUID]) -> UUID:
    """Make a community of so many posts; return its id."""
    community, begun = new_id(), time.perf_counter()
    await connection.execute(
        _SEED.format(
            organization=organization,
            community=community,
            accounts=", ".join(f"'{account}'" for account in accounts),
            posts=posts,
            people=ACCOUNTS,
            comments=COMMENTS,
        )
    )
    say(f"seeded {posts:,} posts in {time.perf_counter() - begun:.0f} s")
    return community


async def reactions(server: Server, path: str, tokens: list[str], seconds: float) -> int:
    """Let everybody react to one post again and again, each on a connection of their own; return how many reactions were answered."""
    until, answered = time.perf_counter() + seconds, 0

    async def one(token: str) -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        number = 0
        while time.perf_counter() < until:
            method = "PUT" if number % 2 == 0 else "DELETE"
            head = (
                f"{method} {path}/reactions/%F0%9F%91%8D HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
            )
            writer.write(head.encode())
            status = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " in status[:15]:
                await reader.readexactly(int(status.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            elif b" 204 " not in status[:15]:
                raise RuntimeError(status.decode())
            answered, number = answered + 1, number + 1
        writer.close()

    async with asyncio.TaskGroup() as group:
        for token in tokens:
            group.create_task(one(token))
    return answered


async def compare(servers: Servers, processes: Processes, sizes: tuple[int, int], turns: int) -> list[Figure]:
    """Measure the small community and the large one in turns."""
    database = await servers.fresh("content", service.migrations)
    organization, issuer = new_id(), Issuer()
    accounts = [new_id() for _ in range(ACCOUNTS)]
    connection = await asyncpg.connect(database.superuser)
    communities = [await seed(connection, organization, posts, accounts) for posts in sizes]
    await connection.execute("VACUUM ANALYZE")
    hot = [
        await connection.fetchval("SELECT id FROM post WHERE community_id = $1 ORDER BY published_at DESC LIMIT 1", one)
        for one in communities
    ]
    ports = {name: free_port() for name in ("keys", "content", "internal")}
    serving = asyncio.create_task(keys(issuer, ports["keys"]))
    environment = servers.environment(
        "content",
        database,
        port=str(ports["content"]),
        internal_port=str(ports["internal"]),
        jwks_url=f"http://127.0.0.1:{ports['keys']}/",
    )
    pid = processes.start(["-m", "content", "api"], environment)
    await listening(ports["content"])
    token = issuer.token(organization, accounts[0])
    paths = {
        "feed of 20, newest": "/feed?limit=20",
        "feed of 20, hot": "/feed?order=hot&limit=20",
        "unread counts": "/unread",
        f"{COMMENTS} comments": f"/posts/{{hot}}/comments?limit={COMMENTS}",
        **{f"search, {what}": f"/search?q={_quoted(asked)}" for what, asked in SEARCHES.items()},
    }
    figures = []
    for name, path in paths.items():
        pairs, took = [], ([], [])
        for turn in range(turns + 1):
            costs = []
            for place, community in enumerate(communities):
                full = f"/v1/communities/{community}" + path.format(hot=hot[place])
                server = Server(name, pid, ports["content"], full, token)
                if turn == 0:  # what is measured answers, and is warm
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    orjson.loads(await request(reader, writer, server.message))
                    writer.close()
                    await load(server, 32)
                    continue
                cost = await measure(servers, server, 160)
                took[place].extend(cost.took)
                costs.append(cost.process + cost.database)
            if costs:
                pairs.append(Pair(costs[1], costs[0]))
        for place, times in enumerate(took):
            say(
                f"{name} at {sizes[place]:,}: p50 {percentile(times, 0.5) * 1000:.1f} ms, p99 {percentile(times, 0.99) * 1000:.1f} ms"
            )
        figures.append(
            Figure(f"{name}, large beside small", "µs", pairs, None if "search" in name else LIMIT, least=False)
        )
    rates = []
    server = Server("reactions", pid, ports["content"], "", token)
    tokens = [issuer.token(organization, account) for account in accounts[1:17]]
    for place in (0, 1, 0, 1, 0, 1):
        path = f"/v1/communities/{communities[place]}/posts/{hot[place]}"
        rates.append(await reactions(server, path, tokens, 2.0) / 2.0)
    say(
        f"reactions to one hot post: {statistics.median(rates):.0f}/s, from {min(rates):.0f} to {max(rates):.0f} over {len(rates)} turns"
    )
    serving.cancel()
    await connection.close()
    return figures


def _quoted(words: str) -> str:
    return "".join(f"%{byte:02X}" for byte in words.encode())


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 and 20 thousand posts")
    parser.add_argument("--posts", type=int, default=1_000_000, help="posts of the large community")
    arguments = parser.parse_args()
    sizes, turns = ((2_000, 20_000), 3) if arguments.quick else ((10_000, arguments.posts), 5)
    with tempfile.TemporaryFile() as log, Servers() as servers, Processes(log) as processes:
        return conclude(uvloop.run(compare(servers, processes, sizes, turns)))


if __name__ == "__main__":
    sys.exit(main())
