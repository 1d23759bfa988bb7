"""The backlog over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from tests.content.calendar.test_occurrences import fill_next
from tests.content.conftest import code, if_match
from tests.content.desk import Desk, make_desk

from chassis.testing.kit import Kit
from contracts.members import CommunityRole


@pytest.fixture
async def desk(kit: Kit) -> Desk:
    return await make_desk(kit)


async def test_an_idea_becomes_a_draft_and_is_ready(desk: Desk) -> None:
    idea = await desk.item(state="idea", body=None, title="访谈", note="等稿子")
    path = f"{desk.path}/items/{idea['id']}"
    assert (idea["section"], idea["can"]) == ("greetings", ["edit", "assign", "retire"])
    early = await desk.editor.patch(path, json={"state": "ready"}, headers=if_match(1))
    assert early.json()["errors"][0] | {"detail": ""} == {"pointer": "/body", "code": "body-missing", "detail": ""}
    ready = await desk.editor.patch(path, json={"body": "你好", "state": "ready", "note": None}, headers=if_match(1))
    assert (ready.json()["state"], ready.json()["note"], ready.json()["version"]) == ("ready", None, 2)
    assert "send" in ready.json()["can"]
    assert (await desk.editor.patch(path, json={"title": "x"}, headers=if_match(1))).status_code == 412
    assert (await desk.editor.patch(path, json={"title": "x"})).status_code == 428


@pytest.mark.parametrize(
    "body",
    [
        {"state": "ready"},
        {"state": "delivered", "body": "x"},
        {"kind": "song"},
        {"body": "x" * 100_001},
        {"body": "\u0000"},
        {"title": "two\nlines"},
        {"theme_id": str(uuid4())},
        {"persona_id": str(uuid4())},
        {"section": "two words"},
        {"author_id": str(uuid4())},
    ],
)
async def test_what_makes_no_item(desk: Desk, body: dict[str, Any]) -> None:
    assert (await desk.editor.post(f"{desk.path}/items", json=body)).status_code == 422


async def test_what_is_needed_is_not_retired(desk: Desk) -> None:
    fallback = await desk.item()
    await desk.slot(fallback_item_id=fallback["id"])
    occurrence, planned = await fill_next(desk)
    for item in (fallback, planned):
        answer = await desk.editor.delete(f"{desk.path}/items/{item['id']}", headers=if_match(item["version"]))
        assert (answer.status_code, code(answer)) == (409, "item-in-use")
    await desk.editor.delete(
        f"{desk.path}/occurrences/{occurrence['id']}/filler", headers=if_match(occurrence["version"])
    )
    path = f"{desk.path}/items/{planned['id']}"
    retired = await desk.editor.delete(path, headers=if_match(planned["version"]))
    assert (retired.json()["state"], retired.json()["can"]) == ("retired", [])
    assert code(await desk.editor.patch(path, json={"title": "x"}, headers=if_match(2))) == "item-retired"
    listed = (await desk.editor.get(f"{desk.path}/items")).json()["data"]
    assert [one["id"] for one in listed] == [fallback["id"]]
    old = (await desk.editor.get(f"{desk.path}/items", params={"state": "retired"})).json()["data"]
    assert [one["id"] for one in old] == [planned["id"]]


async def test_the_backlog_is_listed_by_what_is_asked(desk: Desk) -> None:
    theme = await desk.theme()
    made = [await desk.item(state="draft") for _ in range(3)] + [await desk.item(kind="article", theme_id=theme["id"])]
    for query, expected in (
        ({}, [3, 2, 1, 0]),
        ({"state": "draft"}, [2, 1, 0]),
        ({"kind": "article"}, [3]),
        ({"theme_id": theme["id"]}, [3]),
        ({"state": "idea"}, []),
    ):
        answer = await desk.editor.get(f"{desk.path}/items", params=query)
        assert [one["id"] for one in answer.json()["data"]] == [made[n]["id"] for n in expected], query
    first = (await desk.editor.get(f"{desk.path}/items", params={"limit": 3})).json()
    rest = await desk.editor.get(f"{desk.path}/items", params={"limit": 3, "cursor": first["next_cursor"]})
    assert [one["id"] for one in first["data"] + rest.json()["data"]] == [one["id"] for one in reversed(made)]
    foreign = await desk.editor.get(f"{desk.path}/items", params={"kind": "post", "cursor": first["next_cursor"]})
    assert foreign.status_code == 422


async def test_the_backlog_is_the_editors_own(desk: Desk, kit: Kit) -> None:
    item = await desk.item()
    path = f"{desk.path}/items/{item['id']}"
    _, member = await desk.place.member(CommunityRole.MODERATOR)
    partner = kit.partner(desk.place.organization, "orders:write")
    for client in (member, partner):
        assert (await client.get(path)).status_code == 403
        assert (await client.post(f"{desk.path}/items", json={"body": "x"})).status_code == 403
    stranger = await make_desk(kit)
    assert (await stranger.editor.get(path)).status_code == 404
    assert (await stranger.editor.get(f"{stranger.path}/items/{item['id']}")).status_code == 404


async def test_only_announcements_are_acknowledged_and_lead_with_a_benefit(desk: Desk) -> None:
    gift = {"kind": "coupon", "words": {"zh": "八折券"}}
    for wrong, at in (
        ({"acknowledge": True}, "/acknowledge"),
        ({"benefit": gift}, "/benefit"),
        ({"kind": "announcement", "acknowledge_within_days": 3}, "/acknowledge_within_days"),
        ({"expires_after_days": 0}, "/expires_after_days"),
    ):
        answer = await desk.editor.post(f"{desk.path}/items", json=wrong)
        assert [one["pointer"] for one in answer.json()["errors"]] == [at], answer.text
    item = await desk.item(kind="announcement", acknowledge=True, acknowledge_within_days=3, benefit=gift)
    assert item["benefit"] == gift
    path = f"{desk.path}/items/{item['id']}"
    plain = {"acknowledge": False, "acknowledge_within_days": None, "benefit": None}
    changed = (await desk.editor.patch(path, json=plain, headers=if_match(1))).json()
    assert {name: changed[name] for name in plain} == plain
    same = await desk.editor.patch(path, json=plain, headers=if_match(2))
    assert same.headers["etag"] == '"2"'
