"""Counts equal the rows whatever happens between whom, and nobody waits for anybody on a hot post."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.content.conftest import Place, make_place

from chassis.testing.kit import Kit

EMOJIS = ("👍", "🎉")
COUNTED = """
SELECT
    coalesce((SELECT comments FROM tally WHERE subject_id = $1), 0)
        + coalesce((SELECT sum(delta) FROM tally_delta WHERE subject_id = $1 AND what = 'comments'), 0) AS comments,
    (SELECT count(*) FROM comment WHERE post_id = $1 AND state = 'published') AS comment_rows,
    coalesce((SELECT reactors FROM tally WHERE subject_id = $1), 0)
        + coalesce((SELECT sum(delta) FROM tally_delta WHERE subject_id = $1 AND what = 'reactors'), 0) AS reactors,
    (SELECT count(*) FROM reaction WHERE subject_id = $1 AND cardinality(emojis) > 0) AS reactor_rows,
    coalesce((SELECT readers FROM tally WHERE subject_id = $1), 0)
        + coalesce((SELECT sum(delta) FROM tally_delta WHERE subject_id = $1 AND what = 'readers'), 0) AS readers,
    (SELECT count(*) FROM read_mark WHERE post_id = $1) AS reader_rows,
    coalesce((SELECT saves FROM tally WHERE subject_id = $1), 0)
        + coalesce((SELECT sum(delta) FROM tally_delta WHERE subject_id = $1 AND what = 'saves'), 0) AS saves,
    (SELECT count(*) FROM bookmark WHERE post_id = $1) AS save_rows,
    tally_reactions(coalesce((SELECT reactions FROM tally WHERE subject_id = $1), '{}'), coalesce(
        (SELECT json_object_agg(emoji, delta) FROM tally_delta WHERE subject_id = $1 AND what = 'emoji'), '{}'))::text AS emojis,
    coalesce((SELECT json_object_agg(emoji, people ORDER BY people DESC, emoji) FROM (SELECT emoji, count(*) AS people
        FROM reaction, unnest(emojis) AS emoji WHERE subject_id = $1 GROUP BY emoji) AS counted), '{}')::text AS emoji_rows
