"""CPU per request of content's feed of 20, signed in and under row-level security, beside the same rows from one bare query.

Run: python tests/bench/bench_feed.py [--quick]. Exits 1 when the feed costs more than LIMIT times the bare query.
Bare is a raw ASGI app with an asyncpg pool: one statement as the tables' owner, whom no policy narrows, nothing checked. It runs
in two kinds, JSON by orjson and JSON by PostgreSQL. Counted is the server process, and with it PostgreSQL; the verdict is over the
server process beside the cheaper kind. All are the same uvicorn, on 127.0.0.1, over CONNECTIONS kept connections, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
import uvloop
from measuring import (
    Budget,
    Figure,
    Pair,
    Processes,
    Servers,
    conclude,
    cpu_seconds,
    free_port,
    listening,
    percentile,
    say,
)
from measuring import uvicorn_config as config

from chassis.ids import new_id
from chassis.testing.issuer import Issuer
from content.app import service
from content.posts.schemas import PostOut

LIMIT = 2.0
CONNECTIONS = 16
POSTS = 10_000
SECONDS = 40.0
LONGEST_SECONDS = 180
ME = str(Path(__file__).resolve())

# What content answers, as plainly as SQL says it.
_ROWS = """
SELECT post.id, post.community_id, post.author_id, NULL AS persona, post.kind, post.state, post.group_id, post.title, post.body, post.html,
    NULL AS tree, post.section, post.published_at, post.edited_at, post.revision, post.expires_at, post.review_at, post.evergreen,
    post.promotion, post.pinned_at, post.pinned_until, post.acknowledge, post.acknowledge_by, NULL AS acknowledged_at, post.benefit{cast},
    post.origin, post.external_id, post.attachments{cast},
    (SELECT count(*) FROM comment WHERE comment.post_id = post.id AND comment.state = 'published') AS comment_count,
    (SELECT coalesce(json_object_agg(emoji, people), '{{}}') FROM (
        SELECT emoji, count(*) AS people FROM reaction, unnest(emojis) AS emoji
        WHERE reaction.subject_id = post.id AND reaction.subject_kind = 'post' AND cardinality(emojis) > 0
        GROUP BY emoji ORDER BY people DESC, emoji) AS counted){cast} AS reaction_counts,
    post.version, {can} AS can
FROM post WHERE community_id = $1 AND state = 'published' ORDER BY published_at DESC, id DESC LIMIT 20
"""
_CAN = ["comment", "react"]
BY_ORJSON = _ROWS.format(cast="::text", can="NULL")
BY_POSTGRES = f"""SELECT '{{"data":' || json_agg(page)::text || ',"next_cursor":null}}' FROM ({
    _ROWS.format(cast="", can="json_build_array('comment', 'react')")
}) AS page"""

Answer = Callable[[asyncpg.Pool], Awaitable[bytes]]


def by_orjson(community: UUID) -> Answer:
    """Return what answers rows made into JSON here."""

    async def answer(pool: asyncpg.Pool) -> bytes:
        rows = [dict(row) for row in await pool.fetch(BY_ORJSON, community)]
        for row in rows:
            row["can"] = _CAN
            for name in ("attachments", "reaction_counts", "benefit"):
                row[name] = orjson.Fragment(row[name] or "null")
        # asyncpg's UUID is a subclass, which orjson leaves to us.
        return orjson.dumps({"data": rows, "next_cursor": None}, default=str)

    return answer


def by_postgres(community: UUID) -> Answer:
    """Return what answers JSON that PostgreSQL made."""

    async def answer(pool: asyncpg.Pool) -> bytes:
        text: str = await pool.fetchval(BY_POSTGRES, community)
        return text.encode()

    return answer


async def bare(kind: str, port: int, url: str, community: UUID) -> None:
    """Serve the same rows with nothing around them."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=10, server_settings={"timezone": "UTC", "jit": "off"})
    answer = (by_orjson if kind == "orjson" else by_postgres)(community)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        body = await answer(pool)
        fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    await uvicorn.Server(config(app, port)).serve()


