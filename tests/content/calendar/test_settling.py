"""What becomes of occurrences at their hour: each once, under two schedulers, through kills at any step and steps of the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from tests.content.calendar.test_occurrences import fill_next
from tests.content.desk import Desk, make_desk

from chassis.clock import MovableClock
from chassis.db import Session, transaction
from chassis.due import Due, Scheduler
from chassis.testing.kit import Kit, envelope
from content.calendar.occurrences.commands import SETTLE
from content.calendar.occurrences.queries import lock_occurrence
from content.posts import commands as posts
from content.posts import queries as post_queries
from content.posts.policy import ALLOWED, Act, PostState, Utterance, Verdict
from contracts.base import Envelope
from contracts.content import (
    DeliveryDelivered,
    DeliveryFailed,
    DeliverySkipped,
    OccurrenceGapForeseen,
    OccurrenceMissed,
    PostPublished,
)
from contracts.members import CommunityState, CommunityUpdated

DAY = timedelta(days=1)


async def told(desk: Desk, *kinds: Any) -> list[Envelope]:
    """The community's events of these kinds."""
    return [e for e in await desk.kit.events(*kinds) if e.community == desk.place.community]


async def fill_days(desk: Desk, days: int) -> list[str]:
    """Have an item in each of the next days; return the items in the order of the days."""
    items = []
    for number, occurrence in enumerate((await desk.calendar())[:days]):
        item = await desk.item(body=f"早上好 {number}")
        assert (await desk.fill(occurrence, item_id=item["id"])).status_code == 200
        items.append(item["id"])
    return items


async def test_an_item_goes_out_at_its_hour_and_not_before(desk: Desk, movable_clock: MovableClock) -> None:
    theme = await desk.theme(promotion=True)
    slot = await desk.slot(theme_id=theme["id"])
    occurrence, item = await fill_next(desk, body="早上好,大家!")
    movable_clock.instant = datetime(2026, 3, 2, 23, 29, 59, tzinfo=UTC)
    await desk.kit.work()
    assert await desk.posts() == []
    movable_clock.move(seconds=1)
    await desk.kit.work()
    (post,) = await desk.posts()
    assert (post["body"], post["kind"], str(post["theme_id"]), post["promotion"]) == (
        "早上好,大家!",
        "greeting",
        theme["id"],
        True,
    )
    (delivered,) = await told(desk, DeliveryDelivered)
    assert delivered.data | {"delivery_id": None} == {
        "delivery_id": None,
        "community_id": str(desk.place.community),
        "group_id": None,
        "item_id": item["id"],
        "slot_id": slot["id"],
        "occurrence_id": occurrence["id"],
        "kind": "greeting",
        "theme_id": theme["id"],
        "fallback": False,
        "due_at": "2026-03-02T23:30:00Z",
        "post_id": str(post["id"]),
        "delivered_at": "2026-03-02T23:30:00Z",
        "on_time": True,
    }
    assert delivered.aggregateid == post["delivery_id"]
    read = (await desk.editor.get(f"{desk.path}/items/{item['id']}")).json()
    assert (read["state"], read["occurrence_id"]) == ("delivered", None)


async def test_the_fallback_stands_in_as_often_as_needed_and_stays_ready(
    desk: Desk, movable_clock: MovableClock
) -> None:
    fallback = await desk.item(body="早!")
    await desk.slot(fallback_item_id=fallback["id"])
    draft = await desk.item(state="draft")
    await desk.fill((await desk.calendar())[1], item_id=draft["id"])
    movable_clock.move(days=2)
    await desk.kit.work()
    assert [post["body"] for post in await desk.posts()] == ["早!", "早!"]
    assert {e.data["fallback"] for e in await told(desk, DeliveryDelivered)} == {True}
    assert (await desk.editor.get(f"{desk.path}/items/{fallback['id']}")).json()["state"] == "ready"
    # The draft that was not ready in time is in the backlog again.
    back = (await desk.editor.get(f"{desk.path}/items/{draft['id']}")).json()
    assert (back["state"], back["occurrence_id"]) == ("draft", None)


async def test_an_hour_with_nothing_ready_is_missed_and_told(desk: Desk, movable_clock: MovableClock) -> None:
    await desk.slot()
    first = (await desk.calendar())[0]
    movable_clock.move(days=1)
    await desk.kit.work()
    assert (await desk.occurrence(first))["state"] == "missed"
    assert [e.data["occurrence_id"] for e in await told(desk, OccurrenceMissed)] == [first["id"]]


