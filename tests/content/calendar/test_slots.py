"""Slots over HTTP, and the occurrences that they make."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.content.calendar.test_occurrences import fill_next
from tests.content.conftest import code, if_match
from tests.content.desk import MORNING, Desk, make_desk

from chassis.clock import MovableClock
from chassis.testing.kit import Kit, envelope
from contracts.content import SlotChanged, SlotDefined, SlotRetired
from contracts.members import CommunityRole, CommunityState, CommunityUpdated


async def test_a_slot_is_in_the_calendar_at_once_at_its_hour(desk: Desk) -> None:
    slot = await desk.slot()
    assert slot["next_due"][0] == "2026-03-02T23:30:00Z"
    assert (slot["zone"], slot["reckoned_zone"], slot["starts_on"]) == (None, "Asia/Shanghai", "2026-03-02")
    found = await desk.calendar(until="2026-03-08")
    assert [one["due_at"] for one in found] == [f"2026-03-0{day}T23:30:00Z" for day in range(2, 8)]
    assert {(one["filling"], one["state"], one["kind"]) for one in found} == {("empty", "open", "greeting")}
    events = [e for e in await desk.kit.events(SlotDefined) if e.community == desk.place.community]
    assert [e.data["slot_id"] for e in events] == [slot["id"]]
    assert events[0].data["at"] == "07:30"


async def test_the_three_slots_of_the_issue_fall_as_they_should(desk: Desk) -> None:
    await desk.slot()
    await desk.slot(name={"en": "Topic"}, kind="daily_topic", at="12:30")
    await desk.slot(name={"en": "Article"}, kind="article", rrule="FREQ=WEEKLY;BYDAY=TU,FR", at="20:00")
    found = await desk.calendar(until="2026-03-06")
    assert [(one["kind"], one["due_at"]) for one in found] == [
        ("greeting", "2026-03-02T23:30:00Z"),
        ("daily_topic", "2026-03-03T04:30:00Z"),
        ("article", "2026-03-03T12:00:00Z"),
        ("greeting", "2026-03-03T23:30:00Z"),
        ("daily_topic", "2026-03-04T04:30:00Z"),
        ("greeting", "2026-03-04T23:30:00Z"),
        ("daily_topic", "2026-03-05T04:30:00Z"),
        ("greeting", "2026-03-05T23:30:00Z"),
        ("daily_topic", "2026-03-06T04:30:00Z"),
        ("article", "2026-03-06T12:00:00Z"),
    ]


async def test_an_hour_stays_the_same_on_the_clock_across_daylight_saving(
    kit: Kit, movable_clock: MovableClock
) -> None:
    movable_clock.instant = datetime(2026, 3, 27, 12, tzinfo=UTC)
    desk = await make_desk(kit, zone="Europe/Berlin")
    await desk.slot()
    found = await desk.calendar(until="2026-03-30")
    assert [one["due_at"] for one in found] == [
        "2026-03-28T06:30:00Z",
        "2026-03-29T05:30:00Z",
        "2026-03-30T05:30:00Z",
    ]
    await desk.slot(name={"en": "Night"}, at="02:30", zone="America/New_York")
    night = [one["due_at"] for one in await desk.calendar(until="2026-03-29") if one["name"] == {"en": "Night"}]
    assert night == ["2026-03-28T06:30:00Z", "2026-03-29T06:30:00Z"]


@pytest.mark.parametrize(
    ("fields", "pointer", "problem"),
    [
        ({"rrule": "FREQ=SECONDLY"}, "/rrule", "frequency-refused"),
        ({"rrule": "FREQ=MINUTELY;INTERVAL=5"}, "/rrule", "frequency-refused"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "/rrule", "rrule-never"),
        ({"rrule": "FREQ=DAILY;UNTIL=20250101"}, "/rrule", "rrule-never"),
        ({"rrule": "x" * 301}, "/rrule", "string-too-long"),
        ({"zone": "Mars/Olympus"}, "/zone", "value-error"),
        ({"zone": "../../etc/passwd"}, "/zone", "value-error"),
        ({"starts_on": "2026-03-01"}, "/starts_on", "day-past"),
        ({"starts_on": "2031-03-01"}, "/starts_on", "day-too-far"),
        ({"at": "25:00"}, "/at", "value-error"),
        ({"at": "07:30:15"}, "/at", "value-error"),
        ({"at": 7}, "/at", "value-error"),
        ({"theme_id": str(uuid4())}, "/theme_id", "theme-unknown"),
        ({"group_id": str(uuid4())}, "/group_id", "group-unknown"),
        ({"fallback_item_id": str(uuid4())}, "/fallback_item_id", "item-unknown"),
        ({"kind": "song"}, "/kind", "enum"),
        ({"tolerance_seconds": 90_000}, "/tolerance_seconds", "less-than-equal"),
        ({"notice_hours": 0}, "/notice_hours", "greater-than-equal"),
        ({"name": {}}, "/name", "too-short"),
    ],
)
async def test_what_makes_no_slot(desk: Desk, fields: dict[str, Any], pointer: str, problem: str) -> None:
    answer = await desk.editor.post(f"{desk.path}/slots", json=MORNING | fields)
    assert answer.status_code == 422, answer.text
    assert (pointer, problem) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]], answer.text
    assert await desk.calendar() == []


async def test_a_rule_without_end_is_worked_out_up_to_the_horizon_and_goes_on(
    desk: Desk, movable_clock: MovableClock
) -> None:
    slot = await desk.slot()
    counted = "SELECT count(*), max(on_date)::text AS last FROM slot_occurrence WHERE slot_id = $1"
    # Today's hour is over: from tomorrow to 92 days ahead.
    assert tuple((await desk.kit.sql(counted, slot["id"]))[0]) == (92, "2026-06-02")
    for day in range(1, 4):
        movable_clock.move(days=1)
        await desk.kit.work()
        found = (await desk.kit.sql(counted, slot["id"]))[0]
        assert tuple(found) == (92 + day, f"2026-06-0{2 + day}")


async def test_a_change_keeps_the_days_that_stay_and_sends_back_what_loses_its_day(desk: Desk) -> None:
    slot = await desk.slot()
    tuesday, wednesday = (await desk.calendar(until="2026-03-04"))[:2]
    assert [tuesday["on_date"], wednesday["on_date"]] == ["2026-03-03", "2026-03-04"]
    kept, lost = await desk.item(), await desk.item()
    assert (await desk.fill(tuesday, item_id=kept["id"])).status_code == 200
    assert (await desk.fill(wednesday, item_id=lost["id"])).status_code == 200
    answer = await desk.editor.patch(
        f"{desk.path}/slots/{slot['id']}",
        json={"rrule": "FREQ=WEEKLY;BYDAY=TU,FR", "at": "20:00"},
        headers=if_match(slot["version"]),
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["unassigned"] == [lost["id"]]
    found = await desk.calendar(until="2026-03-10")
    assert [(one["id"] == tuesday["id"], one["due_at"], one["item_id"]) for one in found] == [
        (True, "2026-03-03T12:00:00Z", kept["id"]),
        (False, "2026-03-06T12:00:00Z", None),
        (False, "2026-03-10T12:00:00Z", None),
    ]
    again = await desk.editor.get(f"{desk.path}/items/{lost['id']}")
    assert again.json()["occurrence_id"] is None
    assert len([e for e in await desk.kit.events(SlotChanged) if e.data["slot_id"] == slot["id"]]) == 1


async def test_a_change_that_changes_nothing_is_none_and_a_stale_one_is_refused(desk: Desk) -> None:
    slot = await desk.slot()
    path = f"{desk.path}/slots/{slot['id']}"
    same = await desk.editor.patch(path, json={"at": "07:30"}, headers=if_match(1))
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert (await desk.editor.patch(path, json={"at": "08:00"})).status_code == 428
    assert (await desk.editor.patch(path, json={"at": "08:00"}, headers=if_match(9))).status_code == 412


async def test_a_retired_slot_falls_no_more_and_takes_no_change(desk: Desk, movable_clock: MovableClock) -> None:
    slot = await desk.slot()
    path = f"{desk.path}/slots/{slot['id']}"
    _, item = await fill_next(desk)
    answer = await desk.editor.delete(path, headers=if_match(1))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["unassigned"], answer.json()["can"]) == ([item["id"]], [])
    assert await desk.calendar() == []
    again = await desk.editor.delete(path, headers=if_match(2))
    assert (again.status_code, code(again)) == (409, "slot-retired")
    assert len([e for e in await desk.kit.events(SlotRetired) if e.data["slot_id"] == slot["id"]]) == 1
    listed = await desk.editor.get(f"{desk.path}/slots")
    assert listed.json()["data"] == []
    assert len((await desk.editor.get(f"{desk.path}/slots", params={"retired": True})).json()["data"]) == 1
    movable_clock.move(days=3)
    await desk.kit.work()
    assert await desk.posts() == []


async def test_slots_follow_their_communitys_zone_unless_they_have_their_own(desk: Desk) -> None:
    ours = await desk.slot()
    await desk.slot(name={"en": "Own"}, zone="Europe/Berlin")
    occurrence, item = await fill_next(desk)
    event = CommunityUpdated(
        community_id=desk.place.community, slug="moved", zone="America/New_York", state=CommunityState.OPEN
    )
    await desk.kit.deliver(
        envelope(event, desk.place.organization, desk.place.community, community_id=desk.place.community, version=2)
    )
    read = (await desk.editor.get(f"{desk.path}/slots/{ours['id']}")).json()
    assert (read["reckoned_zone"], read["next_due"][0]) == ("America/New_York", "2026-03-02T12:30:00Z")
    moved = await desk.occurrence(occurrence)
    assert (moved["item_id"], moved["on_date"], moved["due_at"]) == (item["id"], "2026-03-03", "2026-03-03T12:30:00Z")
    berlin = [one["due_at"] for one in await desk.calendar() if one["name"] == {"en": "Own"}]
    assert berlin[0] == "2026-03-03T06:30:00Z"


async def test_a_rule_is_tried_out_without_a_trace(desk: Desk) -> None:
    answer = await desk.editor.post(
        f"{desk.path}/slots/preview", json={"rrule": "freq=weekly;byday=tu,fr", "at": "20:00"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["rrule"] == "FREQ=WEEKLY;BYDAY=TU,FR"
    assert [one["due_at"] for one in answer.json()["falls"]][:3] == [
        "2026-03-03T12:00:00Z",
        "2026-03-06T12:00:00Z",
        "2026-03-10T12:00:00Z",
    ]
    assert len(answer.json()["falls"]) == 10
    assert await desk.calendar() == []


async def test_only_editors_and_managers_plan_and_other_tenants_see_nothing(desk: Desk, kit: Kit) -> None:
    slot = await desk.slot()
    stranger = await make_desk(kit)
    _, member = await desk.place.member()
    _, moderator = await desk.place.member(CommunityRole.MODERATOR)
    _, manager = await desk.place.member(CommunityRole.MANAGER)
    partner = kit.partner(desk.place.organization, "orders:write")
    path = f"{desk.path}/slots/{slot['id']}"
    assert (await stranger.editor.get(path)).status_code == 404
    assert (await stranger.editor.get(f"{stranger.path}/slots/{slot['id']}")).status_code == 404
    for client in (member, moderator, partner):
        assert (await client.get(path)).status_code == 403
        assert (await client.post(f"{desk.path}/slots", json=MORNING)).status_code == 403
    assert (await manager.get(path)).status_code == 200


async def test_an_archived_community_plans_nothing(kit: Kit, movable_clock: MovableClock) -> None:
    assert movable_clock() == datetime(2026, 3, 2, 9, tzinfo=UTC)
    desk = await make_desk(kit, state=CommunityState.ARCHIVED)
    answer = await desk.editor.post(f"{desk.path}/slots", json=MORNING)
    assert (answer.status_code, code(answer)) == (409, "community-archived")


async def test_the_horizon_is_far_enough_for_the_longest_forecast(desk: Desk) -> None:
    await desk.slot()
    found = await desk.calendar(since="2026-06-01", until="2026-06-10")
    assert [one["on_date"] for one in found] == [
        (datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=n)).date().isoformat() for n in range(2)
    ]
