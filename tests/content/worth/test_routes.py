"""Worth over HTTP: what a piece did, the list by it, the balance of weeks, the file; and who may read them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.chassis.workbooks import read_rows
from tests.content.conftest import Place, code, if_match, make_place
from tests.content.desk import make_desk

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from content.worth.policy import SCORE_VERSION
from contracts.content import ContentExportStarted
from contracts.members import CommunityRole


@pytest.fixture
async def place(kit: Kit, movable_clock: MovableClock) -> Place:
    """A community that began when the clock stood still already: the worker comes round by it."""
    assert clock.now() == movable_clock()
    return await make_place(kit)


PATHS = ("worth", "worth/balance", "worth/export.xlsx")


async def read(client: httpx.AsyncClient, place: Place, *posts: str) -> None:
    answer = await client.post(f"{place.path}/reads", json={"post_ids": list(posts)})
    assert answer.status_code == 200, answer.text


async def counted(place: Place, time: MovableClock) -> None:
    """Let the worker come round."""
    time.move(minutes=6)
    await place.kit.work()


async def listed(client: httpx.AsyncClient, place: Place, **query: Any) -> list[dict[str, Any]]:
    """All pages of the list."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(f"{place.path}/worth", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        if answer.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_a_piece_with_all_that_it_did(place: Place, movable_clock: MovableClock) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    _, analyst = await place.member(CommunityRole.ANALYST)
    _, reader = await place.member()
    _, other = await place.member()
    piece = await place.post(editor, kind="article", title="三步记住一个词")
    url = f"{place.path}/posts/{piece['id']}/worth"
    fresh = (await analyst.get(url)).json()
    assert (fresh["score"], fresh["counted_at"], fresh["figures"]["readers"]) == (0.0, None, 0)
    await read(reader, place, piece["id"])
    await reader.put(f"{place.path}/posts/{piece['id']}/bookmark")
    comment = await place.comment(reader, piece["id"])
    await place.comment(other, piece["id"], parent_id=comment["id"])
    await counted(place, movable_clock)
    found = (await analyst.get(url)).json()
    assert found == {
        "post_id": piece["id"],
        "kind": "article",
        "title": "三步记住一个词",
        "theme_id": None,
        "group_id": None,
        "promotion": False,
        "origin": "live",
        "state": "published",
        "published_at": "2026-03-02T09:00:00Z",
        "score": 15.25,
        "points": 18.0,
        "score_version": SCORE_VERSION,
        "figures": {
            "readers": 1, "saves": 1, "discussants": 2, "repliers": 1, "compared": 0, "returned": 0, "expected": 0.0,
            "uplift": None, "referrals": 0, "orders": 0,
        },
        "counted_at": found["counted_at"],
    }  # fmt: skip
    assert (await editor.get(url)).json() == found
    [one] = await listed(editor, place)
    assert one == found


async def test_pieces_by_what_they_did(place: Place, movable_clock: MovableClock) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    readers = [(await place.member())[1] for _ in range(3)]
    pieces = [await place.post(editor, kind="article") for _ in range(3)]
    topic = await place.post(editor, kind="daily_topic")
    for number, reader in enumerate(readers):
        await read(reader, place, *(piece["id"] for piece in pieces[number:]))
    await counted(place, movable_clock)
    order = [pieces[2]["id"], pieces[1]["id"], pieces[0]["id"], topic["id"]]
    assert [one["post_id"] for one in await listed(editor, place)] == order
    assert [one["post_id"] for one in await listed(editor, place, limit=1)] == order
    assert [one["post_id"] for one in await listed(editor, place, kind="daily_topic")] == [topic["id"]]
    assert await listed(editor, place, theme=str(new_id())) == []
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    assert await listed(editor, place, until=yesterday) == []
    page = (await editor.get(f"{place.path}/worth", params={"limit": 1})).json()
    foreign = await editor.get(
        f"{place.path}/worth", params={"limit": 1, "kind": "article", "cursor": page["next_cursor"]}
    )
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