@pytest.mark.parametrize(("policy", "bodies", "reason"), [("deliver", ["早上好!"], None), ("skip", [], "too-late")])
async def test_what_is_late_goes_by_the_slots_policy(
    desk: Desk, movable_clock: MovableClock, policy: str, bodies: list[str], reason: str | None
) -> None:
    await desk.slot(late_policy=policy, tolerance_seconds=600)
    _, item = await fill_next(desk)
    movable_clock.instant = datetime(2026, 3, 2, 23, 40, 1, tzinfo=UTC)
    await desk.kit.work()
    assert [post["body"] for post in await desk.posts()] == bodies
    (one,) = (await desk.editor.get(f"{desk.path}/deliveries")).json()["data"]
    assert (one["reason"], one["on_time"]) == (reason, False)
    read = (await desk.editor.get(f"{desk.path}/items/{item['id']}")).json()
    assert read["state"] == ("delivered" if bodies else "ready")
    assert len(await told(desk, DeliverySkipped)) == (0 if bodies else 1)
    figures = (await desk.editor.get(f"{desk.path}/punctuality")).json()["community"]
    assert (figures["due"], figures["on_time"], figures["late"], figures["skipped"]) == (
        1,
        0,
        len(bodies),
        1 - len(bodies),
    )


async def test_within_the_tolerance_is_in_time(desk: Desk, movable_clock: MovableClock) -> None:
    slot = await desk.slot(late_policy="skip", tolerance_seconds=600)
    await fill_next(desk)
    movable_clock.instant = datetime(2026, 3, 2, 23, 40, tzinfo=UTC)
    await desk.kit.work()
    figures = (await desk.editor.get(f"{desk.path}/punctuality")).json()
    assert figures["community"]["rate"] == 1.0
    assert figures["community"]["median_seconds"] == 600.0
    assert [(one["slot_id"], one["rate"]) for one in figures["slots"]] == [(slot["id"], 1.0)]


@pytest.mark.parametrize("state", [CommunityState.PAUSED, CommunityState.DRAFT, CommunityState.ARCHIVED])
async def test_in_a_community_that_is_not_open_slots_rest(
    desk: Desk, movable_clock: MovableClock, state: CommunityState
) -> None:
    await desk.slot()
    occurrence, item = await fill_next(desk)
    change = CommunityUpdated(community_id=desk.place.community, slug="x", zone="Asia/Shanghai", state=state)
    await desk.kit.deliver(
        envelope(change, desk.place.organization, change.community_id, community_id=change.community_id, version=2)
    )
    movable_clock.move(days=1)
    await desk.kit.work()
    assert (await desk.occurrence(occurrence))["state"] == "rested"
    assert await desk.posts() == []
    assert (await desk.editor.get(f"{desk.path}/items/{item['id']}")).json()["state"] == "ready"
    figures = (await desk.editor.get(f"{desk.path}/punctuality")).json()["community"]
    assert (figures["due"], figures["rate"]) == (0, None)


async def test_two_schedulers_deliver_each_occurrence_once(kit: Kit, movable_clock: MovableClock) -> None:
    desks = [await make_desk(kit) for _ in range(3)]
    for desk in desks:
        for number in range(8):
            await desk.slot(name={"en": f"Slot {number}"})
        for number, occurrence in enumerate((await desk.calendar())[:8]):
            item = await desk.item(body=f"早 {number}")
            assert (await desk.fill(occurrence, item_id=item["id"])).status_code == 200
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)

    async def schedule() -> None:
        scheduler = Scheduler(kit.runtime.worker_engine, kit.runtime.jobs)
        while await scheduler.work_one():
            pass

    await asyncio.gather(*(schedule() for _ in range(4)))
    for desk in desks:
        found = await desk.posts()
        assert sorted(post["body"] for post in found) == [f"早 {number}" for number in range(8)]
        assert len({post["delivery_id"] for post in found}) == 8
        assert len(await told(desk, DeliveryDelivered)) == 8
        assert len(await told(desk, PostPublished)) == 8


class KilledError(BaseException):
    """The process is gone at this step."""


@contextmanager
def killed_at(kit: Kit, step: int) -> Iterator[list[int]]:
    """Have the worker die at the given statement, the commit being the last: nothing after it happens. Counts the statements."""
    engine = kit.runtime.worker_engine.sync_engine
    seen = [0]

    def count(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == step:
            raise KilledError

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)


