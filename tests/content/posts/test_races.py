"""Two hands on one piece at once, and work that breaks off in the middle."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.content.conftest import Place, if_match
from tests.content.posts.test_review import asks_review, told

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.due import Scheduler
from content.announcements import commands as announcements
from content.announcements import queries as receipts
from content.posts import queries
from content.posts.commands import settle_post
from content.posts.policy import PostState
from contracts.content import AnnouncementReminderWanted
from contracts.members import CommunityRole


async def test_one_of_many_reviewers_decides(place: Place) -> None:
    await asks_review(place, "article")
    _, writer = await place.member(CommunityRole.EDITOR)
    reviewers = [(await place.member(CommunityRole.EDITOR))[1] for _ in range(6)]
    post = await place.post(writer, kind="article")
    url = f"{place.path}/posts/{post['id']}"
    answers = await asyncio.gather(
        *(
            client.post(f"{url}/{'approve' if place_ % 2 else 'return'}", json={}, headers=if_match(1))
            for place_, client in enumerate(reviewers)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 412, 412, 412, 412, 412]
    assert len((await writer.get(f"{url}/reviews")).json()["data"]) == 1
    assert [version for _, version, _ in await told(place, post["id"])] == [1, 2]


async def test_what_is_approved_is_what_was_read(place: Place) -> None:
    await asks_review(place, "article")
    _, writer = await place.member(CommunityRole.EDITOR)
    _, second = await place.member(CommunityRole.EDITOR)
    for _ in range(8):
        post = await place.post(writer, "read", kind="article")
        url = f"{place.path}/posts/{post['id']}"
        approved, edited = await asyncio.gather(
            second.post(f"{url}/approve", json={}, headers=if_match(1)),
            writer.patch(url, json={"body": "slipped in"}, headers=if_match(1)),
        )
        assert sorted((approved.status_code, edited.status_code)) == [200, 412]
        shown = (await writer.get(url)).json()
        assert (shown["state"], shown["body"]) == (
            ("published", "read") if approved.status_code == 200 else ("in_review", "slipped in")
        )


async def test_publishing_at_once_publishes_once(place: Place) -> None:
    _, author = await place.member()
    draft = await place.post(author, draft=True)
    url = f"{place.path}/posts/{draft['id']}"
    answers = await asyncio.gather(*(author.post(f"{url}/publish", headers=if_match(1)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    assert await told(place, draft["id"]) == [("written", 1, "draft"), ("published", 2, None)]


async def test_a_piece_that_is_held_as_it_expires_is_held(place: Place, movable_clock: MovableClock) -> None:
    """The worker holds its work and waits for the piece that a moderator is deciding about: neither has to give way."""
    kit = place.kit
    _, editor = await place.member(CommunityRole.EDITOR)
    ends = (movable_clock() + timedelta(hours=1)).isoformat()
    post = await place.post(editor, kind="article", expires_at=ends)
    movable_clock.move(hours=1)
    async with transaction(kit.runtime.engine, place.organization) as session:
        row = await queries.lock_post(session, place.community, UUID(post["id"]))
        work = asyncio.create_task(kit.work())
        while not await kit.sql(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            assert not work.done()
        await settle_post(session, row, PostState.HELD, actor=None)
    await work
    assert await told(place, post["id"]) == [("published", 1, None), ("withdrawn", 2, "held")]


async def test_reminding_that_breaks_off_goes_on_and_doubles_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch and where it has come to are one transaction: a fault in any of them, and two schedulers, remind each once."""
    monkeypatch.setattr(announcements, "BATCH", 3)
    _, editor = await place.member(CommunityRole.EDITOR, staff=True)
    people = sorted([str((await place.member())[0]) for _ in range(10)])
    post = await place.post(editor, kind="announcement", acknowledge=True)
    reminder = (await editor.post(f"{place.path}/posts/{post['id']}/reminders")).json()
    whole, calls = receipts.list_outstanding, 0

    async def breaking(*arguments: object, **options: object) -> list[UUID]:
        nonlocal calls
        calls += 1
        found = await whole(*arguments, **options)  # type: ignore[arg-type]
        if calls % 2:
            raise RuntimeError("the worker died here")
        return found

    monkeypatch.setattr(receipts, "list_outstanding", breaking)
    kit = place.kit

    async def work() -> None:
        scheduler = Scheduler(kit.runtime.worker_engine, kit.runtime.jobs)
        for _ in range(20):
            while await scheduler.work_one():
                pass
            await kit.sql(
                "UPDATE due_work SET due_at = now() - interval '1 second' WHERE kind = $1", announcements.REMIND
            )

    await asyncio.gather(work(), work())
    events = [e for e in await kit.events(AnnouncementReminderWanted) if e.data["reminder_id"] == reminder["id"]]
    assert sorted(e.data["account_id"] for e in events) == people
    [row] = await kit.sql("SELECT reminded, finished_at FROM announcement_reminder WHERE id = $1", UUID(reminder["id"]))
    assert (row["reminded"], bool(row["finished_at"])) == (10, True)