"""


async def check(connection: asyncpg.Connection, post: UUID) -> None:
    row = await connection.fetchrow(COUNTED, post)
    for counted, rows in (("comments", "comment_rows"), ("reactors", "reactor_rows"), ("readers", "reader_rows")):
        assert row[counted] == row[rows], dict(row)
    assert (row["saves"], row["emojis"]) == (row["save_rows"], row["emoji_rows"]), dict(row)


class Writer:
    """A session of the application that keeps transactions open; it is never made to wait."""

    def __init__(self, connection: asyncpg.Connection, place: Place, post: UUID) -> None:
        self.connection, self.place, self.post = connection, place, post
        self.account = uuid4()
        self.comments: list[UUID] = []
        self.open = False

    async def begin(self) -> None:
        if not self.open:
            await self.connection.execute("BEGIN")
            # Whoever waits for a lock fails at once.
            await self.connection.execute("SET LOCAL lock_timeout = '5s'")
            await self.connection.execute(f"SET LOCAL hearth.organization_id = '{self.place.organization}'")
            self.open = True

    async def end(self, *, commit: bool) -> None:
        if self.open:
            await self.connection.execute("COMMIT" if commit else "ROLLBACK")
            self.open = False

    async def act(self, act: str) -> None:
        await self.begin()
        rows: tuple[Any, ...] = (self.account, self.post, self.place.organization, self.place.community)
        match act:
            case "react" | "react more" | "take back":
                emojis = {"react": ["👍"], "react more": list(EMOJIS), "take back": []}[act]
                await self.connection.execute(
                    "INSERT INTO reaction (id, organization_id, community_id, subject_kind, subject_id, account_id, emojis, reacted_at, version) "
                    "VALUES (gen_random_uuid(), $3, $4, 'post', $2, $1, $5, now(), 1) "
                    "ON CONFLICT (subject_id, account_id, subject_kind) DO UPDATE SET emojis = EXCLUDED.emojis",
                    *rows,
                    emojis,
                )
            case "comment":
                await self.connection.execute(
                    "INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version) "
                    "VALUES (gen_random_uuid(), $3, $4, $2, $1, '同意', now(), 'live', 1)",
                    *rows,
                )
            case "hide" | "show":
                await self.connection.execute(
                    "UPDATE comment SET state = $3 WHERE post_id = $2 AND author_id = $1",
                    self.account,
                    self.post,
                    "held" if act == "hide" else "published",
                )
            case "read":
                await self.connection.execute(
                    "INSERT INTO read_mark VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING", *rows
                )
            case "save":
                await self.connection.execute(
                    "INSERT INTO bookmark VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING", *rows
                )
            case "forget":
                await self.connection.execute("DELETE FROM bookmark WHERE account_id = $1", self.account)
                await self.connection.execute("DELETE FROM read_mark WHERE account_id = $1", self.account)
            case "fold":
                await self.connection.execute("SELECT tally_fold($1)", self.post)


ACTS = ("react", "react more", "take back", "comment", "hide", "show", "read", "save", "forget", "fold")
STEP = st.tuples(st.integers(0, 3), st.sampled_from((*ACTS, "commit", "commit", "roll back")))


async def test_counts_equal_the_rows_after_any_interleaving_and_nobody_waits(kit: Kit) -> None:
    place = await make_place(kit)
    _, client = await place.member()
    loop = asyncio.get_running_loop()
    watcher = await asyncpg.connect(kit.database.superuser)
    connections = [await asyncpg.connect(kit.database.application) for _ in range(4)]

    async def play(steps: list[tuple[int, str]]) -> None:
        post = UUID((await place.post(client))["id"])
        writers = [Writer(connection, place, post) for connection in connections]
        try:
            async with asyncio.timeout(4):  # a lock that is waited for would be waited for longer
                for who, act in steps:
                    if act in {"commit", "roll back"}:
                        await writers[who].end(commit=act == "commit")
                    else:
                        await writers[who].act(act)
                    await check(watcher, post)
        finally:
            for writer in writers:
                await writer.end(commit=True)
        await check(watcher, post)
        await watcher.execute("SELECT tally_fold($1)", post)
        await check(watcher, post)
        assert await watcher.fetchval("SELECT count(*) FROM tally_delta WHERE subject_id = $1", post) == 0

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, min_size=5, max_size=40))
    def interleave(steps: list[tuple[int, str]]) -> None:
        asyncio.run_coroutine_threadsafe(play(steps), loop).result()

    try:
        await asyncio.to_thread(interleave)
    finally:
        for connection in (*connections, watcher):
            await connection.close()


async def test_many_at_once(kit: Kit) -> None:
    place = await make_place(kit)
    _, author = await place.member()
    post = UUID((await place.post(author))["id"])
    clients = [(await place.member())[1] for _ in range(20)]

    async def one(number: int) -> None:
        client, path = clients[number], f"{place.path}/posts/{post}"
        for emoji in EMOJIS:
            assert (await client.put(f"{path}/reactions/{emoji}")).status_code == 200
        if number % 2:
            assert (await client.delete(f"{path}/reactions/👍")).status_code == 204
        assert (await client.post(f"{path}/comments", json={"body": str(number)})).status_code == 201
        assert (await client.post(f"{place.path}/reads", json={"post_ids": [str(post)]})).json() == {"marked": 1}

    await asyncio.gather(*(one(number) for number in range(20)))
    answer = (await author.get(f"{place.path}/posts/{post}")).json()
    assert answer["comment_count"] == 20
    assert list(answer["reaction_counts"].items()) == [("🎉", 20), ("👍", 10)]
    watcher = await asyncpg.connect(kit.database.superuser)
    try:
        await check(watcher, post)
    finally:
        await watcher.close()
