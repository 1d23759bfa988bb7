"""Entry links: made, opened by anybody, held to their limit, counted."""

import struct
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
import segno
from pydantic import ValidationError
from tests.members.screening.scene import (
    ANSWERS,
    AUTOMATIC,
    applicant,
    apply,
    decide,
    match,
    screening,
    step,
    together,
    url,
)
from tests.members.town import Town, found_town

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import ApplicationDecided, EntryLinkChanged
from members.screening.links import images
from members.settings import MembersSettings

URLS = {"database_url": "postgresql://a@h/d", "worker_database_url": "postgresql://w@h/d"}


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def link(town: Town, community: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await town.owner.post(
        url(community, "/entry-links"), json={"channel": "article", "title": {"en": "Footer"}, **body}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def group_of(town: Town, community: dict[str, Any]) -> str:
    body = {"dimension": "interest", "name": {"zh": "口语角"}}
    answer = await town.owner.post(url(community, "/groups"), json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def used(town: Town, community: dict[str, Any], made: dict[str, Any]) -> int:
    found: int = (await town.owner.get(url(community, f"/entry-links/{made['id']}"))).json()["used"]
    return found


async def test_a_door_is_made_changed_closed_and_opened_again(town: Town) -> None:
    community = await screening(town)
    group = await group_of(town, community)
    made = await link(town, community, kind="qr", most=5, tags=["新人", "新人"], group_id=group)
    assert (made["kind"], made["most"], made["used"], made["tags"], made["group_id"], made["closed"]) == (
        "qr",
        5,
        0,
        ["新人"],
        group,
        None,
    )
    assert made["path"] == f"/v1/entry-links/{made['token']}"
    one = url(community, f"/entry-links/{made['id']}")
    changed = await town.owner.patch(one, json={"most": None, "channel": "booth"}, headers=match(1))
    assert (changed.json()["most"], changed.json()["channel"], changed.json()["group_id"]) == (None, "booth", group)
    assert (await town.owner.patch(one, json={"most": 1}, headers=match(1))).status_code == 412
    closed = await town.owner.patch(one, json={"withdrawn": True}, headers=match(2))
    assert (closed.json()["closed"], closed.json()["can"]) == ("withdrawn", ["edit", "restore"])
    assert (await town.owner.patch(one, json={"withdrawn": False}, headers=match(3))).json()["closed"] is None
    await link(town, community, channel="poster")
    listed = (await town.owner.get(url(community, "/entry-links"), params={"limit": 1})).json()
    assert [one["channel"] for one in listed["data"]] == ["poster"]
    cursor = {"limit": 1, "cursor": listed["next_cursor"]}
    rest = (await town.owner.get(url(community, "/entry-links"), params=cursor)).json()
    assert ([one["channel"] for one in rest["data"]], rest["next_cursor"]) == (["booth"], None)
    only = (await town.owner.get(url(community, "/entry-links"), params={"channel": "booth"})).json()
    assert len(only["data"]) == 1
    events = [e for e in await town.kit.events(EntryLinkChanged) if str(e.aggregateid) == made["id"]]
    assert [e.data["withdrawn"] for e in events] == [False, False, True, False]
    assert made["token"] not in str([e.data for e in events])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"channel": "Über"}, "/channel"),
        ({"most": 0}, "/most"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "/expires_at"),
        ({"tags": ["a/b"]}, "/tags/0"),
        ({"title": {}}, "/title"),
    ],
)
async def test_bad_input_says_where(town: Town, body: dict[str, Any], pointer: str) -> None:
    community = await town.community()
    answer = await town.owner.post(
        url(community, "/entry-links"), json={"channel": "article", "title": {"en": "x"}, **body}
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_anybody_with_the_token_sees_the_community_and_its_form_and_no_more(town: Town) -> None:
    community = await screening(town)
    made = await link(town, community, title={"en": "Secret booth"}, tags=["vip"])
    door = await town.kit.client().get(made["path"])
    assert door.status_code == 200, door.text
    seen = door.json()
    assert (seen["community_id"], seen["name"], seen["closed"]) == (community["id"], community["name"], None)
    assert [one["key"] for one in seen["questions"]][:2] == ["level", "hours"]
    for private in ("points", "learners", "Secret", "vip", str(town.organization)):
        assert private not in door.text
    for token in ("A" * 22, "x", "%27%20OR%201=1", "A" * 65):
        assert (await town.kit.client().get(f"/v1/entry-links/{token}")).status_code in {404, 422}
    await town.owner.post(url(community, "/pause"), headers=match(2))
    assert (await town.kit.client().get(made["path"])).json()["closed"] == "community_not_open"
    await town.owner.post(url(community, "/archive"), headers=match(3))
    ended = (await town.kit.client().get(made["path"])).json()
    assert (ended["closed"], ended["questions"]) == ("community_not_open", [])
    body = {"answers": ANSWERS, "link_token": made["token"]}
    late = await (await town.person())[1].post(url(community, "/applications"), json=body)
    assert (late.status_code, late.json()["type"]) == (409, "urn:hearth:problem:community-not-open")


async def test_a_door_of_a_draft_is_not_there_yet(town: Town) -> None:
    community = await town.community(state="draft")
    made = await link(town, community)
    assert (await town.kit.client().get(made["path"])).status_code == 404


async def test_a_door_leads_to_an_open_group_of_its_own_community(town: Town) -> None:
    community, other = await town.community(), await town.community()
    foreign, closed = await group_of(town, other), await group_of(town, community)
    shut = await town.owner.patch(url(community, f"/groups/{closed}"), json={"state": "closed"}, headers=match(1))
    assert shut.status_code == 200, shut.text
    made = await link(town, community)
    for group, code in ((str(new_id()), "unknown"), (foreign, "unknown"), (closed, "group-closed")):
        body = {"channel": "article", "title": {"en": "Footer"}, "group_id": group}
        for answer in (
            await town.owner.post(url(community, "/entry-links"), json=body),
            await town.owner.patch(url(community, f"/entry-links/{made['id']}"), json=body, headers=match(1)),
        ):
            assert answer.status_code == 422, answer.text
            assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/group_id", code)]
    assert (await town.owner.get(url(community, "/entry-links"))).json()["data"] == [made]


async def test_a_door_is_drawn_as_a_code_of_its_address(town: Town) -> None:
    community = await town.community()
    made = await link(town, community, kind="qr")
    assert made["address"] == f"http://127.0.0.1:3000/join/{made['token']}"
    drawn = await town.owner.get(url(community, f"/entry-links/{made['id']}/qr.svg"))
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    code = segno.make_qr(made["address"], error="m")
    wide = len(code.matrix) + 2 * images.BORDER
    picture = ET.fromstring(drawn.content)
    assert (picture.tag, picture.get("viewBox")) == ("{http://www.w3.org/2000/svg}svg", f"0 0 {wide} {wide}")
    assert drawn.content == images.svg(made["address"])
    assert drawn.content != images.svg(made["address"][:-1])
    painted = await town.owner.get(url(community, f"/entry-links/{made['id']}/qr.png"), params={"scale": 3})
    assert painted.headers["content-type"] == "image/png"
    assert painted.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", painted.content[16:24]) == (wide * 3, wide * 3)
    for scale in (0, 41):
        refused = await town.owner.get(url(community, f"/entry-links/{made['id']}/qr.png"), params={"scale": scale})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/query/scale")


@pytest.mark.parametrize("wrong", ["ftp://x/{token}", "https://x/join", "/join/{token}", "https:///{token}"])
def test_the_frontends_address_is_checked_at_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="token"):
        MembersSettings.model_validate(URLS | {"entry_url": wrong})


