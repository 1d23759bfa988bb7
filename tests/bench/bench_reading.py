"""What reading costs as a community grows: feeds, unread, one post with 50 comments, search in both languages, and reactions.

Run: python tests/bench/bench_reading.py [--quick] [--posts N]. Exits 1 when CPU per request, other than a search's, grows by more than
LIMIT from the small community to the large one (10 thousand and 1 million posts, seeded in some ten minutes and 6 GB; --quick: 2 and 20
thousand). Counted is the server process and with it PostgreSQL. Both communities are a year old (corpus.py says what is in them): the
large one is not older but busier. The readers of 100 million reads are folded counts, 100 a post; MARKING accounts, of whom the caller is
one, have their read marks too: nine posts of ten.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import corpus
import uvloop
from bench_feed import CONNECTIONS, Server, keys, load, measure, request
from corpus import HOT, PAST, RARE, SOME
from measuring import Figure, Pair, Processes, Servers, conclude, free_port, listening, percentile, say

from chassis.ids import new_id
from chassis.testing.cluster import Database
from chassis.testing.issuer import Issuer
from content.app import service

LIMIT = 1.5
ACCOUNTS = 100
MARKING = 10
REQUESTS = 160
REACTING = 16
SEARCHES = {
    **{f"{word}, in 30 % of the posts": word for word in (*HOT, HOT[0][0], HOT[1][0])},
    **{f"{word}, in 1 %": word for word in SOME},
    **{f"{word}, in 30 % of the older half": word for word in PAST},
    **{f"{word}, in 20 posts": word for word in (*RARE, RARE[0][0])},
    "one of each": f"{HOT[0]} {RARE[1]}",
    "nowhere": "nowhere 没有",
}


@dataclass(frozen=True)
class Town:
    """An organization with communities of different sizes and the same members."""

    organization: UUID
    accounts: list[UUID]
    communities: dict[int, UUID]


async def found(url: str, sizes: Sequence[int]) -> Town:
    """Fill a database with communities of these sizes."""
    town = Town(new_id(), [new_id() for _ in range(ACCOUNTS)], {})
    connection = await asyncpg.connect(url)
    async with corpus.looked_up_later(connection):
        for posts in sizes:
            say(f"{posts:,} posts:")
            town.communities[posts] = await corpus.seed(
                connection, town.organization, posts, town.accounts, marking=MARKING
            )
    await connection.close()
    return town


async def reactions(server: Server, paths: Sequence[str], tokens: list[str], seconds: float) -> float:
    """Let everybody react again and again, each on a connection of their own and in turns to all paths; return answers per second."""
    until, answered = time.perf_counter() + seconds, 0

    async def one(place: int, token: str) -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        number = 0
        while time.perf_counter() < until:
            method, path = "PUT" if number % 2 == 0 else "DELETE", paths[(place + number // 2 * REACTING) % len(paths)]
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
        for place, token in enumerate(tokens):
            group.create_task(one(place, token))
    return answered / seconds


async def reacting(server: Server, town: Town, newest: dict[int, list[UUID]], tokens: list[str]) -> Figure:
    """Compare reactions to one hot post with reactions to a thousand posts, in turns."""
    pairs = []
    for turn in range(4):
        for posts, community in town.communities.items():
            paths = [f"/v1/communities/{community}/posts/{post}" for post in newest[posts]]
            rates = {which: await reactions(server, which, tokens, 2.0) for which in (tuple(paths[:1]), tuple(paths))}
            if turn:  # what is measured is warm
                pairs.append(Pair(*rates.values()))
    return Figure("reactions to one hot post beside to a thousand posts", "/s", pairs)


async def alone(server: Server, requests: int) -> list[float]:
    """Ask so often, one after the other, while nobody else does; return the seconds that each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    took = []
    for _ in range(requests):
        begun = time.perf_counter()
        await request(reader, writer, server.message)
        took.append(time.perf_counter() - begun)
    writer.close()
    return took


def _paths(hot: UUID) -> dict[str, str]:
    """Return what is measured: the end of its path by its name."""
    return {
        "feed of 20, newest": "/feed?limit=20",
        "feed of 20, hot": "/feed?order=hot&limit=20",
        "feed of 20, unread": "/feed?unread=true&limit=20",
        "feed of 20, hot and unread": "/feed?order=hot&unread=true&limit=20",
        "unread counts": "/unread",
        "one post": f"/posts/{hot}",
        f"{corpus.COMMENTS} comments": f"/posts/{hot}/comments?limit={corpus.COMMENTS}",
        **{f"search {what}": f"/search?q={_quoted(asked)}" for what, asked in SEARCHES.items()},
    }


async def measure_all(
    servers: Servers, processes: Processes, database: Database, town: Town, turns: int
) -> list[Figure]:
    """Measure the communities in turns."""
    issuer = Issuer()
    connection = await asyncpg.connect(database.superuser)
    newest = {
        posts: [
            row["id"]
            for row in await connection.fetch(
                "SELECT id FROM post WHERE community_id = $1 ORDER BY published_at DESC LIMIT 1000", community
            )
        ]
        for posts, community in town.communities.items()
    }
    await connection.close()
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
    reader = issuer.token(town.organization, town.accounts[-1])
    small, large = (
        {
            name: Server(name, pid, ports["content"], f"/v1/communities/{community}{path}", reader)
            for name, path in _paths(newest[posts][0]).items()
        }
        for posts, community in town.communities.items()
    )
    figures = []
    for name in small:
        pairs, took = [], ([], [])
        for turn in range(turns + 1):
            costs = []
            for place, server in enumerate((small[name], large[name])):
                if turn == 0:  # what is measured is warm
                    await load(server, 64)
                    continue
                cost = await measure(servers, server, REQUESTS)
                took[place].extend(cost.took)
                costs.append(cost.process + cost.database)
            if costs:
                pairs.append(Pair(costs[1], costs[0]))
        for times, posts, server in zip(took, town.communities, (small[name], large[name]), strict=True):
            single = await alone(server, 40)
            say(
                f"{name} at {posts:,}: p50 {percentile(single, 0.5) * 1000:.1f} ms, p99 {percentile(single, 0.99) * 1000:.1f} ms; over "
                f"{CONNECTIONS} connections p50 {percentile(times, 0.5) * 1000:.1f} ms, p99 {percentile(times, 0.99) * 1000:.1f} ms"
            )
        target = None if name.startswith("search ") else LIMIT
        figures.append(Figure(f"{name}, large beside small", "µs", pairs, target, least=False))
    tokens = [issuer.token(town.organization, account) for account in town.accounts[1 : 1 + REACTING]]
    figures.append(await reacting(small["one post"], town, newest, tokens))
    serving.cancel()
    return figures


async def compare(servers: Servers, processes: Processes, sizes: tuple[int, int], turns: int) -> list[Figure]:
    """Make a town and measure it."""
    database = await servers.fresh("content", service.migrations)
    return await measure_all(servers, processes, database, await found(database.superuser, sizes), turns)


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
