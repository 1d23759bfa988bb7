"""Imports: judged item by item, each thing once, at its original time, whatever happens meanwhile."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.content.conftest import Place, code, if_match, make_place

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.base import Origin
from contracts.content import CommentPublished, PostPublished, ReactionAdded
from contracts.members import CommunityRole, CommunityState, MembershipState

START = datetime(2018, 1, 1, tzinfo=UTC)


class Intake:
    """A manager with an export of two authors."""

    def __init__(self, place: Place, importer: UUID, client: httpx.AsyncClient, authors: list[UUID]) -> None:
        self.place, self.importer, self.client, self.authors = place, importer, client, authors

    def post(self, number: int, **fields: Any) -> dict[str, Any]:
        return {
            "external_id": f"p{number}",
            "author_id": str(self.authors[number % 2]),
            "body": f"post {number}",
            "published_at": (START + timedelta(hours=number)).isoformat(),
            **fields,
        }

    def comment(self, number: int, post: int = 0, **fields: Any) -> dict[str, Any]:
        return {
            "external_id": f"c{number}",
            "post_external_id": f"p{post}",
            "author_id": str(self.authors[number % 2]),
            "body": f"comment {number}",
            "commented_at": (START + timedelta(days=1, hours=number)).isoformat(),
            **fields,
        }

    def reaction(self, subject: str, author: int = 0, emoji: str = "👍", **fields: Any) -> dict[str, Any]:
        return {"subject_external_id": subject, "author_id": str(self.authors[author]), "emoji": emoji, **fields}

    async def send(self, kind: str, items: list[Any], source: str = "slack") -> dict[str, Any]:
        answer = await self.client.post(f"{self.place.path}/{kind}/imports", json={"source": source, "items": items})
        assert answer.status_code == 200, answer.text
        report = dict(answer.json())
        assert report["created"] + report["existing"] + len(report["rejected"]) == len(items)
        assert report["created"] + report["existing"] == len(report["items"])
        return report


async def intake_of(place: Place) -> Intake:
    importer, client = await place.member(CommunityRole.MANAGER, staff=True)
    authors = [
        await place.kit.member(place.organization, place.community, state=state)
        for state in (MembershipState.APPROVED, MembershipState.LEFT)
    ]
    return Intake(place, importer, client, authors)


@pytest.fixture
async def intake(place: Place) -> Intake:
    return await intake_of(place)


def codes(report: dict[str, Any]) -> list[tuple[int, str]]:
    return [(item["index"], item["code"]) for item in report["rejected"]]


async def test_a_conversation_comes_in_with_its_times(intake: Intake) -> None:
    file = {"name": "a.pdf", "media_type": "application/pdf", "size": 3, "url": "https://files.example/a.pdf"}
    posts = await intake.send(
        "posts",
        [
            intake.post(0, section="random", attachments=[file, {"name": "b"}], edited_at="2018-01-02T00:00:00+08:00"),
            intake.post(1, title="Title", body=f"<@{intake.authors[0]}>"),
        ],
    )
    assert (posts["created"], posts["existing"], posts["rejected"]) == (2, 0, [])
    assert [item["outcome"] for item in posts["items"]] == ["created", "created"]
    comments = await intake.send("comments", [intake.comment(0), intake.comment(1), intake.comment(2, post=1)])
    assert comments["created"] == 3
    reactions = await intake.send(
        "reactions",
        [
            intake.reaction("p0"),
            intake.reaction("p0", emoji=":party:"),
            intake.reaction("p0", 1),
            intake.reaction("c1"),
        ],
    )
    assert reactions["created"] == 4
    assert [item["external_id"] for item in reactions["items"]] == ["p0", "p0", "p0", "c1"]
    assert len({item["id"] for item in reactions["items"]}) == 3

    feed = (await intake.client.get(f"{intake.place.path}/posts")).json()["data"]
    assert [post["external_id"] for post in feed] == ["p1", "p0"]
    first = feed[1]
    assert first["id"] == posts["items"][0]["id"]
    assert (first["origin"], first["section"], first["author_id"]) == ("import", "random", str(intake.authors[0]))
    assert first["published_at"] == "2018-01-01T00:00:00+00:00"
    assert first["edited_at"] == "2018-01-01T16:00:00+00:00"
    assert first["attachments"] == [file, {"name": "b"}]
    assert (first["comment_count"], first["reaction_counts"]) == (2, {"👍": 2, ":party:": 1})
    assert (feed[0]["section"], feed[0]["title"]) == ("general", "Title")
    listed = (await intake.client.get(f"{intake.place.path}/posts/{first['id']}/comments")).json()["data"]
    assert [(one["external_id"], one["reaction_counts"]) for one in listed] == [("c0", {}), ("c1", {"👍": 1})]
    assert listed[0]["commented_at"] == "2018-01-02T00:00:00+00:00"

    for event in await intake.place.kit.events(PostPublished, CommentPublished, ReactionAdded):
        if event.community != intake.place.community:
            continue
        assert (event.origin, event.actor) == (Origin.IMPORT, intake.importer)
        assert event.time.year == 2018
        assert event.recordedtime.year > 2018
        if event.type == ReactionAdded.type:
            assert event.data["timed"] is False
    told = [e for e in await intake.place.kit.events(ReactionAdded) if e.data["subject_id"] == first["id"]]
    mine = [e for e in told if e.data["account_id"] == str(intake.authors[0])]
    assert sorted((e.aggregateversion, e.data["emoji"]) for e in mine) == [(1, "👍"), (2, ":party:")]
    assert all(e.time == START and e.data["subject_author_id"] == str(intake.authors[0]) for e in told)


async def test_importing_again_changes_nothing(intake: Intake) -> None:
    batches: list[tuple[str, list[Any]]] = [
        ("posts", [intake.post(number) for number in range(20)]),
        ("comments", [intake.comment(number, number % 20) for number in range(50)]),
        ("reactions", [intake.reaction(f"p{n % 20}", n % 2, f":e{n % 3}:") for n in range(60)]),
    ]
    first = [await intake.send(kind, items) for kind, items in batches]
    told = len(await intake.place.kit.events())
    rows = await everything(intake.place.kit)
    again = [await intake.send(kind, items) for kind, items in batches]
    for before, after in zip(first, again, strict=True):
        assert after["created"] == 0
        assert after["existing"] == before["created"] + before["existing"]
        assert {item["outcome"] for item in after["items"]} == {"existing"}
        assert [item["id"] for item in after["items"]] == [item["id"] for item in before["items"]]
    assert len(await intake.place.kit.events()) == told
    assert await everything(intake.place.kit) == rows


async def everything(kit: Kit) -> list[Any]:
    return [await kit.sql(f"SELECT * FROM {table} ORDER BY id") for table in ("post", "comment", "reaction")]


async def test_what_was_deleted_is_not_resurrected(intake: Intake) -> None:
    path = intake.place.path
    posts = (await intake.send("posts", [intake.post(0), intake.post(1)]))["items"]
    comments = (await intake.send("comments", [intake.comment(0), intake.comment(1), intake.comment(2, 1)]))["items"]
    await intake.send(
        "reactions",
        [intake.reaction("p0"), intake.reaction("c0"), intake.reaction("p1"), intake.reaction("p1", emoji="🎉")],
    )
    assert (await intake.client.delete(f"{path}/posts/{posts[0]['id']}", headers=if_match(1))).status_code == 204
    assert (await intake.client.delete(f"{path}/comments/{comments[2]['id']}", headers=if_match(1))).status_code == 204
    author = intake.place.kit.person(intake.place.organization, intake.authors[0])
    assert (await author.delete(f"{path}/posts/{posts[1]['id']}/reactions/👍")).status_code == 204

    for _ in range(2):
        report = await intake.send("posts", [intake.post(0, body="back again"), intake.post(1)])
        assert (report["created"], report["existing"]) == (0, 2)
        report = await intake.send("comments", [intake.comment(0), intake.comment(1), intake.comment(2, 1)])
        assert (report["created"], report["existing"]) == (0, 3)
        report = await intake.send(
            "reactions",
            [intake.reaction("p0"), intake.reaction("c0"), intake.reaction("p1"), intake.reaction("p1", emoji="🎉")],
        )
        assert (report["created"], report["existing"]) == (0, 4)
    assert (await intake.client.get(f"{path}/posts/{posts[0]['id']}")).status_code == 404
    [left] = (await intake.client.get(f"{path}/posts")).json()["data"]
    assert (left["comment_count"], left["reaction_counts"]) == (0, {"🎉": 1})
    report = await intake.send("comments", [intake.comment(9, 0)])
    assert codes(report) == [(0, "post-deleted")]
    report = await intake.send(
        "reactions", [intake.reaction("p0", 1), intake.reaction("c2"), intake.reaction("c0", emoji="🎉")]
    )
    assert codes(report) == [(0, "subject-deleted"), (1, "subject-deleted"), (2, "subject-deleted")]


async def test_a_reaction_added_here_before_the_import(intake: Intake) -> None:
    [post] = (await intake.send("posts", [intake.post(0)]))["items"]
    url = f"{intake.place.path}/posts/{post['id']}"
    author = intake.place.kit.person(intake.place.organization, intake.authors[0])
    live = (await author.put(f"{url}/reactions/👍")).json()
    report = await intake.send(
        "reactions", [intake.reaction("p0"), intake.reaction("p0", emoji="🎉"), intake.reaction("p0", emoji="🎉")]
    )
    assert [item["outcome"] for item in report["items"]] == ["existing", "created", "existing"]
    [row] = (await intake.client.get(f"{url}/reactions")).json()["data"]
    assert (row["id"], row["emojis"], row["version"]) == (live["id"], ["👍", "🎉"], 2)
    assert datetime.fromisoformat(row["reacted_at"]) == datetime.fromisoformat(live["reacted_at"])
    await author.delete(f"{url}/reactions/👍")
    report = await intake.send("reactions", [intake.reaction("p0")])
    assert report["existing"] == 1
    assert (await intake.client.get(url)).json()["reaction_counts"] == {"🎉": 1}


async def test_each_item_is_judged_alone(intake: Intake, movable_clock: MovableClock) -> None:
    now = movable_clock()
    good = intake.post(0)
    items: list[tuple[Any, str]] = [
        ("no object", "item-malformed"),
        (None, "item-malformed"),
        ({}, "external-id-missing"),
        (intake.post(1, external_id=""), "external-id-empty"),
        (intake.post(1, external_id="x" * 201), "external-id-too-long"),
        (intake.post(1, external_id="a\x00b"), "external-id-control-character"),
        (intake.post(1, external_id=7), "external-id-malformed"),
        (intake.post(1, author_id=str(uuid4())), "author-unknown"),
        (intake.post(1, author_id="me"), "author-id-malformed"),
        (intake.post(1, body=""), "body-empty"),
        (intake.post(1, body=" \n "), "body-empty"),
        (intake.post(1, body="x" * 100_001), "body-too-long"),
        (intake.post(1, body="a\x00b"), "body-control-character"),
        (intake.post(1, body="a\x1b[31m"), "body-control-character"),
        (intake.post(1, body=None), "body-malformed"),
        ({name: value for name, value in intake.post(1).items() if name != "published_at"}, "published-at-missing"),
        (intake.post(1, published_at="yesterday"), "published-at-malformed"),
        (intake.post(1, published_at="2018-01-01T00:00:00"), "published-at-malformed"),
        (intake.post(1, published_at=(now + timedelta(minutes=6)).isoformat()), "published-at-in-future"),
        (intake.post(1, published_at="1969-12-31T23:59:59Z"), "published-at-too-early"),
        (intake.post(1, published_at="0001-01-01T00:00:00+14:00"), "published-at-malformed"),
        (intake.post(1, published_at="9999-12-31T23:59:59-14:00"), "published-at-malformed"),
        (intake.post(1, edited_at="9999-12-31T23:59:59-14:00"), "edited-at-malformed"),
        (intake.post(1, section="two words"), "section-malformed"),
        (intake.post(1, colour="red"), "field-unknown"),
        (intake.post(1, attachments=[{"name": "x", "url": "javascript:alert(1)"}]), "attachments-malformed"),
        (intake.post(1, attachments=[{"name": "../../etc/passwd\x00"}]), "attachments-control-character"),
        (intake.post(1, attachments=[{"name": "x"}] * 51), "attachments-too-many"),
        (intake.post(1, attachments=[{"name": "x", "size": -1}]), "attachments-malformed"),
    ]
    report = await intake.send("posts", [good, *(item for item, _ in items), intake.post(2)])
    assert codes(report) == [(index, name) for index, (_, name) in enumerate(items, 1)]
    assert [item["external_id"] for item in report["items"]] == ["p0", "p2"]
    assert all(len(item["detail"]) <= 500 for item in report["rejected"])
    feed = (await intake.client.get(f"{intake.place.path}/posts")).json()["data"]
    assert [post["external_id"] for post in feed] == ["p2", "p0"]

    report = await intake.send(
        "comments",
        [
            intake.comment(0),
            intake.comment(1, 77),
            intake.comment(2, author_id=str(uuid4())),
            intake.comment(3, body="\x07"),
            intake.comment(4, commented_at=0.5e99),
            intake.comment(5, post_external_id="c0"),
        ],
    )
    assert codes(report) == [
        (1, "post-unknown"),
        (2, "author-unknown"),
        (3, "body-control-character"),
        (4, "commented-at-malformed"),
        (5, "post-unknown"),
    ]
    many = [intake.reaction("p2", 1, f":e{number}:") for number in range(12)]
    report = await intake.send(
        "reactions",
        [
            intake.reaction("p0"),
            intake.reaction("p1"),
            intake.reaction("p0", author_id=str(uuid4())),
            intake.reaction("p0", emoji="no emoji"),
            intake.reaction("p0", emoji="a\x00"),
            *many,
        ],
    )
    assert codes(report) == [
        (1, "subject-unknown"),
        (2, "author-unknown"),
        (3, "emoji-malformed"),
        (4, "emoji-malformed"),
        (15, "too-many-emojis"),
        (16, "too-many-emojis"),
    ]


async def test_doubles_within_a_batch_are_existing(intake: Intake) -> None:
    unknown = intake.post(0, author_id=str(uuid4()))
    report = await intake.send(
        "posts", [unknown, intake.post(0), intake.post(0, body="other"), intake.post(1), unknown]
    )
    assert codes(report) == [(0, "author-unknown")]
    assert [item["outcome"] for item in report["items"]] == ["created", "existing", "created", "existing"]
    assert len({item["id"] for item in report["items"]}) == 2
    report = await intake.send("comments", [intake.comment(0), intake.comment(0)])
    assert [item["outcome"] for item in report["items"]] == ["created", "existing"]
    report = await intake.send("reactions", [intake.reaction("c0"), intake.reaction("c0")])
    assert [item["outcome"] for item in report["items"]] == ["created", "existing"]


async def test_sources_and_communities_do_not_mix(intake: Intake) -> None:
    other = await intake_of(await make_place(intake.place.kit))
    first = await intake.send("posts", [intake.post(0)])
    second = await intake.send("posts", [intake.post(0)], source="discourse")
    third = await other.send("posts", [other.post(0)])
    assert len({report["items"][0]["id"] for report in (first, second, third)}) == 3
    assert codes(await intake.send("comments", [intake.comment(0)], source="wechat")) == [(0, "post-unknown")]
    foreign = intake.post(5, author_id=str(other.authors[0]))
    assert codes(await intake.send("posts", [foreign])) == [(0, "author-unknown")]


@pytest.mark.parametrize(("kind", "most"), [("posts", 500), ("comments", 500), ("reactions", 1000)])
async def test_batches_as_a_whole(intake: Intake, kind: str, most: int) -> None:
    url = f"{intake.place.path}/{kind}/imports"
    assert (await intake.send(kind, []))["items"] == []
    assert len((await intake.send(kind, [{}] * most))["rejected"]) == most
    for document, status in (
        ({"source": "slack", "items": [{}] * (most + 1)}, 422),
        ({"source": "Not A Slug", "items": []}, 422),
        ({"items": []}, 422),
        ({"source": "slack", "items": {}}, 422),
        ({"source": "slack", "items": [], "more": 1}, 422),
    ):
        answer = await intake.client.post(url, json=document)
        assert answer.status_code == status
        assert code(answer) == "invalid"
    content = b'{"source": "slack", "items": ["' + b"x" * (9 * 2**20) + b'"]}'
    answer = await intake.client.post(url, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, code(answer)) == (413, "body-too-large")


async def test_ten_megabytes_of_text_cost_one_item_only(intake: Intake) -> None:
    report = await intake.send("posts", [intake.post(0), intake.post(1, body="x" * 7_000_000), intake.post(2)])
    assert codes(report) == [(1, "body-too-long")]
    assert report["created"] == 2


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (CommunityState.DRAFT, 200),
        (CommunityState.OPEN, 200),
        (CommunityState.PAUSED, 200),
        (CommunityState.ARCHIVED, 409),
    ],
)
async def test_states_of_the_community(kit: Kit, state: CommunityState, status: int) -> None:
    intake = await intake_of(await make_place(kit, state))
    for kind in ("posts", "comments", "reactions"):
        answer = await intake.client.post(f"{intake.place.path}/{kind}/imports", json={"source": "slack", "items": []})
        assert answer.status_code == status


async def test_two_imports_of_one_file_at_once(intake: Intake) -> None:
    """They neither deadlock nor double anything, in whatever order their items come."""
    batches: list[tuple[str, list[Any]]] = [
        ("posts", [intake.post(number) for number in range(150)]),
        ("comments", [intake.comment(number, number % 150) for number in range(300)]),
        ("reactions", [intake.reaction(f"p{n % 40}", n % 2, f":e{n % 7}:") for n in range(280)]),
    ]
    for kind, items in batches:
        wanted = len(
            {
                (
                    i.get("external_id") or i["subject_external_id"],
                    i.get("emoji"),
                    kind != "reactions" or i["author_id"],
                )
                for i in items
            }
        )
        shuffled = [random.Random(seed).sample(items, len(items)) for seed in range(6)]
        reports = await asyncio.gather(*(intake.send(kind, one) for one in shuffled))
        assert sum(report["created"] for report in reports) == wanted
        assert not any(report["rejected"] for report in reports)
    kit, community = intake.place.kit, intake.place.community
    for event, table, column in (
        (PostPublished, "post", "1"),
        (CommentPublished, "comment", "1"),
        (ReactionAdded, "reaction", "version"),
    ):
        told = [e for e in await kit.events(event) if e.community == community]
        rows = await kit.sql(f"SELECT id, {column} AS version FROM {table} WHERE community_id = $1", community)
        assert sorted((e.aggregateid, e.aggregateversion) for e in told) == sorted(
            (row["id"], version) for row in rows for version in range(1, row["version"] + 1)
        )


async def test_the_header_of_positions_stays_a_header(intake: Intake) -> None:
    items = [intake.post(number) for number in range(500)]
    answer = await intake.client.post(f"{intake.place.path}/posts/imports", json={"source": "slack", "items": items})
    positions = answer.headers["hearth-position"]
    assert len(positions) < 16_000
    assert positions.count("post/") == 200
    assert positions.endswith(f"post/{answer.json()['items'][-1]['id']}@1")


async def test_a_text_that_mentions_a_crowd_mentions_its_first_fifty(intake: Intake) -> None:
    crowd = [uuid4() for _ in range(2000)]
    body = " ".join(f"<@{one}>" for one in crowd)
    await intake.send("posts", [intake.post(0, body=body)])
    await intake.send("comments", [intake.comment(0, body=body)])
    kept = await intake.place.kit.sql(
        "SELECT mentions FROM post WHERE community_id = $1 UNION ALL SELECT mentions FROM comment WHERE community_id = $1",
        intake.place.community,
    )
    assert [row["mentions"] for row in kept] == [crowd[:50]] * 2
