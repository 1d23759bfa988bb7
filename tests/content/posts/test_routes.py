"""Posts over HTTP, on a real database."""

import asyncio
from uuid import UUID, uuid4

import pytest
from tests.content.conftest import Place, code, if_match, make_place

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.base import Origin
from contracts.content import PostDeleted, PostEdited, PostPublished
from contracts.members import CommunityRole, CommunityState, MembershipState


async def test_publish_and_read(place: Place) -> None:
    account, client = await place.member()
    mentioned = uuid4()
    answer = await client.post(
        f"{place.path}/posts",
        json={"body": f"Hi <@{mentioned}>\r\n你好 <@{mentioned}>", "title": " 每日一词 ", "section": "words"},
    )
    assert answer.status_code == 201
    post = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["hearth-position"] == f"post/{post['id']}@1"
    assert post["body"] == f"Hi <@{mentioned}>\n你好 <@{mentioned}>"
    assert post["title"] == "每日一词"
    assert post["section"] == "words"
    assert post["author_id"] == str(account)
    assert post["origin"] == "live"
    assert post["edited_at"] is post["external_id"] is None
    assert (post["comment_count"], post["reaction_counts"], post["attachments"]) == (0, {}, [])
    assert post["can"] == ["comment", "react", "edit", "delete", "withdraw"]
    read = await client.get(f"{place.path}/posts/{post['id']}")
    assert read.json() == post
    assert read.headers["etag"] == '"1"'
    feed = (await client.get(f"{place.path}/posts")).json()
    assert feed == {"data": [post], "next_cursor": None}
    [row] = await place.kit.sql("SELECT mentions FROM post WHERE id = $1", UUID(post["id"]))
    assert row["mentions"] == [mentioned]
    [event] = [e for e in await place.kit.events(PostPublished) if e.community == place.community]
    assert event.data == {
        "post_id": post["id"],
        "community_id": str(place.community),
        "author_id": str(account),
        "section": "words",
        "kind": "post",
        "persona_id": None,
        "group_id": None,
        "theme_id": None,
        "delivery_id": None,
        "promotion": False,
    }
    assert (event.actor, event.aggregateversion, event.origin) == (account, 1, Origin.LIVE)
    assert "Hi" not in event.model_dump_json()


async def test_what_a_caller_can_do_depends_on_who_they_are(place: Place) -> None:
    _, author = await place.member()
    _, other = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    _, editor = await place.member(CommunityRole.EDITOR)
    post = await place.post(author)
    for client, expected in (
        (other, ["comment", "react"]),
        (editor, ["comment", "react", "pin"]),
        (moderator, ["comment", "react", "edit", "delete", "withdraw"]),
        (place.kit.staff(place.organization), ["comment", "react", "edit", "delete", "withdraw", "pin"]),
    ):
        assert (await client.get(f"{place.path}/posts/{post['id']}")).json()["can"] == expected
        [listed] = (await client.get(f"{place.path}/posts")).json()["data"]
        assert listed["can"] == expected
        allowed = "edit" in expected
        answer = await client.patch(
            f"{place.path}/posts/{post['id']}", json={"title": str(uuid4())}, headers=if_match(post["version"])
        )
        assert answer.status_code == (200 if allowed else 403)
        post["version"] += allowed
    assert (
        await other.delete(f"{place.path}/posts/{post['id']}", headers=if_match(post["version"]))
    ).status_code == 403


async def test_edit(place: Place, movable_clock: MovableClock) -> None:
    _, client = await place.member()
    post = await place.post(client, title="A")
    url = f"{place.path}/posts/{post['id']}"
    movable_clock.move(minutes=5)
    assert (await client.patch(url, json={"body": "x"})).status_code == 428
    assert (await client.patch(url, json={"body": "x"}, headers=if_match(7))).status_code == 412
    same = await client.patch(url, json={"body": post["body"]}, headers=if_match(1))
    assert same.json() == post
    assert "hearth-position" not in same.headers
    changed = await client.patch(url, json={"body": "晚上好", "title": None}, headers=if_match(1))
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert changed.headers["hearth-position"] == f"post/{post['id']}@2"
    assert (changed.json()["body"], changed.json()["title"]) == ("晚上好", None)
    assert changed.json()["edited_at"] == "2026-03-02T09:05:00+00:00"
    assert (await client.patch(url, json={"body": "x"}, headers=if_match(1))).status_code == 412
    [event] = [e for e in await place.kit.events(PostEdited) if str(e.aggregateid) == post["id"]]
    assert event.aggregateversion == 2


