"""The calendar: filling, moving, exceptions, gaps."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.content.conftest import code, if_match
from tests.content.desk import Desk, make_desk

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.content import OccurrenceGapForeseen
from contracts.engagement import ActivityChanged, ActivityPublished, ActivityState
from contracts.members import CommunityRole


async def fill_next(desk: Desk, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have a new item stand in the next occurrence of all; return both."""
    occurrence = (await desk.calendar())[0]
    item = await desk.item(**fields)
    answer = await desk.fill(occurrence, item_id=item["id"])
    assert answer.status_code == 200, answer.text
    return answer.json(), item


async def activity(
    desk: Desk, state: ActivityState = ActivityState.PUBLISHED, *, starts_at: datetime | None = None
) -> str:
    """Let content know of an activity; return its id."""
    event = ActivityPublished(
        activity_id=new_id(),
        community_id=desk.place.community,
        group_id=None,
        state=state,
        starts_at=starts_at or datetime(2026, 3, 2, 23, tzinfo=UTC),
        ends_at=None,
    )
    await desk.kit.deliver(envelope(event, desk.place.organization, event.activity_id, community_id=event.community_id))
    return str(event.activity_id)


async def test_an_occurrence_is_empty_at_risk_or_filled(desk: Desk) -> None:
    await desk.slot()
    first, second, third = (await desk.calendar())[:3]
    draft, ready = await desk.item(state="draft"), await desk.item()
    assert (await desk.fill(first, item_id=draft["id"])).json()["filling"] == "at_risk"
    filled = await desk.fill(second, item_id=ready["id"])
    assert (filled.json()["filling"], filled.json()["can"]) == ("filled", ["fill", "clear", "skip", "move"])
    assert filled.headers["etag"] == '"2"'
    assert [one["filling"] for one in (await desk.calendar())[:3]] == ["at_risk", "filled", "empty"]
    for filling, expected in (("at_risk", first), ("filled", second)):
        assert [one["id"] for one in await desk.calendar(filling=filling)] == [expected["id"]]
    assert (await desk.calendar(filling="empty"))[0]["id"] == third["id"]
    answer = await desk.editor.patch(
        f"{desk.path}/items/{draft['id']}", json={"state": "ready"}, headers=if_match(draft["version"])
    )
    assert answer.json()["due_at"] == first["due_at"]
    assert (await desk.occurrence(first))["filling"] == "filled"


async def test_an_item_that_waits_elsewhere_moves(desk: Desk) -> None:
    await desk.slot()
    occurrence, item = await fill_next(desk)
    later = (await desk.calendar())[4]
    moved = await desk.fill(later, item_id=item["id"])
    assert moved.status_code == 200, moved.text
    assert moved.json()["item_id"] == item["id"]
    assert (await desk.occurrence(occurrence))["item_id"] is None
    read = (await desk.editor.get(f"{desk.path}/items/{item['id']}")).json()
    assert (read["occurrence_id"], read["due_at"]) == (later["id"], later["due_at"])


async def test_planners_who_assign_one_item_at_once_leave_it_in_one_place(desk: Desk) -> None:
    await desk.slot()
    item = await desk.item()
    places = (await desk.calendar())[:6]
    answers = await asyncio.gather(*(desk.fill(one, item_id=item["id"]) for one in places))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    assert [one["item_id"] for one in await desk.calendar()].count(item["id"]) == 1


@pytest.mark.parametrize(
    ("fields", "status", "problem"),
    [
        ({"kind": "article", "body": "Long", "state": "ready"}, 409, "kind-differs"),
        (None, 422, "invalid"),
    ],
)
async def test_what_fills_no_occurrence(desk: Desk, fields: dict[str, Any] | None, status: int, problem: str) -> None:
    await desk.slot()
    first = (await desk.calendar())[0]
    item_id = str(uuid4()) if fields is None else (await desk.item(**fields))["id"]
    answer = await desk.fill(first, item_id=item_id)
    assert (answer.status_code, code(answer)) == (status, problem)
    assert (await desk.occurrence(first))["version"] == 1


async def test_an_item_or_an_activity_one_of_them(desk: Desk) -> None:
    await desk.slot()
    first = (await desk.calendar())[0]
    for body in ({}, {"item_id": str(uuid4()), "activity_id": str(uuid4())}):
        assert (await desk.fill(first, **body)).status_code == 422
    assert code(await desk.fill(first, activity_id=str(uuid4()))) == "invalid"


