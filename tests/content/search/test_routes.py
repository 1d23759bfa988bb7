"""Search over HTTP and in PostgreSQL."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.content.conftest import Place, if_match, make_place

from chassis.testing.kit import Kit
from content.search.policy import fold
from contracts.members import CommunityRole


async def search(client: httpx.AsyncClient, place: Place, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{place.path}/search", params={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def found(client: httpx.AsyncClient, place: Place, query: str, **more: Any) -> list[str]:
    return [hit["subject_id"] for hit in await search(client, place, query, **more)]


@pytest.mark.parametrize(
    ("said", "queries", "not_found"),
    [
        (
            "今天的单词是 *serendipity*。",
            ["单词", "词", "今天的单词", "serendipity", "SEREN", "s", "se", "单词 ser"],
            ["单字", "rend", "天今"],
        ),
        ("ＡＢＣ 课程 ＶＩＰ", ["abc", "vip", "ＡＢＣ", "课程 vip"], ["bc", "ip"]),
        (r"满100减50,100%_\ 真的", ["100", "50", "%_\\", "%", "_", "\\", "减50", "100减"], ["00", "%%", "0"]),
        ("好👍👍🏽 Ünïcode Привет שלום", ["👍", "好👍", "ünï", "ПРИВ", "שלום"], ["ривет"]),
        ("daily word\nof the day", ["daily word", "word day", "of"], ["aily", "dayx"]),
        ("a", ["a", "A", "ａ"], ["b"]),
    ],
)
async def test_what_is_found(place: Place, said: str, queries: list[str], not_found: list[str]) -> None:
    _, client = await place.member()
    post = await place.post(client, said)
    for query in queries:
        hits = await search(client, place, query)
        assert [hit["subject_id"] for hit in hits] == [post["id"]], query
        assert hits[0]["snippet"]["ranges"], query
    for query in not_found:
        assert await found(client, place, query) == [], query


@pytest.mark.parametrize("fillers", [0, 400])
async def test_titles_first_then_the_newest(place: Place, fillers: int) -> None:
    _, client = await place.member()
    crowd = [(await place.post(client, f"单词 {number}"))["id"] for number in range(5)]
    titled = await place.post(client, "别的", title="一个单词")
    both = await place.post(client, "单词", title="单词")
    said = await place.post(client, "说单词")
    comment = await place.comment(client, said["id"], "这个单词好")
    await place.kit.sql(
        """INSERT INTO post (id, organization_id, community_id, author_id, title, body, section, published_at, origin, version)
        SELECT uuidv7(), $1, $2, uuidv7(), '无关', '无关', 'general', now(), 'live', 1 FROM generate_series(1, $3) AS number""",
        place.organization,
        place.community,
        fillers,
    )
    expected = [both["id"], titled["id"], comment["id"], said["id"], *reversed(crowd)]
    assert await found(client, place, "单词", limit=50) == expected
    assert await found(client, place, "单词", kind="comment") == [comment["id"]]
    pages, cursor = [], None
    while True:
        answer = (
            await client.get(
                f"{place.path}/search", params={"q": "单词", "limit": 1} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        pages += [hit["subject_id"] for hit in answer["data"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert pages == expected
    hit = (await search(client, place, "单词"))[0]
    assert (hit["title"], hit["snippet"]) == (
        {"text": "单词", "ranges": [{"start": 0, "end": 2}]},
        {"text": "单词", "ranges": [{"start": 0, "end": 2}]},
    )


async def test_what_changes_is_found_as_it_is_now(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client, "苹果")
    comment = await place.comment(client, post["id"], "香蕉")
    await client.patch(f"{place.path}/posts/{post['id']}", json={"body": "葡萄"}, headers=if_match(1))
    assert await found(client, place, "苹果") == []
    assert await found(client, place, "葡萄") == [post["id"]]
    await client.patch(f"{place.path}/comments/{comment['id']}", json={"body": "西瓜"}, headers=if_match(1))
    assert (await found(client, place, "香蕉"), await found(client, place, "西瓜")) == ([], [comment["id"]])
    await place.kit.sql("UPDATE post SET state = 'held' WHERE id = $1", UUID(post["id"]))
    assert (await found(client, place, "葡萄"), await found(client, place, "西瓜")) == ([], []), "with its discussion"
    await place.kit.sql("UPDATE post SET state = 'published' WHERE id = $1", UUID(post["id"]))
    assert await found(client, place, "西瓜") == [comment["id"]]
    version = (await client.get(f"{place.path}/comments/{comment['id']}")).json()["version"]
    await client.delete(f"{place.path}/comments/{comment['id']}", headers=if_match(version))
    assert await found(client, place, "西瓜") == []
    rows = await place.kit.sql("SELECT words FROM search_document WHERE subject_id = $1", UUID(comment["id"]))
    assert rows == [], "no words of a tombstone stay"


async def test_groups_and_tenants_stay_apart(kit: Kit, place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    account, member = await place.member()
    post, group = await place.post(editor, "秘密"), uuid4()
    await place.comment(editor, post["id"], "秘密")
    await kit.sql("UPDATE post SET group_id = $1 WHERE id = $2", group, UUID(post["id"]))
    assert len(await found(editor, place, "秘密")) == 2
    assert await found(member, place, "秘密") == []
    await kit.sql(
        "INSERT INTO standing_group_member VALUES ($1, $2, $3, $4)",
        place.community,
        account,
        place.organization,
        [group],
    )
    assert len(await found(member, place, "秘密")) == 2
    other = await make_place(kit)
    _, stranger = await other.member()
    assert await found(stranger, other, "秘密") == []
    # Nor past the routes: the function itself sees its tenant only, and nobody else may call it.
    call = "SELECT count(*) FROM search_hits($1, ARRAY['秘密'], ARRAY['post', 'comment'], NULL, NULL, NULL, NULL)"
    connection = await asyncpg.connect(kit.database.application)
    try:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetchval(call, place.community)
        for organization, count in ((place.organization, 2), (other.organization, 0)):
            async with connection.transaction():
                await connection.execute(f"SET LOCAL hearth.organization_id = '{organization}'")
                assert await connection.fetchval(call, place.community) == count
    finally:
        await connection.close()
    connection = await asyncpg.connect(kit.database.worker)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval(call, place.community)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422), ("   ", 422), ("\u3000", 422), ("词" * 201, 422), ("x" * 10_000, 422), (" ".join("abcdefghijk"), 422),
        ("a\x00b", 422), ("a\x01b", 422), ("%", 200), ("_", 200), ("%_\\", 200), ("'", 200), ("\\u0001", 200), ("😀", 200),
        ("(((", 200), ("[a-", 200), ("词" * 200, 200),
    ],
)  # fmt: skip
async def test_bad_queries(place: Place, query: str, status: int) -> None:
    _, client = await place.member()
    await place.post(client, "早上好")
    answer = await client.get(f"{place.path}/search", params={"q": query})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["errors"][0]["pointer"] == "/query/q"
    else:
        assert answer.json()["data"] == []


async def test_folding_is_the_same_here_and_there(kit: Kit) -> None:
    """For every character of the first plane that both know."""
    letters = [chr(code) for code in range(2, 0x10000) if not 0xD800 <= code < 0xE000]
    rows = await kit.sql(
        "SELECT letter, replace(search_words(letter), chr(1), '') AS folded FROM unnest($1::text[]) AS letter", letters
    )
    differing = [hex(ord(row["letter"])) for row in rows if row["folded"] != fold(row["letter"])]
    # Letters of a Unicode that is newer than one of the two.
    assert len(differing) < 30, differing


async def test_a_rare_word_is_found_by_the_index(kit: Kit, place: Place) -> None:
    _, client = await place.member()
    await kit.sql(
        """INSERT INTO post (id, organization_id, community_id, author_id, body, section, published_at, origin, version)
        SELECT uuidv7(), $1, $2, uuidv7(), '每天一起学一点英语 Say it aloud ' || number, 'general',
            now() - number * interval '1 minute', 'live', 1 FROM generate_series(1, 3000) AS number""",
        place.organization,
        place.community,
    )
    post = await place.post(client, "罕见的 serendipity")
    await kit.sql("UPDATE post SET published_at = now() - interval '1 year' WHERE id = $1", UUID(post["id"]))
    await kit.sql("VACUUM ANALYZE search_document")
    for query in ("罕见", "serendipity", "罕"):
        assert await found(client, place, query) == [post["id"]]
    plan = await kit.sql(
        "EXPLAIN SELECT * FROM search_document "
        "WHERE search_keys(search_salt(community_id, field, search_slice(said_at)), search_grams(words, true)) "
        "@> search_keys(search_salt($1, 'body', search_slice(now())), search_grams(search_words('罕见'), false))",
        place.community,
    )
    assert any("search_document_keys" in row[0] for row in plan)


async def _say(place: Place, words: str, count: int, *, days: float, step: str) -> list[str]:
    """Say words so often, first so many days ago and then earlier and earlier; return the ids, the newest first."""
    rows = await place.kit.sql(
        """INSERT INTO post (id, organization_id, community_id, author_id, title, body, section, published_at, origin, version)
        SELECT uuidv7(), $1, $2, uuidv7(), CASE WHEN number % 7 = 0 THEN '题' || number END, $3 || number, 'general',
            now() - $5 * interval '1 day' - number * $6::text::interval, 'live', 1
        FROM generate_series(1, $4) AS number RETURNING id, published_at""",
        place.organization,
        place.community,
        words,
        count,
        days,
        step,
    )
    return [str(row["id"]) for row in sorted(rows, key=lambda row: (row["published_at"], row["id"]), reverse=True)]


async def _all_pages(client: httpx.AsyncClient, place: Place, query: str) -> list[str]:
    pages: list[str] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = await client.get(f"{place.path}/search", params={"q": query, "limit": 50} | more)
        assert answer.status_code == 200, answer.text
        pages += [hit["subject_id"] for hit in answer.json()["data"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return pages


async def test_what_many_said_and_what_few_said_comes_in_one_order(place: Place) -> None:
    """Ten days in which more than 300 texts say it are walked through, others looked up: no page shows which."""
    _, client = await place.member()
    expected = await _say(place, "每日英语 aloud ", 3, days=0, step="1 minute")
    await _say(place, "别的", 120, days=0.5, step="1 minute")
    for count, days, step in ((350, 30, "1 minute"), (40, 62, "1 hour"), (310, 100, "2 minutes")):
        expected += await _say(place, "每日英语 aloud ", count, days=days, step=step)
    expected += await _say(place, "每日英语 aloud ", 3, days=40 * 365, step="400 days")
    for query in ("英语", "英", "aloud", "a 英语"):
        assert await _all_pages(client, place, query) == expected, query
    titles = await _all_pages(client, place, "题")
    assert len(titles) == sum(count // 7 for count in (120, 350, 40, 310))


async def test_what_is_said_at_the_border_of_ten_days_is_found_once(kit: Kit, place: Place) -> None:
    _, client = await place.member()
    for number in range(-3, 4):
        post = await place.post(client, "边界")
        await kit.sql(
            "UPDATE post SET published_at = to_timestamp(2045 * 864000 + $2::float8) WHERE id = $1",
            UUID(post["id"]),
            number / 1_000_000,
        )
    hits = await found(client, place, "边界")
    assert len(set(hits)) == len(hits) == 7
    await _say(place, "边界", 320, days=0, step="0 seconds")
    assert len(set(await _all_pages(client, place, "边界"))) == 327


async def test_a_long_query_finds_what_has_all_of_it(place: Place) -> None:
    """Only some of its parts are looked up."""
    _, client = await place.member()
    long = "".join(chr(0x4E00 + number * 37) for number in range(120)) + " extraordinarily internationalization"
    post = await place.post(client, long)
    await place.post(client, long.replace("extraordinarily", "ordinarily"))
    await place.post(client, long[:60] + "别" + long[60:])
    assert await found(client, place, long) == [post["id"]]