async def test_delete_leaves_a_tombstone(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client, title="A")
    url = f"{place.path}/posts/{post['id']}"
    assert (await client.delete(url)).status_code == 428
    gone = await client.delete(url, headers=if_match(1))
    assert gone.status_code == 204
    assert gone.headers["hearth-position"] == f"post/{post['id']}@2"
    for answer in (
        await client.get(url),
        await client.delete(url, headers=if_match(2)),
        await client.patch(url, json={"body": "back"}, headers=if_match(2)),
        await client.post(f"{url}/comments", json={"body": "late"}),
        await client.get(f"{url}/comments"),
        await client.get(f"{url}/reactions"),
        await client.put(f"{url}/reactions/👍"),
    ):
        assert answer.status_code == 404, answer.request.url
    assert (await client.get(f"{place.path}/posts")).json()["data"] == []
    [row] = await place.kit.sql("SELECT body, title, version, deleted_at FROM post WHERE id = $1", UUID(post["id"]))
    assert (row["body"], row["title"], row["version"]) == ("", None, 2)
    assert row["deleted_at"]
    assert [e.aggregateversion for e in await place.kit.events(PostDeleted) if str(e.aggregateid) == post["id"]] == [2]


async def test_feed_pages_and_filters(place: Place, movable_clock: MovableClock) -> None:
    first, client = await place.member()
    second, other = await place.member()
    posts = []
    for number in range(7):
        if number % 3 != 2:  # some stand at the very same instant
            movable_clock.move(seconds=1)
        posts.append(
            await place.post(client if number % 2 else other, f"n{number}", section="odd" if number % 2 else "even")
        )
    newest = sorted(posts, key=lambda p: (p["published_at"], p["id"]), reverse=True)

    async def read(limit: int, **filters: str) -> list[str]:
        found, cursor, pages = [], None, 0
        while pages < 20:
            parameters = {"limit": str(limit), **filters} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(f"{place.path}/posts", params=parameters)).json()
            assert len(page["data"]) <= limit
            found += [post["id"] for post in page["data"]]
            cursor, pages = page["next_cursor"], pages + 1
            if cursor is None:
                break
        assert pages == max(1, -(-len(found) // limit))
        return found

    for limit in (1, 2, 3, 7, 50):
        assert await read(limit) == [p["id"] for p in newest]
    assert await read(2, section="odd") == [p["id"] for p in newest if p["section"] == "odd"]
    assert await read(2, author=str(second)) == [p["id"] for p in newest if p["author_id"] == str(second)]
    assert await read(2, author=str(first), section="even") == []
    cursor = (await client.get(f"{place.path}/posts?limit=2")).json()["next_cursor"]
    for query in (
        f"cursor={cursor}&section=odd",
        f"cursor=A{cursor}",
        "cursor=%00",
        "limit=0",
        "limit=201",
        "author=me",
    ):
        answer = await client.get(f"{place.path}/posts?{query}")
        assert answer.status_code == 422, query


@pytest.mark.parametrize(
    ("state", "member", "trusted"),
    [
        (CommunityState.OPEN, 201, 201),
        (CommunityState.DRAFT, 409, 201),
        (CommunityState.PAUSED, 409, 409),
        (CommunityState.ARCHIVED, 409, 409),
    ],
)
async def test_states_of_the_community(kit: Kit, state: CommunityState, member: int, trusted: int) -> None:
    place = await make_place(kit, state)
    _, plain = await place.member()
    _, editor = await place.member(CommunityRole.EDITOR)
    _, persona = await place.member(staff=True)
    for client, expected in (
        (plain, member),
        (editor, trusted),
        (persona, trusted),
        (kit.staff(place.organization), trusted),
    ):
        answer = await client.post(f"{place.path}/posts", json={"body": "x"})
        assert answer.status_code == expected
        if expected == 409:
            assert code(answer) == f"community-{state}"
            assert (await client.get(f"{place.path}/posts")).status_code == 200


async def test_refusals(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    url = f"{place.path}/posts/{post['id']}"
    _, applicant = await place.member(state=MembershipState.APPLIED)
    _, removed = await place.member(state=MembershipState.REMOVED)
    for stranger in (
        place.kit.person(place.organization),
        applicant,
        removed,
        place.kit.partner(place.organization, "contacts:write"),
    ):
        for answer in (
            await stranger.get(f"{place.path}/posts"),
            await stranger.get(url),
            await stranger.post(f"{place.path}/posts", json={"body": "x"}),
            await stranger.patch(url, json={"body": "x"}, headers=if_match(1)),
            await stranger.delete(url, headers=if_match(1)),
            await stranger.post(f"{place.path}/posts/imports", json={"source": "slack", "items": []}),
        ):
            assert (answer.status_code, code(answer)) == (403, "forbidden")
    elsewhere = await make_place(place.kit)
    _, foreigner = await elsewhere.member()
    for answer in (
        await foreigner.get(f"{place.path}/posts"),
        await foreigner.get(url),
        await foreigner.get(f"{elsewhere.path}/posts/{post['id']}"),
        await foreigner.delete(f"{elsewhere.path}/posts/{post['id']}", headers=if_match(1)),
        await client.get(f"{place.path}/posts/{uuid4()}"),
    ):
        assert (answer.status_code, code(answer)) == (404, "not-found")
    assert (await place.kit.client().get(f"{place.path}/posts")).status_code == 401
    assert (await client.post(f"{place.path}/posts/imports", json={"source": "slack", "items": []})).status_code == 403


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/body"),
        ({"body": ""}, "/body"),
        ({"body": " \n\t "}, "/body"),
        ({"body": "x" * 100_001}, "/body"),
        ({"body": "a\x00b"}, "/body"),
        ({"body": "a\x1bb"}, "/body"),
        ({"body": "a\x9bb"}, "/body"),
        ({"body": 1}, "/body"),
        ({"body": ["x"]}, "/body"),
        ({"body": "x", "title": ""}, "/title"),
        ({"body": "x", "title": "x" * 201}, "/title"),
        ({"body": "x", "title": "two\nlines"}, "/title"),
        ({"body": "x", "section": ""}, "/section"),
        ({"body": "x", "section": "two words"}, "/section"),
        ({"body": "x", "section": "s" * 81}, "/section"),
        ({"body": "x", "author_id": str(uuid4())}, "/author_id"),
    ],
)
async def test_hostile_input(place: Place, fields: dict[str, object], pointer: str) -> None:
    _, client = await place.member()
    answer = await client.post(f"{place.path}/posts", json=fields)
    assert answer.status_code == 422, answer.text
    assert code(answer) == "invalid"
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_hostile_bodies(place: Place) -> None:
    _, client = await place.member()
    url = f"{place.path}/posts"
    for content, status in (
        (b"{", 400),
        (b"", 422),
        (b"\xff\xfe", 400),
        (b'{"body": "\\ud800"}', 400),
        (b'{"body": NaN}', 400),
        (b"[]", 422),
        (b'{"body": ' + b"[" * 40 + b"]" * 40 + b"}", 422),
        (b'{"body": "' + b"x" * (3 * 2**20) + b'"}', 413),
    ):
        answer = await client.post(url, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (content[:50], answer.text)
        code(answer)
    longest = await place.post(client, "字" * 100_000)
    assert len((await client.get(f"{url}/{longest['id']}")).json()["body"]) == 100_000


async def test_one_of_many_edits_wins(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    url = f"{place.path}/posts/{post['id']}"
    answers = await asyncio.gather(*(client.patch(url, json={"body": f"v{n}"}, headers=if_match(1)) for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_a_retried_post_is_published_once(place: Place) -> None:
    _, client = await place.member()
    key = {"Idempotency-Key": str(new_id())}
    first = await client.post(f"{place.path}/posts", json={"body": "once"}, headers=key)
    again = await client.post(f"{place.path}/posts", json={"body": "once"}, headers=key)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]
    assert len((await client.get(f"{place.path}/posts")).json()["data"]) == 1


async def test_a_text_that_looks_like_the_answers_own_json_stays_as_it_is(place: Place) -> None:
    _, client = await place.member()
    hostile = '"can":true} "can":false} \\"can":true} \\\\"can":true}\n{"data":[]}|'
    post = await place.post(client, hostile, title=hostile.partition("\n")[0], section='"can":true}')
    comment = await place.comment(client, post["id"], hostile)
    _, other = await place.member()
    [listed] = (await other.get(f"{place.path}/posts")).json()["data"]
    assert (listed["body"], listed["section"]) == (hostile, '"can":true}')
    assert listed["can"] == ["comment", "react"]
    [answer] = (await other.get(f"{place.path}/posts/{post['id']}/comments")).json()["data"]
    assert (answer["body"], answer["can"]) == (comment["body"], ["reply", "react"])
    assert answer["body"] == hostile
