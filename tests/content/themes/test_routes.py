"""Themes over HTTP, and the mix against its target."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.content.conftest import code, if_match
from tests.content.desk import Desk, make_desk

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.content import ThemeChanged
from contracts.members import CommunityRole


@pytest.fixture
async def desk(kit: Kit, movable_clock: MovableClock) -> Desk:
    assert movable_clock() == datetime(2026, 3, 2, 9, tzinfo=UTC)
    return await make_desk(kit)


async def test_a_theme_is_defined_changed_and_retired(desk: Desk) -> None:
    theme = await desk.theme(40)
    path = f"{desk.path}/themes/{theme['id']}"
    assert theme["can"] == ["edit", "retire"]
    changed = await desk.editor.patch(path, json={"target_share": 50}, headers=if_match(1))
    assert (changed.json()["target_share"], changed.headers["etag"]) == (50, '"2"')
    same = await desk.editor.patch(path, json={"target_share": 50}, headers=if_match(2))
    assert same.headers["etag"] == '"2"'
    retired = await desk.editor.delete(path, headers=if_match(2))
    assert retired.json()["can"] == []
    assert code(await desk.editor.patch(path, json={"target_share": 1}, headers=if_match(3))) == "theme-retired"
    assert (await desk.editor.get(f"{desk.path}/themes")).json()["data"] == []
    events = [e for e in await desk.kit.events(ThemeChanged) if e.data["theme_id"] == theme["id"]]
    assert [(e.aggregateversion, e.data["target_share"], e.data["retired"]) for e in events] == [
        (1, 40, False),
        (2, 50, False),
        (3, 50, True),
    ]
    item = await desk.editor.post(f"{desk.path}/items", json={"theme_id": theme["id"]})
    assert item.json()["errors"][0]["code"] == "theme-retired"


async def test_all_themes_together_have_the_whole_even_when_defined_at_once(desk: Desk) -> None:
    body = {"name": {"en": "Words"}, "target_share": 30}
    answers = await asyncio.gather(*(desk.editor.post(f"{desk.path}/themes", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 422, 422, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert refused.json()["errors"] == [
        {"pointer": "/target_share", "code": "share-exceeded", "detail": "All themes together have 100; 10 are left."}
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"name": {"en": "Words"}, "target_share": 101},
        {"name": {"en": "Words"}, "target_share": -1},
        {"name": {"en": "Words"}},
        {"name": {}, "target_share": 1},
        {"name": {"english": "Words"}, "target_share": 1},
        {"name": {"en": "Words"}, "target_share": 1, "colour": "red"},
    ],
)
async def test_what_makes_no_theme(desk: Desk, body: dict[str, Any]) -> None:
    assert (await desk.editor.post(f"{desk.path}/themes", json=body)).status_code == 422


async def test_members_read_themes_and_change_none(desk: Desk, kit: Kit) -> None:
    theme = await desk.theme()
    _, member = await desk.place.member()
    read = await member.get(f"{desk.path}/themes/{theme['id']}")
    assert (read.status_code, read.json()["can"]) == (200, [])
    assert (await member.post(f"{desk.path}/themes", json={})).status_code == 403
    assert (await member.get(f"{desk.path}/themes/mix")).status_code == 403
    _, analyst = await desk.place.member(CommunityRole.ANALYST)
    assert (await analyst.get(f"{desk.path}/themes/mix")).json()["said"][0]["theme_id"] == theme["id"]
    assert (await analyst.post(f"{desk.path}/themes", json={})).status_code == 403
    stranger = await make_desk(kit)
    assert (await stranger.editor.get(f"{desk.path}/themes/{theme['id']}")).status_code == 404
    assert (await stranger.editor.get(f"{stranger.path}/themes/{theme['id']}")).status_code == 404


async def test_the_mix_tells_what_was_said_and_what_is_planned(desk: Desk, movable_clock: MovableClock) -> None:
    words, news = await desk.theme(60), await desk.theme(40)
    await desk.slot(theme_id=words["id"])
    for number, occurrence in enumerate((await desk.calendar())[:4]):
        item = await desk.item(theme_id=news["id"] if number == 0 else None)
        await desk.fill(occurrence, item_id=item["id"])
    _, member = await desk.place.member()
    await desk.place.post(member, "聊聊天")
    movable_clock.instant = datetime(2026, 3, 6, 9, tzinfo=UTC)
    await desk.kit.work()
    query = {"since": "2026-03-01", "until": "2026-03-10"}
    found = (await desk.editor.get(f"{desk.path}/themes/mix", params=query)).json()
    assert [(one["theme_id"], one["count"], one["share"], one["gap"]) for one in found["said"]] == [
        (news["id"], 1, 25.0, -15.0),
        (words["id"], 3, 75.0, 15.0),
    ]
    assert [(one["theme_id"], one["count"]) for one in found["planned"]] == [(news["id"], 0), (words["id"], 4)]
    assert found["distance"] == 15.0