async def test_an_items_slot_in_another_community_is_none(desk: Desk, kit: Kit) -> None:
    other = await make_desk(kit)
    await desk.slot()
    await other.slot()
    theirs = await other.item()
    answer = await desk.fill((await desk.calendar())[0], item_id=theirs["id"])
    assert answer.json()["errors"][0]["code"] == "item-unknown"
    answer = await desk.fill((await other.calendar())[0], item_id=(await desk.item())["id"])
    assert answer.status_code == 404


async def test_a_slot_may_hold_an_activity(desk: Desk, movable_clock: MovableClock) -> None:
    await desk.slot()
    first, second = (await desk.calendar())[:2]
    known = await activity(desk)
    assert (await desk.fill(first, activity_id=known)).json()["filling"] == "filled"
    draft = await activity(desk, ActivityState.DRAFT)
    assert (await desk.fill(second, activity_id=draft)).json()["filling"] == "at_risk"
    cancelled = ActivityChanged(
        activity_id=draft,  # type: ignore[arg-type]
        community_id=desk.place.community,
        group_id=None,
        state=ActivityState.CANCELLED,
        starts_at=movable_clock(),
        ends_at=None,
    )
    await desk.kit.deliver(envelope(cancelled, desk.place.organization, cancelled.activity_id, version=2))
    movable_clock.move(days=2)
    await desk.kit.work()
    assert [(await desk.occurrence(one))["state"] for one in (first, second)] == ["held", "missed"]
    assert await desk.posts() == []
    figures = (await desk.editor.get(f"{desk.path}/punctuality")).json()["community"]
    assert (figures["due"], figures["on_time"], figures["missed"]) == (2, 1, 1)
    _, analyst = await desk.place.member(CommunityRole.ANALYST)
    assert (await analyst.get(f"{desk.path}/punctuality")).json()["community"] == figures
    _, moderator = await desk.place.member(CommunityRole.MODERATOR)
    assert (await moderator.get(f"{desk.path}/punctuality")).status_code == 403


async def test_a_day_is_skipped_and_restored(desk: Desk, movable_clock: MovableClock) -> None:
    await desk.slot()
    occurrence, item = await fill_next(desk)
    path = f"{desk.path}/occurrences/{occurrence['id']}"
    skipped = await desk.editor.patch(path, json={"skipped": True}, headers=if_match(occurrence["version"]))
    assert (skipped.json()["state"], skipped.json()["item_id"], skipped.json()["can"]) == (
        "skipped",
        None,
        ["restore", "move"],
    )
    assert code(await desk.fill(skipped.json(), item_id=item["id"])) == "occurrence-skipped"
    movable_clock.move(days=1)
    await desk.kit.work()
    assert await desk.posts() == []
    late = await desk.editor.patch(path, json={"skipped": False}, headers=if_match(skipped.json()["version"]))
    assert (late.status_code, code(late)) == (409, "occurrence-due")
    second = (await desk.calendar())[1]
    path = f"{desk.path}/occurrences/{second['id']}"
    once = await desk.editor.patch(path, json={"skipped": True}, headers=if_match(second["version"]))
    back = await desk.editor.patch(path, json={"skipped": False}, headers=if_match(once.json()["version"]))
    assert (await desk.fill(back.json(), item_id=item["id"])).status_code == 200
    movable_clock.move(days=1)
    await desk.kit.work()
    assert len(await desk.posts()) == 1


async def test_one_day_has_another_hour(desk: Desk, movable_clock: MovableClock) -> None:
    slot = await desk.slot()
    occurrence, _ = await fill_next(desk)
    path = f"{desk.path}/occurrences/{occurrence['id']}"
    for wrong in ("2026-03-02T08:59:00Z", "2026-05-01T00:00:00Z"):
        answer = await desk.editor.patch(path, json={"due_at": wrong}, headers=if_match(occurrence["version"]))
        assert answer.json()["errors"][0]["code"] == "instant-out-of-range", answer.text
    moved = await desk.editor.patch(
        path, json={"due_at": "2026-03-02T10:00:00Z"}, headers=if_match(occurrence["version"])
    )
    assert (moved.json()["due_at"], moved.json()["moved"]) == ("2026-03-02T10:00:00Z", True)
    # Another hour of the slot leaves the exception as it is.
    changed = await desk.editor.patch(f"{desk.path}/slots/{slot['id']}", json={"at": "21:00"}, headers=if_match(1))
    assert changed.json()["next_due"][:2] == ["2026-03-02T10:00:00Z", "2026-03-02T13:00:00Z"]
    movable_clock.move(hours=1)
    await desk.kit.work()
    assert [post["published_at"].isoformat() for post in await desk.posts()] == ["2026-03-02T10:00:00+00:00"]