async def test_who_comes_through_gets_its_tags_and_group(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    group = await group_of(town, community)
    made = await link(town, community, tags=["文章"], group_id=group)
    application, _, account = await applicant(town, community, link_token=made["token"])
    assert application["link_id"] == made["id"]
    tags = await town.kit.sql("SELECT tag FROM membership_tag WHERE account_id = $1 ORDER BY tag", account)
    assert [row["tag"] for row in tags] == ["beginner", "文章"]
    decided = [e for e in await town.kit.events(ApplicationDecided) if str(e.aggregateid) == application["id"]]
    assert (decided[0].data["link_id"], decided[0].data["group_id"]) == (made["id"], group)


async def test_a_hundred_at_once_come_through_up_to_the_limit(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    made = await link(town, community, most=9)
    people = [(await town.person())[1] for _ in range(100)]
    body = {"answers": ANSWERS, "link_token": made["token"]}
    answers = await together(one.post(url(community, "/applications"), json=body) for one in people)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (9, 91)
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["type"] == "urn:hearth:problem:entry-link-closed"
    assert await used(town, community, made) == 9
    assert (await town.kit.client().get(made["path"])).json()["closed"] == "full"
    joined = await town.kit.sql("SELECT count(*) AS n FROM membership WHERE community_id = $1::uuid", community["id"])
    assert joined[0]["n"] == 9 + 1


async def test_a_place_comes_back_when_an_application_comes_to_nothing(town: Town) -> None:
    community = await screening(town)
    made = await link(town, community, most=1)
    first, client, _ = await applicant(town, community, link_token=made["token"])
    _, other = await town.person()
    body = {"answers": ANSWERS, "link_token": made["token"]}
    assert (await other.post(url(community, "/applications"), json=body)).status_code == 409
    await step(client, community, first, "withdraw")
    assert await used(town, community, made) == 0
    second = await apply(other, community, link_token=made["token"])
    rejected = (await decide(town.owner, community, second, "reject")).json()
    assert await used(town, community, made) == 0
    third = await apply(client, community, link_token=made["token"])
    full = await step(town.owner, community, rejected, "undo")
    assert (full.status_code, full.json()["type"]) == (409, "urn:hearth:problem:entry-link-closed")
    await decide(town.owner, community, third, "reject")
    assert (await step(town.owner, community, rejected, "undo")).json()["state"] == "in_review"
    assert await used(town, community, made) == 1


async def test_a_closed_or_foreign_door_lets_nobody_in(town: Town, movable_clock: MovableClock) -> None:
    community, other = await screening(town), await screening(town)
    made = await link(town, community, expires_at="2026-03-02T10:00:00Z")
    _, client = await town.person()
    foreign = await client.post(url(other, "/applications"), json={"answers": ANSWERS, "link_token": made["token"]})
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/link_token")
    movable_clock.move(hours=1)
    account, _ = await town.person()
    fresh = town.kit.person(town.organization, account)
    late = await fresh.post(url(community, "/applications"), json={"answers": ANSWERS, "link_token": made["token"]})
    assert (late.status_code, late.json()["type"]) == (409, "urn:hearth:problem:entry-link-closed")
    assert (await town.kit.client().get(made["path"])).json()["closed"] == "expired"


async def test_figures_tell_who_came_stayed_and_is_active(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town, policy=AUTOMATIC)
    made = await link(town, community)
    came = [await applicant(town, community, link_token=made["token"]) for _ in range(4)]
    _, rejected = await town.person()
    await apply(rejected, community, answers={**ANSWERS, "level": "native"}, link_token=made["token"])

    async def leave(account: Any) -> None:
        client = town.kit.person(town.organization, account)
        own = (await client.get(url(community, "/memberships/me"))).json()
        gone = await client.post(url(community, f"/memberships/{own['id']}/leave"), headers=match(own["version"]))
        assert gone.status_code == 200, gone.text

    movable_clock.move(days=3)
    await leave(came[0][2])
    movable_clock.move(days=5)
    await leave(came[1][2])
    await town.kit.sql(
        "INSERT INTO member_facts (organization_id, community_id, account_id, posts, comments, reactions, active_days, "
        "first_active_at, last_active_at) VALUES ($1, $2::uuid, $3, 1, 0, 0, 1, $4, $4)",
        town.organization,
        community["id"],
        came[2][2],
        movable_clock.instant,
    )
    await applicant(town, community, link_token=made["token"])
    figures = (await town.owner.get(url(community, f"/entry-links/{made['id']}/figures"))).json()
    assert figures == {
        "link_id": made["id"],
        "channel": "article",
        "opens": 0,
        "applications": 6,
        "joins": 5,
        "members": 3,
        "active": 1,
        "still_here": [
            {"days": 7, "joined": 4, "here": 3, "active": 1},
            {"days": 30, "joined": 0, "here": 0, "active": 0},
        ],
        "value_reached": 0,
        "orders": [],
    }


async def test_who_may(town: Town) -> None:
    community = await screening(town)
    made = await link(town, community)
    _, person = await town.person()
    stranger = (await found_town(town.kit)).owner
    partner = town.kit.partner(town.organization)
    one = url(community, f"/entry-links/{made['id']}")

    async def statuses(client: httpx.AsyncClient) -> set[int]:
        new = {"channel": "x1", "title": {"en": "x"}}
        return {
            (await client.post(url(community, "/entry-links"), json=new)).status_code,
            (await client.get(url(community, "/entry-links"))).status_code,
            (await client.get(one)).status_code,
            (await client.patch(one, json={}, headers=match(1))).status_code,
            (await client.get(f"{one}/figures")).status_code,
            (await client.get(url(community, "/entry-links/channels"))).status_code,
            (await client.get(f"{one}/qr.svg")).status_code,
            (await client.get(f"{one}/qr.png")).status_code,
        }

    assert await statuses(person) == {403}
    assert await statuses(partner) == {403}
    assert await statuses(stranger) == {404}
    assert (await town.owner.get(url(community, f"/entry-links/{new_id()}/figures"))).status_code == 404