async def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(desk: Desk, movable_clock: MovableClock) -> None:
    """Every statement of the work in turn, and the commit, is where the process dies; then another one goes on."""
    await desk.slot()
    items = await fill_days(desk, 3)
    delivered = 0
    kills = 0
    step = 0
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    scheduler = Scheduler(desk.kit.runtime.worker_engine, desk.kit.runtime.jobs)
    settled = False
    while not settled:
        step += 1
        with killed_at(desk.kit, step) as seen:
            try:
                while await scheduler.work_one():
                    pass
            except KilledError:
                kills += 1
                assert len(await desk.posts()) == len(await told(desk, DeliveryDelivered))
            settled = seen[0] < step
    posts_now = await desk.posts()
    delivered = len(posts_now)
    assert kills >= 15, "the work has fewer steps than it takes"
    assert delivered == 1
    assert len(await told(desk, DeliveryDelivered)) == len(await told(desk, PostPublished)) == 1
    assert (await desk.editor.get(f"{desk.path}/items/{items[0]}")).json()["state"] == "delivered"
    movable_clock.move(days=2)
    await desk.kit.work()
    assert [post["body"] for post in await desk.posts()] == [f"早上好 {number}" for number in range(3)]


async def test_a_clock_that_steps_back_delivers_nothing_twice_and_loses_nothing(
    desk: Desk, movable_clock: MovableClock
) -> None:
    await desk.slot()
    await fill_days(desk, 3)
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    await desk.kit.work()
    for step in (timedelta(hours=-1), timedelta(days=-1), timedelta(minutes=59), timedelta(days=1, minutes=2)):
        movable_clock.instant += step
        await desk.kit.work()
        assert len(await desk.posts()) == 1
    movable_clock.instant = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    await desk.kit.work()
    assert [post["body"] for post in await desk.posts()] == [f"早上好 {number}" for number in range(3)]