async def test_what_was_is_not_changed(desk: Desk, movable_clock: MovableClock) -> None:
    await desk.slot()
    occurrence, item = await fill_next(desk)
    movable_clock.move(days=1)
    await desk.kit.work()
    settled = await desk.occurrence(occurrence)
    assert (settled["state"], settled["delivery_state"], settled["can"]) == ("taken", "delivered", [])
    path = f"{desk.path}/occurrences/{occurrence['id']}"
    for answer in (
        await desk.editor.patch(path, json={"skipped": True}, headers=if_match(settled["version"])),
        await desk.editor.delete(f"{path}/filler", headers=if_match(settled["version"])),
        await desk.fill(settled, item_id=item["id"]),
    ):
        assert (answer.status_code, code(answer)) == (409, "occurrence-settled")


async def test_clearing_sends_the_item_back(desk: Desk) -> None:
    await desk.slot()
    occurrence, item = await fill_next(desk)
    path = f"{desk.path}/occurrences/{occurrence['id']}/filler"
    assert (await desk.editor.delete(path)).status_code == 428
    cleared = await desk.editor.delete(path, headers=if_match(occurrence["version"]))
    assert (cleared.json()["filling"], cleared.json()["item_id"]) == ("empty", None)
    listed = await desk.editor.get(f"{desk.path}/items", params={"unassigned": True})
    assert [one["id"] for one in listed.json()["data"]] == [item["id"]]


async def test_the_forecast_counts_what_is_empty_at_risk_and_covered(desk: Desk) -> None:
    fallback = await desk.item()
    await desk.slot(fallback_item_id=fallback["id"])
    await desk.slot(name={"en": "Topic"}, kind="daily_topic", at="12:30")
    await fill_next(desk)
    second = (await desk.calendar())[1]
    draft = await desk.item(kind="daily_topic", state="draft")
    await desk.fill(second, item_id=draft["id"])
    answer = await desk.editor.get(f"{desk.path}/calendar/gaps", params={"days": 3})
    assert answer.json()["gaps"] == [
        {
            "community_id": str(desk.place.community),
            "due": 6,
            "empty": 4,
            "at_risk": 1,
            "covered": 2,
            "first_at": "2026-03-03T04:30:00Z",
        }
    ]
    assert [one["filling"] for one in answer.json()["occurrences"]] == ["at_risk", *["empty"] * 4]
    assert (await desk.editor.get(f"{desk.path}/calendar/gaps", params={"days": 93})).status_code == 422


async def foreseen(desk: Desk) -> list[tuple[str, str, bool]]:
    """The gaps told of, in order."""
    events = [e for e in await desk.kit.events(OccurrenceGapForeseen) if e.community == desk.place.community]
    return [(e.data["occurrence_id"], e.data["standing"], e.data["fallback"]) for e in events]


async def test_a_gap_is_told_of_once_and_in_time(desk: Desk, movable_clock: MovableClock) -> None:
    fallback = await desk.item()
    await desk.slot(notice_hours=12, fallback_item_id=fallback["id"])
    first, second, third = (await desk.calendar())[:3]
    await desk.fill(second, item_id=(await desk.item(state="draft"))["id"])
    await desk.fill(third, item_id=(await desk.item())["id"])
    await desk.kit.work()
    assert await foreseen(desk) == []
    movable_clock.move(hours=3)  # 12:00: 11.5 hours ahead of the first
    await desk.kit.work()
    await desk.kit.work()
    assert await foreseen(desk) == [(first["id"], "empty", True)]
    movable_clock.move(days=1)
    await desk.kit.work()
    assert await foreseen(desk) == [(first["id"], "empty", True), (second["id"], "at_risk", True)]
    movable_clock.move(days=1)
    await desk.kit.work()
    assert len(await foreseen(desk)) == 2


async def test_what_becomes_empty_again_within_the_notice_is_told_of_again(
    desk: Desk, movable_clock: MovableClock
) -> None:
    await desk.slot(notice_hours=48)
    await desk.kit.work()
    told = len(await foreseen(desk))
    assert told == 2
    occurrence, _ = await fill_next(desk)
    await desk.kit.work()
    assert len(await foreseen(desk)) == told
    cleared = await desk.editor.delete(
        f"{desk.path}/occurrences/{occurrence['id']}/filler",
        headers=if_match((await desk.occurrence(occurrence))["version"]),
    )
    assert cleared.status_code == 200
    movable_clock.move(minutes=1)
    await desk.kit.work()
    assert (await foreseen(desk))[told:] == [(occurrence["id"], "empty", False)]