async def keys(issuer: Issuer, port: int) -> None:
    """Serve the key set, as the gateway does."""
    body = orjson.dumps(await issuer.jwks())

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    server = uvicorn.Server(config(app, port))
    await server.serve()


_SEED = """
INSERT INTO standing_community VALUES ('{community}', '{organization}', 'bench', 'Asia/Shanghai', 'open');
INSERT INTO standing_member SELECT '{community}', account, '{organization}', gen_random_uuid(), 'approved', '{{}}', false, false, now()
    FROM unnest(ARRAY[{accounts}]::uuid[]) AS account;
INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
    SELECT uuidv7(), '{organization}', '{community}', (ARRAY[{accounts}]::uuid[])[1 + number % 100],
        'Day ' || number || ': ' || repeat('每天一起学一点英语。Say it aloud. ', 1 + number % 8), 'daily-topic',
        timestamptz '2025-01-01' + number * interval '1 hour', 'live', 1
    FROM generate_series(1, {posts}) AS number;
UPDATE post SET html = '<p dir="auto">' || body || '</p>', renderer = 1;
INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version)
    SELECT uuidv7(), organization_id, community_id, id, (ARRAY[{accounts}]::uuid[])[1 + number], '说得好', published_at, 'live', 1
    FROM post, generate_series(1, 3) AS number;
INSERT INTO reaction (id, organization_id, community_id, subject_kind, subject_id, account_id, emojis, reacted_at, version)
    SELECT uuidv7(), organization_id, community_id, 'post', id, (ARRAY[{accounts}]::uuid[])[number],
        CASE WHEN number % 2 = 0 THEN '{{👍}}' ELSE '{{👍,:tada:}}' END::text[], published_at, 1
    FROM post, generate_series(1, 4) AS number;
"""


async def seed(url: str, organization: UUID, community: UUID, accounts: list[UUID]) -> None:
    """Fill the database past its policies: posts with three comments and four people's reactions each."""
    connection = await asyncpg.connect(url)
    quoted = ", ".join(f"'{account}'" for account in accounts)
    await connection.execute(_SEED.format(organization=organization, community=community, accounts=quoted, posts=POSTS))
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


@dataclass(frozen=True)
class Server:
    """One of the servers that are compared."""

    name: str
    pid: int
    port: int
    path: str
    token: str

    @property
    def message(self) -> bytes:
        """The request that is sent again and again."""
        return (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.token}\r\n"
            "Accept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\nUser-Agent: bench/1\r\n\r\n"
        ).encode()


