"""A community of many posts for the benches, made by set: texts of Chinese and English whose words are as unevenly common as words are.

Words are drawn from 6,000, the commonest far more often than the rest. Beside them stand words of known frequency, one in each language:
`HOT` in 30 % of all posts, `SOME` in 1 %, `PAST` in 30 % of the older half only, `RARE` in 20 posts of the community whatever its size.
Every fifth post has a title. Readers come as folded counts, 100 a post; MARKS of them, the last accounts, have read marks too.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from measuring import say

from chassis.ids import new_id

HOT, SOME, PAST, RARE = ("英语", "aloud"), ("复习", "revision"), ("春节", "festival"), ("罕见", "serendipity")
COMMENTS = 50
COMMENTED = 40
"""So many comments have each of the newest posts, so many of them."""

_POSTS = """
INSERT INTO post (id, organization_id, community_id, author_id, title, body, section, published_at, origin, version)
SELECT uuidv7(), $1, $2, ($3::uuid[])[1 + number % cardinality($3::uuid[])], title, body, 'daily-topic',
    now() - interval '1 hour' - number * interval '360 days' / $4::int, 'live', 1
FROM said
"""
_COMMENTS = """
INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, version)
SELECT uuidv7(), organization_id, community_id, id, ($2::uuid[])[1 + number % cardinality($2::uuid[])], '说得好', published_at, 'live', 1
FROM (SELECT * FROM post WHERE community_id = $1 ORDER BY published_at DESC LIMIT $3) AS post, generate_series(1, $4) AS number
"""
_STEP = 50_000


def _word(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return chr(0x4E00 + chance.randrange(3000)) + chr(0x4E00 + chance.randrange(3000))
    return "".join(chance.choices("etaoinshrdlucm", k=chance.randint(2, 9)))


_WORDS = [_word(random.Random(number)) for number in range(6000)]
_WEIGHTS = list(itertools.accumulate(1 / (10 + number) for number in range(len(_WORDS))))


def _text(chance: random.Random, number: int, posts: int) -> tuple[int, str | None, str]:
    """Return the number, title and body of a post, the higher the older."""
    words = chance.choices(_WORDS, cum_weights=_WEIGHTS, k=chance.randint(8, 28))
    if number * 7 % 10 < 3:
        words.insert(3, "每天英语 say it aloud")
    if number % 100 == 1:
        words.append("复习 revision")
    if number > posts / 2 and number * 3 % 10 < 3:
        words.append("春节 festival")
    if number % (posts // 20) == posts // 40:
        words.insert(1, "罕见的 serendipity")
    return (
        number,
        " ".join(chance.choices(_WORDS, cum_weights=_WEIGHTS, k=4)) if number % 5 == 0 else None,
        " ".join(words),
    )


@asynccontextmanager
async def looked_up_later(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Build what search looks up at once at the end, as after an import, instead of post by post."""
    definitions = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'search_document' AND indexdef LIKE '% gin %'"
    )
    for index in definitions:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    yield
    begun = time.perf_counter()
    await connection.execute("SET maintenance_work_mem = '1GB'")
    for index in definitions:
        await connection.execute(index["indexdef"])
    await connection.execute("VACUUM ANALYZE")
    say(f"  and what search looks up in {time.perf_counter() - begun:.0f} s")


async def seed(
    connection: asyncpg.Connection, organization: UUID, posts: int, accounts: Sequence[UUID], *, marking: int = 0
) -> UUID:
    """Make a community of so many posts, a year's; `marking` accounts, the last ones, have read nine posts of ten. Return its id."""
    community, begun = new_id(), time.perf_counter()
    await connection.execute(
        "INSERT INTO standing_community VALUES ($1, $2, 'c' || right($1::uuid::text, 12), 'Asia/Shanghai', 'open')",
        community,
        organization,
    )
    await connection.execute(
        "INSERT INTO standing_member SELECT $1, account, $2, gen_random_uuid(), 'approved', '{}', false, false, '2020-01-01' "
        "FROM unnest($3::uuid[]) AS account",
        community,
        organization,
        accounts,
    )
    await connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS said (number int, title text, body text)")
    chance = random.Random(posts)
    for first in range(1, posts + 1, _STEP):
        await connection.execute("TRUNCATE said")
        texts = [_text(chance, number, posts) for number in range(first, min(first + _STEP, posts + 1))]
        await connection.copy_records_to_table("said", records=texts)
        await connection.execute(_POSTS, organization, community, accounts, posts)
    say(f"  {posts:,} posts in {time.perf_counter() - begun:.0f} s")
    await connection.execute(
        "UPDATE post SET html = '<p dir=\"auto\">' || body || '</p>', renderer = 1 WHERE community_id = $1", community
    )
    await connection.execute(
        "INSERT INTO tally SELECT id, organization_id, 0, 100, 0, 0, '{}' FROM post WHERE community_id = $1", community
    )
    await connection.execute(_COMMENTS, community, accounts, COMMENTED, COMMENTS)
    if marking:
        await connection.execute("ALTER TABLE read_mark DISABLE TRIGGER USER")
        await connection.execute(
            "INSERT INTO read_mark SELECT account, post.id, organization_id, community_id, published_at "
            "FROM unnest($2::uuid[]) AS account, post WHERE community_id = $1 AND hashtext(post.id::text) % 10 <> 0",
            community,
            accounts[-marking:],
        )
        await connection.execute("ALTER TABLE read_mark ENABLE TRIGGER USER")
    say(f"  and their readers in {time.perf_counter() - begun:.0f} s")
    return community