async def test_a_notice_leaves_the_version_to_who_has_read_it(desk: Desk) -> None:
    await desk.slot(notice_hours=48)
    read = (await desk.calendar())[0]
    await desk.kit.work()
    assert read["id"] in [one[0] for one in await foreseen(desk)]
    assert (await desk.fill(read, item_id=(await desk.item())["id"])).status_code == 200


async def test_an_item_that_is_made_a_draft_again_within_the_notice_is_a_gap(desk: Desk) -> None:
    await desk.slot(notice_hours=48)
    occurrence, item = await fill_next(desk)
    await desk.kit.work()
    told = len(await foreseen(desk))
    answer = await desk.editor.patch(
        f"{desk.path}/items/{item['id']}", json={"state": "draft"}, headers=if_match(item["version"])
    )
    assert answer.status_code == 200
    await desk.kit.work()
    assert (await foreseen(desk))[told:] == [(occurrence["id"], "at_risk", False)]


async def test_an_activity_that_is_cancelled_within_the_notice_is_a_gap(desk: Desk) -> None:
    await desk.slot(notice_hours=48)
    known = await activity(desk)
    occurrence = (await desk.calendar())[0]
    assert (await desk.fill(occurrence, activity_id=known)).status_code == 200
    await desk.kit.work()
    told = len(await foreseen(desk))
    event = ActivityChanged(
        activity_id=UUID(known),
        community_id=desk.place.community,
        group_id=None,
        state=ActivityState.CANCELLED,
        starts_at=datetime(2026, 3, 2, 23, tzinfo=UTC),
        ends_at=None,
    )
    await desk.kit.deliver(
        envelope(event, desk.place.organization, event.activity_id, community_id=event.community_id, version=2)
    )
    await desk.kit.work()
    assert (await foreseen(desk))[told:] == [(occurrence["id"], "at_risk", False)]


async def test_the_calendar_pages_without_repeating(desk: Desk) -> None:
    await desk.slot()
    await desk.slot(name={"en": "Topic"}, kind="daily_topic")
    whole = [one["id"] for one in await desk.calendar(until="2026-03-20")]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"until": "2026-03-20", "limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await desk.editor.get(f"{desk.path}/calendar", params=query)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole
    assert len(set(seen)) == len(seen) == 36
    foreign = await desk.editor.get(f"{desk.path}/calendar", params={"until": "2026-03-21", "cursor": "xx"})
    assert foreign.status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-03-05", "until": "2026-03-01"},
        {"since": "2026-01-01", "until": "2027-06-01"},
        {"since": "1900-01-01"},
        {"until": "2999-01-01"},
        {"since": "yesterday"},
        {"filling": "full"},
    ],
)
async def test_days_that_cannot_be_asked_for(desk: Desk, query: dict[str, str]) -> None:
    answer = await desk.editor.get(f"{desk.path}/calendar", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/query/")


async def test_the_calendar_over_all_communities_is_of_those_that_the_caller_plans(desk: Desk, kit: Kit) -> None:
    organization = desk.place.organization
    await desk.slot()
    second = await make_desk(kit)
    await second.slot()
    theirs = await kit.community(organization)
    member = await kit.member(organization, theirs, desk.editor_id)
    assert member == desk.editor_id
    boss = kit.staff(organization)
    created = await boss.post(
        f"/v1/communities/{theirs}/slots",
        json={"name": {"en": "Theirs"}, "kind": "greeting", "rrule": "FREQ=DAILY", "at": "06:00"},
    )
    assert created.status_code == 201, created.text
    mine = (await desk.editor.get("/v1/calendar", params={"limit": 200})).json()["data"]
    assert {one["community_id"] for one in mine} == {str(desk.place.community)}
    everything = (await boss.get("/v1/calendar", params={"limit": 200})).json()["data"]
    assert {one["community_id"] for one in everything} == {str(desk.place.community), str(theirs)}
    assert everything == sorted(everything, key=lambda one: (one["due_at"], one["id"]))
    gaps = (await boss.get("/v1/calendar/gaps")).json()["gaps"]
    assert [one["due"] for one in gaps] == [14, 14]
    _, reader = await desk.place.member(CommunityRole.ANALYST)
    assert (await reader.get("/v1/calendar")).json()["data"] == []
    assert (await kit.partner(organization, "orders:write").get("/v1/calendar")).status_code == 403