async def request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> bytes:
    """Send one request on a kept connection; return the body. Raises RuntimeError unless the answer is 200."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    return await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def load(server: Server, requests: int) -> list[float]:
    """Send so many requests over CONNECTIONS connections; return the seconds that each took."""
    took: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in range(requests // CONNECTIONS):
            begun = time.perf_counter()
            await request(reader, writer, server.message)
            took.append(time.perf_counter() - begun)
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(one())
    return took


@dataclass(frozen=True)
class Cost:
    """What requests cost: CPU microseconds each, of the server process and of PostgreSQL, and their seconds by the clock."""

    process: float
    database: float
    took: list[float]


async def measure(servers: Servers, server: Server, requests: int) -> Cost:
    """Send requests and see what they cost."""
    process, database = cpu_seconds(server.pid), servers.database_cpu()
    took = await load(server, requests)
    process, database = cpu_seconds(server.pid) - process, servers.database_cpu() - database
    return Cost(process / requests * 1e6, database / requests * 1e6, took)


async def the_same(servers: list[Server]) -> None:
    """Raise RuntimeError unless all answer the same posts."""
    answers = []
    for server in servers:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        page = orjson.loads(await request(reader, writer, server.message))["data"]
        answers.append([(post["id"], post["body"], post["comment_count"], post["reaction_counts"]) for post in page])
        writer.close()
        if len(page) != 20 or set(page[0]) != set(PostOut.model_fields):
            raise RuntimeError(f"{server.name} answers something else")
    if any(answer != answers[0] for answer in answers):
        raise RuntimeError("the servers do not answer the same posts")


async def compare(servers: Servers, processes: Processes, turns: int, requests: int) -> list[Figure]:
    """Run all in turns."""
    database = await servers.fresh("content", service.migrations)
    organization, community, issuer = new_id(), new_id(), Issuer()
    accounts = [new_id() for _ in range(100)]
    await seed(database.superuser, organization, community, accounts)
    ports = {name: free_port() for name in ("keys", "content", "internal", "orjson", "postgres")}
    serving_keys = asyncio.create_task(keys(issuer, ports["keys"]))
    environment = servers.environment(
        "content",
        database,
        port=str(ports["content"]),
        internal_port=str(ports["internal"]),
        jwks_url=f"http://127.0.0.1:{ports['keys']}/",
    )
    pids = {"content": processes.start(["-m", "content", "api"], environment)}
    for kind in ("orjson", "postgres"):
        pids[kind] = processes.start([ME, "bare", kind, str(ports[kind]), database.superuser, str(community)])
    path = f"/v1/communities/{community}/posts?limit=20"
    token = issuer.token(organization, accounts[0])
    compared = {name: Server(name, pid, ports[name], path, token) for name, pid in pids.items()}
    for server in compared.values():
        await listening(server.port)
    await the_same(list(compared.values()))
    for server in compared.values():
        await load(server, 800)
    costs: dict[str, list[Cost]] = {name: [] for name in compared}
    for turn in Budget(turns, SECONDS):
        for name in sorted(compared, reverse=bool(turn % 2)):
            costs[name].append(await measure(servers, compared[name], requests))
        line = ", ".join(f"{name} {cost[-1].process:.0f}+{cost[-1].database:.0f}" for name, cost in costs.items())
        say(f"turn {turn}: CPU µs of server+PostgreSQL: {line}")
    serving_keys.cancel()
    for name, taken in costs.items():
        took = [seconds for cost in taken for seconds in cost.took]
        say(
            f"{name}: by the clock over {CONNECTIONS} connections p50 {percentile(took, 0.5) * 1000:.1f} ms, "
            f"p99 {percentile(took, 0.99) * 1000:.1f} ms"
        )
    cheaper = min(("orjson", "postgres"), key=lambda kind: statistics.median(cost.process for cost in costs[kind]))
    figures = []
    for kind in ("orjson", "postgres"):
        both = list(zip(costs["content"], costs[kind], strict=True))
        figures += [
            Figure(
                f"feed: CPU of the server, bare JSON by {kind}",
                "µs",
                [Pair(ours.process, plain.process) for ours, plain in both],
                LIMIT if kind == cheaper else None,
                least=False,
            ),
            Figure(
                f"feed: and of PostgreSQL, bare JSON by {kind}",
                "µs",
                [Pair(ours.process + ours.database, plain.process + plain.database) for ours, plain in both],
            ),
        ]
    return figures


async def bounded(servers: Servers, processes: Processes, turns: int, requests: int) -> list[Figure]:
    """Compare. Raises TimeoutError when something hangs."""
    async with asyncio.timeout(LONGEST_SECONDS):
        return await compare(servers, processes, turns, requests)


def main() -> int:
    """Run the comparison, or one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bare", nargs="*")
    parser.add_argument("--quick", action="store_true", help="fewer requests")
    arguments = parser.parse_args()
    if arguments.bare:
        _, kind, port, url, community = arguments.bare
        uvloop.run(bare(kind, int(port), url, UUID(community)))
        return 0
    turns, requests = (4, 1600) if arguments.quick else (16, 1600)
    with tempfile.TemporaryFile() as log, Servers() as servers, Processes(log) as processes:
        return conclude(uvloop.run(bounded(servers, processes, turns, requests)))


if __name__ == "__main__":
    sys.exit(main())
