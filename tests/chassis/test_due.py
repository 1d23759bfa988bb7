"""Due work: done at its time, once, and again later when it fails."""

import asyncio
from datetime import timedelta
from uuid import UUID

from chassis import clock, due
from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.due import Scheduler
from chassis.ids import new_id
from chassis.testing.kit import Kit


async def plan(
    kit: Kit, organization: UUID, body: str, *, minutes: float = 0, keep: bool = False, key: str | None = None
) -> str:
    identifier = key or str(new_id())
    async with transaction(kit.runtime.engine, organization) as session:
        due_at = clock.now() + timedelta(minutes=minutes)
        await due.schedule(session, organization, "note.write", identifier, due_at, {"body": body}, keep=keep)
    return identifier


async def notes(kit: Kit, organization: UUID) -> list[str]:
    return [
        row["body"]
        for row in await kit.sql("SELECT body FROM note WHERE organization_id = $1 ORDER BY id", organization)
    ]


async def test_work_is_done_when_it_is_due_and_not_before(kit: Kit, movable_clock: MovableClock) -> None:
    organization = new_id()
    await plan(kit, organization, "later", minutes=10)
    movable_clock.move(minutes=9)
    await kit.work()
    assert await notes(kit, organization) == []
    movable_clock.move(minutes=1)
    await kit.work()
    assert await notes(kit, organization) == ["later"]
    movable_clock.move(minutes=-10)  # a clock that steps back does nothing again
    await kit.work()
    movable_clock.move(days=1)
    await kit.work()
    assert await notes(kit, organization) == ["later"]


async def test_many_schedulers_do_each_piece_once(kit: Kit) -> None:
    organization = new_id()
    for number in range(30):
        await plan(kit, organization, str(number))
    schedulers = [Scheduler(kit.runtime.worker_engine, kit.runtime.jobs) for _ in range(4)]

    async def drain(scheduler: Scheduler) -> None:
        while await scheduler.work_one():
            pass

    await asyncio.gather(*(drain(scheduler) for scheduler in schedulers))
    assert sorted(await notes(kit, organization), key=int) == [str(number) for number in range(30)]


async def test_a_failure_leaves_no_effect_and_is_tried_again_later(kit: Kit, movable_clock: MovableClock) -> None:
    organization = new_id()
    await plan(kit, organization, "fail")
    await kit.work()
    assert await notes(kit, organization) == []
    [row] = await kit.sql(
        "SELECT attempts, error, due_at FROM due_work WHERE organization_id = $1 AND kind = 'note.write'", organization
    )
    assert (row["attempts"], row["error"]) == (1, "ValueError: on purpose")
    assert row["due_at"] == clock.now() + timedelta(seconds=2)
    movable_clock.move(seconds=2)
    await kit.work()
    [row] = await kit.sql(
        "SELECT attempts, due_at FROM due_work WHERE organization_id = $1 AND kind = 'note.write'", organization
    )
    assert (row["attempts"], row["due_at"]) == (2, clock.now() + timedelta(seconds=4))
    await kit.sql("DELETE FROM due_work WHERE organization_id = $1", organization)


async def test_what_takes_too_long_is_put_off_and_others_are_done(kit: Kit, movable_clock: MovableClock) -> None:
    organization = new_id()
    key = await plan(kit, organization, "takes too long")
    movable_clock.move(seconds=1)
    await plan(kit, organization, "other")
    await kit.work()
    assert await notes(kit, organization) == ["other"]
    [row] = await kit.sql("SELECT key, attempts, due_at FROM due_work WHERE organization_id = $1", organization)
    assert (row["key"], row["attempts"], row["due_at"]) == (key, 1, clock.now() + timedelta(seconds=2))
    await kit.sql("DELETE FROM due_work WHERE organization_id = $1", organization)


async def test_work_that_is_moved_while_it_fails_stays_where_it_was_moved(
    kit: Kit, movable_clock: MovableClock
) -> None:
    organization = new_id()
    key = await plan(kit, organization, "fail")

    class Late(Scheduler):
        async def _later(self, work: due.Due, attempts: int, error: Exception) -> None:
            await plan(kit, organization, "moved", minutes=10, key=key)
            await super()._later(work, attempts, error)

    assert await Late(kit.runtime.worker_engine, kit.runtime.jobs).work_one()
    [row] = await kit.sql("SELECT attempts, due_at FROM due_work WHERE organization_id = $1", organization)
    assert (row["attempts"], row["due_at"]) == (0, clock.now() + timedelta(minutes=10))
    movable_clock.move(minutes=10)
    await kit.work()
    assert await notes(kit, organization) == ["moved"]


async def test_work_can_be_moved_kept_and_taken_back(kit: Kit, movable_clock: MovableClock) -> None:
    organization = new_id()
    key = await plan(kit, organization, "first", minutes=5)
    await plan(kit, organization, "ignored", minutes=1, keep=True, key=key)
    await plan(kit, organization, "moved", minutes=20, key=key)
    movable_clock.move(minutes=10)
    await kit.work()
    assert await notes(kit, organization) == []
    gone = await plan(kit, organization, "gone")
    async with transaction(kit.runtime.engine, organization) as session:
        await due.cancel(session, organization, "note.write", gone)
    movable_clock.move(minutes=10)
    await kit.work()
    assert await notes(kit, organization) == ["moved"]
