"""Texts are judged before they are written, whoever writes them and wherever."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.content.conftest import Place, code, if_match

from chassis import clock
from chassis.db import Session, transaction
from chassis.due import schedule
from chassis.errors import KeptProblem
from chassis.ids import new_id
from content.posts import commands, queries
from content.posts.commands import CHECKS, Piece, publish_item, settle_post
from content.posts.policy import Act, Clause, PostKind, PostState, Utterance, Verdict
from contracts.content import (
    CommentHeld,
    CommentPublished,
    PostEdited,
    PostPublished,
    PostRestored,
    PostWithdrawn,
    PostWritten,
)
from contracts.members import CommunityRole

CLAUSE = Clause("R7", {"zh": "不得留联系方式", "en": "No contact details"})


@pytest.fixture
def heard() -> Iterator[list[Utterance]]:
    """A check that blocks, holds and flags by a word, and leaves a record of its own."""
    said: list[Utterance] = []

    async def judged(session: Session, utterance: Utterance) -> Verdict:
        said.append(utterance)
        for act in (Act.BLOCK, Act.HOLD, Act.FLAG):
            if act in utterance.body:
                await schedule(session, utterance.organization_id, "test.found", str(utterance.id), clock.now())
                return Verdict(act, CLAUSE)
        return Verdict(Act.ALLOW)

    CHECKS.append(judged)
    yield said
    CHECKS.remove(judged)


async def found(place: Place) -> int:
    rows = await place.kit.sql(
        "SELECT key FROM due_work WHERE kind = 'test.found' AND organization_id = $1", place.organization
    )
    return len(rows)


async def test_a_blocked_text_is_not_written_and_its_detection_is(place: Place, heard: list[Utterance]) -> None:
    account, client = await place.member()
    post = await place.post(client)
    for answer in (
        await client.post(f"{place.path}/posts", json={"body": "please block"}),
        await client.post(f"{place.path}/posts", json={"body": "please block"}, headers={"Idempotency-Key": "k1"}),
        await client.patch(f"{place.path}/posts/{post['id']}", json={"body": "block"}, headers=if_match(1)),
        await client.post(f"{place.path}/posts/{post['id']}/comments", json={"body": "block"}),
    ):
        assert (answer.status_code, code(answer)) == (422, "text-blocked")
        assert answer.json()["clause"] == {"code": "R7", "text": {"zh": "不得留联系方式", "en": "No contact details"}}
        assert answer.json()["errors"][0]["pointer"] == "/body"
    assert await found(place) == 4
    [row] = await place.kit.sql("SELECT count(*) AS posts FROM post WHERE community_id = $1", place.community)
    assert row["posts"] == 1
    assert (await client.get(f"{place.path}/posts/{post['id']}")).json()["body"] == post["body"]
    assert {one.author_id for one in heard} == {account}
    assert [one.kind for one in heard] == ["post", "post", "post", "post", "comment"]
    assert [one.edited for one in heard] == [False, False, False, True, False]


async def test_a_held_text_is_its_authors_and_the_moderators(place: Place, heard: list[Utterance]) -> None:
    assert not heard
    _, author = await place.member()
    _, other = await place.member()
    _, editor = await place.member(CommunityRole.EDITOR)
    _, moderator = await place.member(CommunityRole.MODERATOR)
    answer = await author.post(f"{place.path}/posts", json={"body": "hold it"})
    held = answer.json()
    assert (answer.status_code, held["state"]) == (201, "held")
    url = f"{place.path}/posts/{held['id']}"
    for client, status in ((author, 200), (moderator, 200), (other, 404), (editor, 404)):
        assert (await client.get(url)).status_code == status
        assert (await client.get(f"{place.path}/posts")).json()["data"] == []
        assert (await client.get(f"{url}/comments")).status_code == status
        assert (await client.post(f"{url}/comments", json={"body": "x"})).status_code == 404
        assert (await client.put(f"{url}/reactions/👍")).status_code == 404
    published = {one.aggregateid for one in await place.kit.events(PostPublished)}
    assert UUID(held["id"]) not in published
    assert [e.data["state"] for e in await place.kit.events(PostWritten) if e.data["post_id"] == held["id"]] == ["held"]


async def test_what_is_held_is_no_editors_business(place: Place, heard: list[Utterance]) -> None:
    assert not heard
    _, writer = await place.member(CommunityRole.EDITOR)
    _, colleague = await place.member(CommunityRole.EDITOR)
    held = await place.post(writer, "hold it", kind="article")
    url = f"{place.path}/posts/{held['id']}"
    for path in (url, f"{url}/revisions", f"{url}/reviews", f"{url}/proposal"):
        assert (await colleague.get(path)).status_code == 404
    assert (await colleague.patch(url, json={"body": "x"}, headers=if_match(1))).status_code == 404
    assert (await colleague.delete(url, headers=if_match(1))).status_code == 404
    again = await writer.patch(url, json={"body": "mild"}, headers=if_match(1))
    assert (again.status_code, again.json()["state"]) == (200, "held")


async def test_held_comments(place: Place, heard: list[Utterance]) -> None:
    assert not heard
    _, author = await place.member()
    _, other = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    post = await place.post(author)
    held = await place.comment(author, post["id"], "hold it")
    assert held["state"] == "held"
    for client, seen in ((author, 1), (moderator, 1), (other, 0)):
        listed = (await client.get(f"{place.path}/posts/{post['id']}/comments")).json()["data"]
        assert len(listed) == seen
        answer = await client.get(f"{place.path}/comments/{held['id']}")
        assert answer.status_code == (200 if seen else 404)
        assert (await client.put(f"{place.path}/comments/{held['id']}/reactions/👍")).status_code == 404
        assert (await client.get(f"{place.path}/posts/{post['id']}")).json()["comment_count"] == 0
    told = [e.type for e in await place.kit.events(CommentHeld, CommentPublished) if e.data["post_id"] == post["id"]]
    assert told == [CommentHeld.type]


async def test_an_edit_may_be_held_and_released(place: Place, heard: list[Utterance]) -> None:
    assert not heard
    account, author = await place.member()
    _, other = await place.member()
    post = await place.post(author)
    url = f"{place.path}/posts/{post['id']}"
    edited = await author.patch(url, json={"body": "hold this"}, headers=if_match(1))
    assert (edited.json()["state"], edited.json()["version"]) == ("held", 3)
    assert (await other.get(url)).status_code == 404
    async with transaction(place.kit.runtime.engine, place.organization) as session:
        row = await queries.lock_post(session, place.community, UUID(post["id"]))
        await settle_post(session, row, PostState.PUBLISHED, actor=account)
    assert (await other.get(url)).json()["body"] == "hold this"
    events = await place.kit.events(PostPublished, PostEdited, PostWithdrawn, PostRestored)
    mine = [(e.type, e.aggregateversion) for e in events if e.data["post_id"] == post["id"]]
    assert sorted(mine, key=lambda one: one[1]) == [
        (PostPublished.type, 1),
        (PostEdited.type, 2),
        (PostWithdrawn.type, 3),
        (PostRestored.type, 4),
    ]


async def test_a_delivery_becomes_one_post(place: Place, heard: list[Utterance]) -> None:
    account, client = await place.member(CommunityRole.EDITOR)
    piece = Piece(
        organization_id=place.organization,
        community_id=place.community,
        author_id=account,
        kind=PostKind.GREETING,
        body="早上好!",
        section="morning",
        delivery_id=new_id(),
    )
    ids = []
    for _ in range(2):
        async with transaction(place.kit.runtime.engine, place.organization) as session:
            ids.append((await publish_item(session, piece)).id)
    assert ids[0] == ids[1]
    [shown] = (await client.get(f"{place.path}/posts")).json()["data"]
    assert (shown["id"], shown["kind"], shown["state"]) == (str(ids[0]), "greeting", "published")
    [event] = [e for e in await place.kit.events(PostPublished) if e.aggregateid == ids[0]]
    assert event.data["delivery_id"] == str(piece.delivery_id)
    assert [one.by for one in heard] == [None]


async def test_a_delivery_that_a_rule_forbids_is_refused(place: Place, heard: list[Utterance]) -> None:
    account, _ = await place.member(CommunityRole.EDITOR)
    piece = Piece(
        organization_id=place.organization,
        community_id=place.community,
        author_id=account,
        kind=PostKind.ARTICLE,
        body="block",
    )
    async with transaction(place.kit.runtime.engine, place.organization) as session:
        with pytest.raises(KeptProblem) as refused:
            await publish_item(session, piece)
        assert (await session.execute(text("SELECT count(*) FROM post"))).scalar_one() == 0
    assert refused.value.code == "text-blocked"
    assert heard
    assert await found(place) == 1
    assert commands.CHECKS
