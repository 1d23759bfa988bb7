"""Reading over HTTP: the feed in its orders, marks, unread counts, bookmarks and mentions."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.content.conftest import Place, code, if_match, make_place

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from content.posts.schemas import PostOut
from content.reading import policy, queries
from content.reading.policy import Heat, hot
from content.reading.schemas import FeedItemOut
from contracts.content import PostsRead
from contracts.members import CommunityRole


async def feed(client: httpx.AsyncClient, place: Place, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"{place.path}/feed", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def whole(client: httpx.AsyncClient, place: Place, **query: Any) -> list[dict[str, Any]]:
    """All pages of a feed."""
    items, cursor = [], None
    while True:
        page = await feed(client, place, **query, **({"cursor": cursor} if cursor else {}))
        items += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


async def mark(client: httpx.AsyncClient, place: Place, *posts: str) -> int:
    answer = await client.post(f"{place.path}/reads", json={"post_ids": list(posts)})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["marked"])


async def unread(client: httpx.AsyncClient, place: Place) -> dict[str, Any]:
    answer = await client.get(f"{place.path}/unread")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_feed_is_the_posts_and_what_they_are_to_the_reader(place: Place) -> None:
    _, writer = await place.member()
    _, reader = await place.member()
    first, second = await place.post(writer), await place.post(writer, section="words", title="每日一词")
    item = (await feed(reader, place))["data"][0]
    assert set(item) == set(FeedItemOut.model_fields)
    plain = (await reader.get(f"{place.path}/posts/{second['id']}")).json()
    assert {name: item[name] for name in PostOut.model_fields} == plain
    assert (item["read"], item["bookmarked"], item["heat"], item["theme_id"]) == (False, False, None, None)
    assert ids(await whole(reader, place, limit=1)) == [second["id"], first["id"]]
    assert ids(await whole(reader, place, section="words")) == [second["id"]]
    assert (await feed(writer, place))["data"][0]["read"] is True, "one has read what one wrote"


async def test_the_feed_by_kind_theme_and_group(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    account, member = await place.member()
    topic, grouped = await place.post(editor, kind="daily_topic"), await place.post(editor)
    theme, group = uuid4(), uuid4()
    await place.kit.sql("UPDATE post SET theme_id = $1 WHERE id = $2", theme, UUID(topic["id"]))
    await place.kit.sql("UPDATE post SET group_id = $1 WHERE id = $2", group, UUID(grouped["id"]))
    assert ids(await whole(member, place, kind="daily_topic")) == [topic["id"]]
    assert ids(await whole(member, place, theme=str(theme))) == [topic["id"]]
    for order in ("newest", "hot"):
        assert ids(await whole(member, place, order=order)) == [topic["id"]], "not in the group"
        assert set(ids(await whole(editor, place, order=order, limit=1))) == {topic["id"], grouped["id"]}
    assert (await unread(member, place))["groups"] == {}
    assert await mark(member, place, grouped["id"]) == 0, "what is not seen is not read"
    await place.kit.sql(
        "INSERT INTO standing_group_member VALUES ($1, $2, $3, $4)",
        place.community,
        account,
        place.organization,
        [group],
    )
    assert ids(await whole(member, place, group=str(group))) == [grouped["id"]]
    found = await unread(member, place)
    assert (found["groups"], found["themes"], found["kinds"]) == (
        {str(group): 1},
        {str(theme): 1},
        {"daily_topic": 1, "post": 1},
    )
    assert await mark(member, place, grouped["id"]) == 1


async def test_reads_are_marked_in_batches_once(place: Place) -> None:
    _, writer = await place.member()
    account, reader = await place.member()
    posts = [(await place.post(writer, str(number)))["id"] for number in range(3)]
    assert (await unread(reader, place))["total"] == 3
    assert (await unread(writer, place))["total"] == 0, "one's own"
    assert await mark(reader, place, posts[0], posts[0], posts[1], str(uuid4())) == 2
    assert await mark(reader, place, posts[0], posts[1]) == 0
    assert await mark(writer, place, *posts) == 0
    found = await unread(reader, place)
    assert found == {
        "total": 1, "capped": False, "sections": {"general": 1}, "kinds": {"post": 1}, "themes": {}, "groups": {}
    }  # fmt: skip
    assert ids(await whole(reader, place, unread=True)) == [posts[2]]
    assert ids(await whole(reader, place, unread=True, order="hot")) == [posts[2]]
    assert [item["read"] for item in await whole(reader, place)] == [False, True, True]
    told = [one for one in await place.kit.events(PostsRead) if one.data["account_id"] == str(account)]
    assert [sorted(one.data["post_ids"]) for one in told] == [sorted(posts[:2])]
    rows = await place.kit.sql("SELECT count(*) FROM read_mark WHERE account_id = $1", account)
    assert rows[0][0] == 2


@pytest.mark.parametrize("body", [{}, {"post_ids": []}, {"post_ids": ["x"]}, {"post_ids": [str(uuid4())] * 501}])
async def test_bad_batches(place: Place, body: dict[str, Any]) -> None:
    _, reader = await place.member()
    answer = await reader.post(f"{place.path}/reads", json=body)
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"].startswith("/post_ids")


async def test_everything_up_to_an_instant_is_read(kit: Kit, movable_clock: MovableClock) -> None:
    place = await make_place(kit)
    writer_id, _ = await place.member()
    reader_id, _ = await place.member()

    def as_of(account: UUID) -> httpx.AsyncClient:
        return kit.person(place.organization, account)

    old = await place.post(as_of(writer_id))
    assert (await unread(as_of(reader_id), place))["total"] == 0, "published in the moment of joining"
    movable_clock.move(minutes=1)
    seen = await place.post(as_of(writer_id))
    until = clock.now()
    movable_clock.move(minutes=1)
    new = await place.post(as_of(writer_id))
    reader = as_of(reader_id)
    assert ids(await whole(reader, place, unread=True)) == [new["id"], seen["id"]]
    path = f"{place.path}/reads/horizon"
    assert (await reader.put(path, json={"until": until.isoformat()})).status_code == 200
    assert ids(await whole(reader, place, unread=True)) == [new["id"]]
    assert [item["read"] for item in await whole(reader, place)] == [False, True, True]
    earlier = await reader.put(path, json={"until": (until - timedelta(days=1)).isoformat()})
    assert earlier.json()["until"] == until.isoformat().replace("+00:00", "Z")
    future = await reader.put(path, json={"until": (clock.now() + timedelta(seconds=1)).isoformat()})
    assert (future.status_code, future.json()["errors"][0]["code"]) == (422, "in-the-future")
    rows = await kit.sql("SELECT count(*) FROM read_mark WHERE post_id = $1", UUID(old["id"]))
    assert rows[0][0] == 0, "nobody is made a reader"
    movable_clock.move(days=91)
    assert (await unread(as_of(reader_id), place))["total"] == 0


async def test_unread_says_when_it_stopped_counting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "UNREAD_LOOK", 2)
    queries._unread.cache_clear()
    try:
        _, writer = await place.member()
        _, reader = await place.member()
        for _ in range(2):
            await place.post(writer)
        assert (await unread(reader, place))["capped"] is False
        await place.post(writer)
        found = await unread(reader, place)
        assert (found["total"], found["capped"]) == (2, True)
    finally:
        queries._unread.cache_clear()


async def test_the_hot_order_is_the_formula_and_does_not_move_while_it_is_read(
    kit: Kit, movable_clock: MovableClock
) -> None:
    place = await make_place(kit)
    people = [(await place.member())[0] for _ in range(4)]

    def as_of(account: UUID) -> httpx.AsyncClient:
        return kit.person(place.organization, account)

    posts = []
    for _ in range(6):
        posts.append((await place.post(as_of(people[0])))["id"])
        movable_clock.move(minutes=10)
    for account in people[1:]:
        await as_of(account).put(f"{place.path}/posts/{posts[0]}/reactions/👍")
    await place.comment(as_of(people[1]), posts[1])
    await as_of(people[1]).put(f"{place.path}/posts/{posts[2]}/bookmark")
    await mark(as_of(people[1]), place, *posts)
    reader = as_of(people[3])
    first = await feed(reader, place, order="hot", limit=2)
    assert ids(first["data"]) == [posts[2], posts[0]], "3 points each, and 20 minutes between them"
    scores = []
    # What happens meanwhile: a new post, and what was last becomes hot.
    await place.post(as_of(people[0]), "new")
    for account in people[1:]:
        await as_of(account).put(f"{place.path}/posts/{posts[5]}/reactions/🎉")
        await as_of(account).put(f"{place.path}/posts/{posts[5]}/bookmark")
    movable_clock.move(minutes=5)
    reader = as_of(people[3])
    rest, cursor = first["data"], first["next_cursor"]
    while cursor:
        page = await feed(reader, place, order="hot", limit=2, cursor=cursor)
        rest += page["data"]
        cursor = page["next_cursor"]
    assert sorted(ids(rest)) == sorted(posts), "each once, and nothing that came after"
    for item in rest:
        heat = {name: value for name, value in item["heat"].items() if name != "score"}
        published = item["published_at"].replace("Z", "+00:00")
        scores.append(hot(Heat(**heat), clock.now().fromisoformat(published)))
        assert item["heat"]["score"] == pytest.approx(scores[-1], abs=2e-7)
    assert scores == sorted(scores, reverse=True)
    again = await whole(reader, place, order="hot", limit=2)
    assert ids(again)[0] == posts[5]
    assert len(again) == 7
    # A post that is taken down meanwhile is not there, and the others stay in their places.
    page = await feed(reader, place, order="hot", limit=1)
    second = ids(again)[1]
    version = next(item["version"] for item in again if item["id"] == second)
    await as_of(people[0]).delete(f"{place.path}/posts/{second}", headers=if_match(version))
    assert ids((await feed(reader, place, order="hot", limit=1, cursor=page["next_cursor"]))["data"]) == [ids(again)[2]]
    movable_clock.move(hours=2)
    await feed(as_of(people[3]), place, order="hot")
    gone = await as_of(people[3]).get(
        f"{place.path}/feed", params={"order": "hot", "limit": 1, "cursor": page["next_cursor"]}
    )
    assert (gone.status_code, code(gone)) == (410, "ranking-gone")


async def test_ties_in_the_hot_order_stand_by_time_and_id(place: Place) -> None:
    _, writer = await place.member()
    for _ in range(5):
        await place.post(writer)
    await place.kit.sql(
        "UPDATE post SET published_at = now() - interval '1 hour' WHERE community_id = $1", place.community
    )
    found = ids(await whole(writer, place, order="hot", limit=2))
    assert found == sorted(found, reverse=True)
    assert len(found) == 5


async def test_bookmarks(place: Place) -> None:
    _, writer = await place.member()
    _, reader = await place.member()
    posts = [(await place.post(writer, str(number)))["id"] for number in range(3)]
    for post in (posts[1], posts[0], posts[2], posts[1]):
        answer = await reader.put(f"{place.path}/posts/{post}/bookmark")
        assert answer.status_code == 200, answer.text
    path = f"{place.path}/bookmarks"
    page = (await reader.get(path, params={"limit": 2})).json()
    assert ids(page["data"]) == [posts[2], posts[0]]
    assert all(item["bookmarked"] for item in page["data"])
    page = (await reader.get(path, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert (ids(page["data"]), page["next_cursor"]) == ([posts[1]], None)
    assert (await writer.get(path)).json()["data"] == []
    for _ in range(2):
        assert (await reader.delete(f"{place.path}/posts/{posts[0]}/bookmark")).status_code == 204
    await writer.delete(f"{place.path}/posts/{posts[1]}", headers=if_match(1))
    assert ids((await reader.get(path)).json()["data"]) == [posts[2]]
    # What was kept goes, though nobody sees it any more; what was never there is told as such.
    assert [(await reader.delete(f"{place.path}/posts/{posts[1]}/bookmark")).status_code for _ in range(2)] == [
        204,
        404,
    ]
    for method in ("PUT", "DELETE"):
        assert (await reader.request(method, f"{place.path}/posts/{uuid4()}/bookmark")).status_code == 404


async def test_mentions(place: Place) -> None:
    account, me = await place.member()
    _, other = await place.member()
    post = await place.post(other, f"<@{account}> 你好")
    await place.post(me, f"<@{account}> myself")
    comment = await place.comment(other, post["id"], f"again <@{account}>")
    path = f"{place.path}/mentions"
    page = (await me.get(path, params={"limit": 1})).json()
    assert [(one["subject_kind"], one["subject_id"], one["post_id"]) for one in page["data"]] == [
        ("comment", comment["id"], post["id"])
    ]
    page = (await me.get(path, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [one["subject_id"] for one in page["data"]] == [post["id"]]
    assert page["next_cursor"] is None
    await other.patch(f"{place.path}/posts/{post['id']}", json={"body": "nobody"}, headers=if_match(1))
    assert [one["subject_id"] for one in (await me.get(path)).json()["data"]] == [comment["id"]]
    await other.delete(f"{place.path}/comments/{comment['id']}", headers=if_match(1))
    assert (await me.get(path)).json()["data"] == []


@pytest.mark.parametrize("path", ["feed", "feed?order=hot", "unread", "bookmarks", "mentions", "search?q=a"])
async def test_who_may_read(kit: Kit, place: Place, path: str) -> None:
    other = await make_place(kit)
    _, stranger = await other.member()
    assert (await stranger.get(f"{place.path}/{path}")).status_code == 404
    assert (await kit.person(place.organization).get(f"{place.path}/{path}")).status_code == 403
    assert (await kit.partner(place.organization, "crm:read").get(f"{place.path}/{path}")).status_code == 403
    assert (await kit.client().get(f"{place.path}/{path}")).status_code == 401
    assert (await kit.staff(place.organization).get(f"{place.path}/{path}")).status_code == 200


async def test_a_cursor_is_good_for_its_list_only(place: Place) -> None:
    _, client = await place.member()
    for _ in range(2):
        await place.post(client)
    for order in ("newest", "hot"):
        cursor = (await feed(client, place, order=order, limit=1))["next_cursor"]
        answer = await client.get(f"{place.path}/feed", params={"order": order, "cursor": cursor, "kind": "post"})
        assert answer.status_code == 422
