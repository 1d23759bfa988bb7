"""Comments and reactions over HTTP, on a real database."""

import asyncio
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from tests.content.conftest import Place, code, if_match, make_place

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.content import CommentDeleted, CommentEdited, CommentPublished, ReactionAdded, ReactionRemoved
from contracts.members import CommunityRole, CommunityState, MembershipState


async def pages(client: httpx.AsyncClient, url: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    for _ in range(100):
        answer = await client.get(url, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["data"]) <= limit
        found += answer.json()["data"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


async def test_comment_and_answer(place: Place) -> None:
    author, poster = await place.member()
    account, client = await place.member()
    post = await place.post(poster)
    answer = await client.post(f"{place.path}/posts/{post['id']}/comments", json={"body": f"<@{author}> 同意"})
    assert answer.status_code == 201, answer.text
    comment = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["hearth-position"] == f"comment/{comment['id']}@1"
    assert comment["can"] == ["reply", "react", "edit", "delete"]
    assert (comment["author_id"], comment["post_id"], comment["parent_id"]) == (str(account), post["id"], None)
    reply = await place.comment(poster, post["id"], "谢谢", parent_id=comment["id"])
    assert reply["parent_id"] == comment["id"]
    assert (await client.get(f"{place.path}/comments/{comment['id']}")).json() == comment
    listed = (await client.get(f"{place.path}/posts/{post['id']}/comments")).json()["data"]
    assert [one["id"] for one in listed] == [comment["id"], reply["id"]]
    assert listed[0] == comment
    assert listed[1]["can"] == ["reply", "react"]
    assert (await client.get(f"{place.path}/posts/{post['id']}")).json()["comment_count"] == 2
    [row] = await place.kit.sql("SELECT mentions FROM comment WHERE id = $1", UUID(comment["id"]))
    assert row["mentions"] == [author]
    first, second = [e for e in await place.kit.events(CommentPublished) if e.community == place.community]
    assert first.data == {
        "comment_id": comment["id"],
        "post_id": post["id"],
        "community_id": str(place.community),
        "author_id": str(account),
        "post_author_id": str(author),
        "parent_id": None,
    }
    assert second.data["parent_id"] == comment["id"]


async def test_a_parent_is_a_comment_of_the_same_post(place: Place) -> None:
    _, client = await place.member()
    post, other = await place.post(client), await place.post(client)
    elsewhere = await place.comment(client, other["id"])
    gone = await place.comment(client, post["id"])
    assert (await client.delete(f"{place.path}/comments/{gone['id']}", headers=if_match(1))).status_code == 204
    for parent in (elsewhere["id"], gone["id"], post["id"], str(uuid4())):
        answer = await client.post(f"{place.path}/posts/{post['id']}/comments", json={"body": "x", "parent_id": parent})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/parent_id"
        assert answer.json()["errors"][0]["code"] == "parent-unknown"


async def test_comments_are_listed_oldest_first(place: Place, movable_clock: MovableClock) -> None:
    _, client = await place.member()
    post = await place.post(client)
    url = f"{place.path}/posts/{post['id']}/comments"
    assert (await client.get(url)).json() == {"data": [], "next_cursor": None}
    made = []
    for number in range(7):
        if number % 3 != 2:
            movable_clock.move(seconds=1)
        made.append(await place.comment(client, post["id"], str(number)))
    oldest = [one["id"] for one in sorted(made, key=lambda one: (one["commented_at"], one["id"]))]
    for limit in (1, 3, 7, 8):
        assert [one["id"] for one in await pages(client, url, limit)] == oldest
    cursor = (await client.get(f"{url}?limit=2")).json()["next_cursor"]
    other = await place.post(client)
    for path in (
        f"{place.path}/posts/{other['id']}/comments",
        f"{place.path}/posts",
        f"{place.path}/posts/{post['id']}/reactions",
    ):
        assert (await client.get(path, params={"cursor": cursor})).status_code == 422


async def test_edit_and_delete(place: Place) -> None:
    _, client = await place.member()
    _, other = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    post = await place.post(client)
    comment = await place.comment(client, post["id"])
    reply = await place.comment(other, post["id"], parent_id=comment["id"])
    url = f"{place.path}/comments/{comment['id']}"
    assert (await other.patch(url, json={"body": "x"}, headers=if_match(1))).status_code == 403
    assert (await other.delete(url, headers=if_match(1))).status_code == 403
    assert (await client.patch(url, json={"body": "x"})).status_code == 428
    same = await client.patch(url, json={"body": comment["body"]}, headers=if_match(1))
    assert same.json() == comment
    assert "hearth-position" not in same.headers
    edited = await client.patch(url, json={"body": "改"}, headers=if_match(1))
    assert (edited.json()["body"], edited.json()["version"], edited.headers["etag"]) == ("改", 2, '"2"')
    assert edited.json()["edited_at"]
    assert (await moderator.delete(url, headers=if_match(1))).status_code == 412
    assert (await moderator.delete(url, headers=if_match(2))).status_code == 204
    for answer in (
        await client.get(url),
        await client.patch(url, json={"body": "x"}, headers=if_match(3)),
        await client.delete(url, headers=if_match(3)),
        await client.put(f"{url}/reactions/👍"),
        await client.delete(f"{url}/reactions/👍"),
        await client.get(f"{url}/reactions"),
    ):
        assert answer.status_code == 404
    left = (await client.get(f"{place.path}/posts/{post['id']}/comments")).json()["data"]
    assert [one["id"] for one in left] == [reply["id"]]
    assert left[0]["parent_id"] == comment["id"]
    assert (await client.get(f"{place.path}/posts/{post['id']}")).json()["comment_count"] == 1
    [row] = await place.kit.sql("SELECT body, version FROM comment WHERE id = $1", UUID(comment["id"]))
    assert (row["body"], row["version"]) == ("", 3)
    for event, version in ((CommentEdited, 2), (CommentDeleted, 3)):
        told = [e.aggregateversion for e in await place.kit.events(event) if str(e.aggregateid) == comment["id"]]
        assert told == [version]


async def test_comments_of_a_deleted_post_cannot_be_read(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    comment = await place.comment(client, post["id"])
    url = f"{place.path}/comments/{comment['id']}"
    assert (await client.delete(f"{place.path}/posts/{post['id']}", headers=if_match(1))).status_code == 204
    for answer in (
        await client.get(url),
        await client.get(f"{url}/reactions"),
        await client.patch(url, json={"body": "x"}, headers=if_match(1)),
        await client.delete(url, headers=if_match(1)),
        await client.put(f"{url}/reactions/👍"),
    ):
        assert answer.status_code == 404
    assert await place.kit.sql("SELECT FROM comment WHERE id = $1 AND deleted_at IS NULL", UUID(comment["id"]))


@pytest.mark.parametrize("subject", ["posts", "comments"])
async def test_reactions(place: Place, subject: str) -> None:
    author, poster = await place.member()
    account, client = await place.member()
    post = await place.post(poster)
    about = post if subject == "posts" else await place.comment(poster, post["id"])
    url = f"{place.path}/{subject}/{about['id']}"
    first = await client.put(f"{url}/reactions/👍")
    assert first.status_code == 200, first.text
    reaction = first.json()
    assert first.headers["hearth-position"] == f"reaction/{reaction['id']}@1"
    assert reaction == {
        "id": reaction["id"],
        "subject_kind": subject.removesuffix("s"),
        "subject_id": about["id"],
        "account_id": str(account),
        "emojis": ["👍"],
        "reacted_at": reaction["reacted_at"],
        "version": 1,
    }
    again = await client.put(f"{url}/reactions/👍")
    assert again.json() == reaction
    assert "hearth-position" not in again.headers
    assert (await client.put(f"{url}/reactions/{quote(':party-parrot:')}")).json()["emojis"] == ["👍", ":party-parrot:"]
    await poster.put(f"{url}/reactions/👍")
    shown = (await client.get(url)).json()
    assert shown["reaction_counts"] == {"👍": 2, ":party-parrot:": 1}
    assert shown["version"] == 1
    for _ in range(2):
        assert (await client.delete(f"{url}/reactions/👍")).status_code == 204
    assert (await client.get(url)).json()["reaction_counts"] == {"👍": 1, ":party-parrot:": 1}
    await client.delete(f"{url}/reactions/:party-parrot:")
    assert (await client.get(f"{url}/reactions")).json()["data"][0]["account_id"] == str(author)
    back = await client.put(f"{url}/reactions/🎉")
    assert (back.json()["id"], back.json()["version"], back.json()["emojis"]) == (reaction["id"], 5, ["🎉"])
    told = [
        (e.type.split(".")[2], e.data["emoji"], e.aggregateversion)
        for e in await place.kit.events(ReactionAdded, ReactionRemoved)
        if str(e.aggregateid) == reaction["id"]
    ]
    assert sorted(told, key=lambda one: one[2]) == [
        ("added", "👍", 1),
        ("added", ":party-parrot:", 2),
        ("removed", "👍", 3),
        ("removed", ":party-parrot:", 4),
        ("added", "🎉", 5),
    ]
    added = [e for e in await place.kit.events(ReactionAdded) if str(e.aggregateid) == reaction["id"]]
    assert all(e.data["timed"] and e.data["subject_author_id"] == str(author) for e in added)


async def test_ten_emojis_per_person(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    url = f"{place.path}/posts/{post['id']}/reactions"
    for number in range(10):
        assert (await client.put(f"{url}/:e{number}:")).status_code == 200
    refused = await client.put(f"{url}/👍")
    assert (refused.status_code, code(refused)) == (409, "too-many-emojis")
    assert (await client.put(f"{url}/:e3:")).status_code == 200
    await client.delete(f"{url}/:e3:")
    assert (await client.put(f"{url}/👍")).json()["emojis"][-1] == "👍"


@pytest.mark.parametrize("emoji", ["a", "👍👍", ":a b:", "%00", "x" * 41, "👍%0A", "%F0%9F", "%3Cscript%3E", "学"])
async def test_what_is_no_emoji(place: Place, emoji: str) -> None:
    _, client = await place.member()
    post = await place.post(client)
    for method in ("PUT", "DELETE"):
        answer = await client.request(method, f"{place.path}/posts/{post['id']}/reactions/{emoji}")
        assert answer.status_code == 422, (method, answer.text)
        assert answer.json()["errors"][0]["pointer"] == "/path/emoji"


async def test_who_reacted_is_listed_by_pages(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    url = f"{place.path}/posts/{post['id']}/reactions"
    assert (await client.get(url)).json() == {"data": [], "next_cursor": None}
    accounts = []
    for _ in range(5):
        account, one = await place.member()
        accounts.append(str(account))
        await one.put(f"{url}/👍")
    await one.put(f"{url}/🎉")
    for limit in (1, 2, 5, 6):
        found = await pages(client, url, limit)
        assert [reaction["account_id"] for reaction in found] == accounts
    assert found[-1]["emojis"] == ["👍", "🎉"]


async def test_a_hot_post_serialises_nobody_and_counts_right(place: Place) -> None:
    people = [await place.member() for _ in range(25)]
    post = await place.post(people[0][1])
    url = f"{place.path}/posts/{post['id']}"
    answers = await asyncio.gather(
        *(client.post(f"{url}/comments", json={"body": "x"}) for _, client in people * 2),
        *(client.put(f"{url}/reactions/{emoji}") for _, client in people for emoji in ("👍", "🎉", "👍")),
        *(client.get(url) for _, client in people),
    )
    assert {answer.status_code for answer in answers} <= {200, 201}
    shown = (await people[0][1].get(url)).json()
    assert shown["comment_count"] == 50
    assert shown["reaction_counts"] == {"👍": 25, "🎉": 25}
    assert shown["version"] == 1
    rows = await place.kit.sql("SELECT id, version, emojis FROM reaction WHERE subject_id = $1", UUID(post["id"]))
    assert len(rows) == 25
    told = [e for e in await place.kit.events(ReactionAdded) if e.data["subject_id"] == post["id"]]
    for row in rows:
        assert row["version"] == 2
        assert sorted(e.aggregateversion for e in told if e.aggregateid == row["id"]) == [1, 2]
        assert sorted(e.data["emoji"] for e in told if e.aggregateid == row["id"]) == sorted(row["emojis"])
    comments = [e for e in await place.kit.events(CommentPublished) if e.data["post_id"] == post["id"]]
    assert len(comments) == 50


async def test_a_deleted_post_takes_no_comment_in_a_race(place: Place) -> None:
    _, client = await place.member()
    for _ in range(5):
        post = await place.post(client)
        url = f"{place.path}/posts/{post['id']}"
        answers = await asyncio.gather(
            *(client.post(f"{url}/comments", json={"body": "x"}) for _ in range(5)),
            client.delete(url, headers=if_match(1)),
            *(client.put(f"{url}/reactions/👍") for _ in range(5)),
        )
        assert answers[5].status_code == 204
        assert {answer.status_code for answer in answers} <= {200, 201, 204, 404}
        rows = await place.kit.sql("SELECT count(*) FROM comment WHERE post_id = $1", UUID(post["id"]))
        assert rows[0]["count"] == sum(answer.status_code == 201 for answer in answers)


@pytest.mark.parametrize("state", [CommunityState.PAUSED, CommunityState.ARCHIVED])
async def test_a_community_that_takes_nothing_new(kit: Kit, state: CommunityState) -> None:
    place = await make_place(kit)
    _, client = await place.member()
    post = await place.post(client)
    comment = await place.comment(client, post["id"])
    await client.put(f"{place.path}/posts/{post['id']}/reactions/👍")
    await kit.sql("UPDATE standing_community SET state = $1 WHERE community_id = $2", state.value, place.community)
    url = f"{place.path}/posts/{post['id']}"
    for answer in (
        await client.post(f"{url}/comments", json={"body": "x"}),
        await client.put(f"{url}/reactions/🎉"),
        await client.put(f"{place.path}/comments/{comment['id']}/reactions/🎉"),
    ):
        assert (answer.status_code, code(answer)) == (409, f"community-{state}")
    archived = state is CommunityState.ARCHIVED
    assert (await client.delete(f"{url}/reactions/👍")).status_code == (409 if archived else 204)
    edited = await client.patch(f"{place.path}/comments/{comment['id']}", json={"body": "y"}, headers=if_match(1))
    assert edited.status_code == (409 if archived else 200)
    assert (await client.get(url)).json()["can"] == (
        ["delete", "withdraw"] if archived else ["edit", "delete", "withdraw"]
    )
    assert (await client.delete(url, headers=if_match(1))).status_code == 204


async def test_refusals(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    comment = await place.comment(client, post["id"])
    elsewhere = await make_place(place.kit)
    _, foreigner = await elsewhere.member()
    _, applicant = await place.member(state=MembershipState.APPLIED)

    async def every(one: httpx.AsyncClient, path: str) -> list[httpx.Response]:
        batch = {"source": "slack", "items": []}
        return [
            await one.get(f"{path}/posts/{post['id']}/comments"),
            await one.post(f"{path}/posts/{post['id']}/comments", json={"body": "x"}),
            await one.get(f"{path}/posts/{post['id']}/reactions"),
            await one.put(f"{path}/posts/{post['id']}/reactions/👍"),
            await one.delete(f"{path}/posts/{post['id']}/reactions/👍"),
            await one.get(f"{path}/comments/{comment['id']}"),
            await one.patch(f"{path}/comments/{comment['id']}", json={"body": "x"}, headers=if_match(1)),
            await one.delete(f"{path}/comments/{comment['id']}", headers=if_match(1)),
            await one.get(f"{path}/comments/{comment['id']}/reactions"),
            await one.put(f"{path}/comments/{comment['id']}/reactions/👍"),
            await one.delete(f"{path}/comments/{comment['id']}/reactions/👍"),
            await one.post(f"{path}/comments/imports", json=batch),
            await one.post(f"{path}/reactions/imports", json=batch),
        ]

    for one in (place.kit.person(place.organization), applicant, place.kit.partner(place.organization)):
        assert {answer.status_code for answer in await every(one, place.path)} == {403}
    assert {answer.status_code for answer in await every(foreigner, place.path)} == {404}
    assert {answer.status_code for answer in (await every(foreigner, elsewhere.path))[:-2]} == {404}
    assert {answer.status_code for answer in await every(place.kit.client(), place.path)} == {401}
    _, moderator = await place.member(CommunityRole.MODERATOR)
    assert {answer.status_code for answer in (await every(moderator, place.path))[-2:]} == {403}