async def test_equal_pieces_are_paged_without_repeats(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    pieces = {(await place.post(editor))["id"] for _ in range(5)}
    found = [one["post_id"] for one in await listed(editor, place, limit=2)]
    assert len(found) == 5
    assert set(found) == pieces


async def test_what_is_gone_or_was_never_seen_has_no_worth(place: Place, movable_clock: MovableClock) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    _, author = await place.member()
    gone = await place.post(author)
    await counted(place, movable_clock)
    assert (await author.delete(f"{place.path}/posts/{gone['id']}", headers=if_match(1))).status_code == 204
    draft = await place.post(editor, kind="article", draft=True)
    for post in (gone["id"], draft["id"], str(new_id())):
        answer = await editor.get(f"{place.path}/posts/{post}/worth")
        assert (answer.status_code, code(answer)) == (404, "not-found"), post
    assert await listed(editor, place) == []
    rows = await place.kit.sql("SELECT FROM worth WHERE post_id = $1", UUID(draft["id"]))
    assert rows == [], "nobody ever saw it"


async def test_an_imported_piece_is_marked(place: Place, movable_clock: MovableClock) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    account, author = await place.member()
    piece = await place.post(author)
    await place.kit.sql(
        "UPDATE post SET origin = 'import', source = 'slack', external_id = '1' WHERE id = $1", UUID(piece["id"])
    )
    await counted(place, movable_clock)
    [found] = await listed(editor, place)
    assert (found["post_id"], found["origin"]) == (piece["id"], "import")
    assert account


async def test_who_may_read_worth(place: Place, kit: Kit) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    piece = await place.post(member)
    paths = [f"{place.path}/{path}" for path in (*PATHS, f"posts/{piece['id']}/worth")]
    others = [
        (member, 403),
        ((await place.member(CommunityRole.MODERATOR))[1], 403),
        (kit.person(place.organization), 403),
        (kit.partner(place.organization, "members:read"), 403),
        (kit.staff(new_id()), 404),
        (kit.client(), 401),
        (editor, 200),
        ((await place.member(CommunityRole.ANALYST))[1], 200),
        ((await place.member(CommunityRole.MANAGER))[1], 200),
        (kit.staff(place.organization), 200),
    ]
    for client, status in others:
        for path in paths:
            assert (await client.get(path)).status_code == status, (path, status)
    elsewhere = await make_place(kit)
    _, stranger = await elsewhere.member(CommunityRole.EDITOR)
    assert (await stranger.get(f"{elsewhere.path}/posts/{piece['id']}/worth")).status_code == 404


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
async def test_the_balance_of_weeks(kit: Kit, movable_clock: MovableClock, zone: str) -> None:
    desk = await make_desk(kit, zone=zone)
    place, sells = desk.place, await desk.theme(promotion=True)
    _, member = await place.member()
    # Sunday 20:00 UTC is Monday in Shanghai, and Sunday in New York.
    for body in ("article", "resource"):
        await place.post(desk.editor, kind=body)
    await place.post(desk.editor, kind="article", promotion=True)
    await place.post(member, "聊聊天")
    movable_clock.instant = datetime(2026, 3, 15, 20, tzinfo=UTC)
    themed = await place.post(desk.editor, kind="article")
    await kit.sql("UPDATE post SET theme_id = $1 WHERE id = $2", UUID(sells["id"]), UUID(themed["id"]))
    movable_clock.move(days=2)
    query = {"since": "2026-03-04", "until": "2026-03-17"}
    found = (await desk.editor.get(f"{place.path}/worth/balance", params=query)).json()
    last = 1 if zone == "America/New_York" else 2
    assert [(week["week"], week["value"], week["promotion"], week["ratio"]) for week in found["weeks"]] == [
        ("2026-W10", 2, 1, 2.0),
        ("2026-W11", 0, int(last == 1), None if last == 2 else 0.0),
        ("2026-W12", 0, int(last == 2), None if last == 1 else 0.0),
    ]
    assert (found["since"], found["until"], found["ratio"]) == ("2026-03-02", "2026-03-22", 1.0)
    whole = (await desk.editor.get(f"{place.path}/worth/balance")).json()
    assert (len(whole["weeks"]), whole["weeks"][-1]["week"]) == (12, "2026-W12")
    refused = await desk.editor.get(
        f"{place.path}/worth/balance", params={"since": "2024-01-01", "until": "2026-03-17"}
    )
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "period-too-long")


async def test_worth_as_a_file(place: Place, movable_clock: MovableClock) -> None:
    _, analyst = await place.member(CommunityRole.ANALYST)
    _, editor = await place.member(CommunityRole.EDITOR)
    _, reader = await place.member()
    first = await place.post(editor, kind="article", title="=1+1")
    second = await place.post(editor, kind="resource")
    await read(reader, place, second["id"])
    await counted(place, movable_clock)
    url = f"{place.path}/worth/export.xlsx"
    header, *rows = read_rows((await analyst.get(url)).content)
    assert [row[header.index("Post")] for row in rows] == [first["id"], second["id"]]
    assert [row[header.index("Readers")] for row in rows] == [0, 1]
    assert rows[0][header.index("Title")] == "=1+1"
    _, *rows = read_rows((await analyst.get(url, params={"kind": "resource"})).content)
    assert [row[header.index("Post")] for row in rows] == [second["id"]]
    told = [one for one in await place.kit.events(ContentExportStarted) if one.community == place.community]
    assert [(one.data["list_name"], one.data["rows"]) for one in told] == [("worth", 2), ("worth", 1)]