async def test_a_clock_that_steps_back_while_the_work_is_done_loses_nothing(
    desk: Desk, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work was claimed as due; by the time it looks for what is due, the clock says that nothing is."""
    await desk.slot()
    await fill_days(desk, 1)
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    jobs = desk.kit.runtime.jobs.by_kind
    work = jobs[SETTLE]

    async def stepped(session: Session, due: Due) -> None:
        movable_clock.instant = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
        await work(session, due)

    monkeypatch.setitem(jobs, SETTLE, stepped)
    await desk.kit.work()
    assert movable_clock.instant == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert len(await desk.posts()) == 1
    # What was due at half past is not told to have been there before.
    (delivered,) = await told(desk, DeliveryDelivered)
    assert delivered.data["delivered_at"] == "2026-03-02T23:30:00Z"


async def test_one_item_that_breaks_costs_the_others_nothing_and_is_tried_again(
    desk: Desk, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await desk.slot(name={"en": f"Slot {number}"})
    for number, occurrence in enumerate((await desk.calendar())[:3]):
        await desk.fill(occurrence, item_id=(await desk.item(body=f"早 {number}"))["id"])
    broken = [True]

    async def check(_session: Session, utterance: Utterance) -> Verdict:
        if broken[0] and utterance.body == "早 1":
            raise RuntimeError("a check that fails")
        return ALLOWED

    monkeypatch.setattr(posts, "CHECKS", [check])
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    await desk.kit.work()
    assert sorted(post["body"] for post in await desk.posts()) == ["早 0", "早 2"]
    due = (await desk.editor.get(f"{desk.path}/deliveries", params={"state": "due"})).json()["data"]
    assert len(due) == 1
    broken[0] = False
    movable_clock.move(seconds=4)
    await desk.kit.work()
    assert len(await desk.posts()) == 2
    movable_clock.move(seconds=1)
    await desk.kit.work()
    assert sorted(post["body"] for post in await desk.posts()) == ["早 0", "早 1", "早 2"]


async def test_what_never_works_fails_in_the_end_and_is_told(
    desk: Desk, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.slot()
    _, item = await fill_next(desk)

    async def check(_session: Session, _utterance: Utterance) -> Verdict:
        raise RuntimeError("a check that fails")

    monkeypatch.setattr(posts, "CHECKS", [check])
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    for _ in range(10):
        await desk.kit.work()
        movable_clock.move(minutes=5)
    (failed,) = await told(desk, DeliveryFailed)
    assert failed.data["reason"] == "publishing-failed"
    assert (await desk.editor.get(f"{desk.path}/items/{item['id']}")).json()["state"] == "ready"
    assert (await desk.editor.get(f"{desk.path}/punctuality")).json()["community"]["failed"] == 1


async def held_delivery(desk: Desk, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The delivery of the next occurrence, held by a detector at its hour."""

    async def check(_session: Session, _utterance: Utterance) -> Verdict:
        return Verdict(Act.HOLD)

    monkeypatch.setattr(posts, "CHECKS", [check])
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    await desk.kit.work()
    (held,) = (await desk.editor.get(f"{desk.path}/deliveries")).json()["data"]
    assert (held["state"], held["delivered_at"], held["on_time"]) == ("in_review", None, None)
    return dict(held)


@pytest.mark.parametrize(
    ("decision", "state", "reason"),
    [(PostState.PUBLISHED, "delivered", None), (PostState.REMOVED, "failed", "review-refused")],
)
async def test_what_a_detector_holds_is_delivered_when_somebody_has_decided(
    desk: Desk,
    movable_clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    decision: PostState,
    state: str,
    reason: str,
) -> None:
    await desk.slot()
    occurrence, item = await fill_next(desk)
    held = await held_delivery(desk, movable_clock, monkeypatch)
    assert await told(desk, DeliveryDelivered, DeliveryFailed, PostPublished) == []
    figures = (await desk.editor.get(f"{desk.path}/punctuality")).json()["community"]
    assert (figures["due"], figures["in_review"], figures["on_time"]) == (1, 1, 0)
    movable_clock.move(minutes=20)
    async with transaction(desk.kit.runtime.engine, desk.place.organization) as session:
        post = await post_queries.lock_post(session, desk.place.community, UUID(held["post_id"]))
        await posts.settle_post(session, post, decision, actor=None)
    (settled,) = (await desk.editor.get(f"{desk.path}/deliveries")).json()["data"]
    assert (settled["state"], settled["reason"], settled["on_time"]) == (state, reason, False)
    assert settled["delivered_at"] == ("2026-03-02T23:50:00Z" if state == "delivered" else None)
    assert len(await told(desk, DeliveryDelivered, DeliveryFailed)) == 1
    assert (await desk.occurrence(occurrence))["delivery_state"] == state
    assert (await desk.editor.get(f"{desk.path}/items/{item['id']}")).json()["state"] == "delivered"


async def test_what_is_deleted_while_a_detector_holds_it_has_failed(
    desk: Desk, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.slot()
    occurrence, _ = await fill_next(desk)
    held = await held_delivery(desk, movable_clock, monkeypatch)
    path = f"{desk.path}/posts/{held['post_id']}"
    version = (await desk.editor.get(path)).headers["ETag"]
    assert (await desk.editor.delete(path, headers={"If-Match": version})).status_code == 204
    (settled,) = (await desk.editor.get(f"{desk.path}/deliveries")).json()["data"]
    assert (settled["state"], settled["reason"], settled["on_time"]) == ("failed", "post-deleted", False)
    (failed,) = await told(desk, DeliveryDelivered, DeliveryFailed)
    assert (failed.data["delivery_id"], failed.data["reason"]) == (held["id"], "post-deleted")
    assert (await desk.occurrence(occurrence))["delivery_state"] == "failed"
    figures = (await desk.editor.get(f"{desk.path}/punctuality")).json()["community"]
    assert (figures["due"], figures["in_review"], figures["failed"]) == (1, 0, 1)


async def test_what_a_planner_holds_at_its_hour_goes_out_when_they_let_go(
    desk: Desk, movable_clock: MovableClock
) -> None:
    """Somebody looks at the occurrence, locked, while the work of its hour is done, and changes nothing."""
    await desk.slot()
    await fill_days(desk, 1)
    occurrence = (await desk.calendar())[0]
    movable_clock.instant = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    async with transaction(desk.kit.runtime.engine, desk.place.organization) as session:
        await lock_occurrence(session, desk.place.community, UUID(occurrence["id"]))
        await desk.kit.work()
    assert await desk.posts() == []
    movable_clock.move(seconds=1)
    await desk.kit.work()
    assert len(await desk.posts()) == 1
    (delivered,) = await told(desk, DeliveryDelivered)
    assert delivered.data["on_time"]


async def test_a_gap_that_a_planner_holds_when_it_is_to_be_told_is_told_in_the_end(
    desk: Desk, movable_clock: MovableClock
) -> None:
    await desk.slot(notice_hours=1)
    occurrence = (await desk.calendar())[0]
    movable_clock.instant = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    async with transaction(desk.kit.runtime.engine, desk.place.organization) as session:
        await lock_occurrence(session, desk.place.community, UUID(occurrence["id"]))
        await desk.kit.work()
    assert await told(desk, OccurrenceGapForeseen) == []
    movable_clock.move(seconds=1)
    await desk.kit.work()
    assert len(await told(desk, OccurrenceGapForeseen)) == 1
