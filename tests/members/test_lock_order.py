"""A command that meets the worker of the work that it schedules: one waits for the other, and neither has to give way.

A worker holds the row of its work and then locks what the work is about. A command that touches both keeps that order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.members.groups.test_assignments import rule, write
from tests.members.groups.test_groups import base, make
from tests.members.memberships.files.brought import Desk
from tests.members.screening.scene import applicant, decide, screening
from tests.members.tiers.scene import Scene, found_scene
from tests.members.tiers.standards import MIXED
from tests.members.town import Town, found_town

from chassis import clock, retries
from chassis.db import Session
from chassis.due import Due
from chassis.testing.kit import Kit
from members.groups.assignments.commands import APPLY_KIND
from members.memberships.files.commands import ADVANCE
from members.memberships.files.taking.commands import ROWS_AT_ONCE
from members.screening.applications.policy import OVERDUE_KIND
from members.segments.currency.commands import RECOMPUTE
from members.tiers.placements.commands import END
from members.tiers.removal.commands import WATCH
from members.tiers.standards.commands import EVALUATE

Command = Callable[[], Coroutine[Any, Any, httpx.Response]]


@dataclass
class Meeting:
    """Work that is due, and a command that locks what it is about."""

    kind: str
    command: Command


def match(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


async def cancelling_a_file(town: Town) -> Meeting:
    desk = Desk(town.kit, town.owner, (await town.community(state="draft"))["id"])
    people = "".join(f"{number},P {number},,,\n" for number in range(ROWS_AT_ONCE + 1))
    file = (await desk.step(await desk.map(await desk.bring(f"id,name,phone,email,tags\n{people}")), "start")).json()
    return Meeting(ADVANCE, lambda: desk.step(file, "cancel"))


async def applying_rules_again(town: Town) -> Meeting:
    community = await town.community()
    await write(town, community, rule("tagged", await make(town, community), tags=["vip"]))

    async def start() -> httpx.Response:
        return await town.owner.post(f"{base(community)}/rules/apply")

    assert (await start()).is_success
    return Meeting(APPLY_KIND, start)


async def tiers(town: Town) -> tuple[Scene, str]:
    """Return a scene with a standard in force, and the address of a member's tier."""
    scene = await found_scene(town)
    account = await scene.member(joined=clock.now())
    await scene.adopt(MIXED)
    [row] = await town.kit.sql("SELECT id FROM membership WHERE account_id = $1", account)
    return scene, scene.url(f"/memberships/{row['id']}/tier")


async def adopting_a_standard(town: Town) -> Meeting:
    scene, _ = await tiers(town)

    async def adopt() -> httpx.Response:
        number = (await scene.draft(MIXED)).json()["number"]
        return await town.owner.post(scene.url(f"/tier-standards/{number}/adopt"), headers=match(1))

    assert (await adopt()).is_success
    return Meeting(EVALUATE, adopt)


async def placed(town: Town) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return the address of a tier by hand whose time is over, what put the member there, and its version."""
    _, url = await tiers(town)
    version = {"If-Match": (await town.owner.get(url)).headers["etag"]}
    body = {"tier": "t2", "reason": "Led the circle.", "until": (clock.now() + timedelta(days=3)).isoformat()}
    answer = await town.owner.put(url, json=body, headers=version)
    assert answer.is_success, answer.text
    return url, body, {"If-Match": answer.headers["etag"]}


async def placing_anew(town: Town) -> Meeting:
    url, body, version = await placed(town)
    return Meeting(END, lambda: town.owner.put(url, json=body, headers=version))


async def ending_a_placement(town: Town) -> Meeting:
    url, _, version = await placed(town)
    return Meeting(END, lambda: town.owner.delete(url, headers=version))


async def setting_the_membership_standard(town: Town) -> Meeting:
    url = f"/v1/communities/{(await town.community())['id']}/membership-standard"
    terms = {"silent_days": 90, "notice_days": 14}
    assert (await town.owner.put(url, json=terms, headers=match(0))).is_success
    return Meeting(WATCH, lambda: town.owner.put(url, json=terms, headers=match(1)))


async def segment(town: Town) -> tuple[str, dict[str, str]]:
    url = f"/v1/communities/{(await town.community(state='draft'))['id']}/segments"
    body = {"name": {"en": "Some"}, "filter": {"never_active": True}}
    answer = await town.owner.post(url, json=body)
    assert answer.is_success, answer.text
    return f"{url}/{answer.json()['id']}", {"If-Match": answer.headers["etag"]}


async def filtering_a_segment_otherwise(town: Town) -> Meeting:
    url, version = await segment(town)
    body = {"filter": {"field": "staff", "op": "=", "value": True}}
    return Meeting(RECOMPUTE, lambda: town.owner.patch(url, json=body, headers=version))


async def deleting_a_segment(town: Town) -> Meeting:
    url, version = await segment(town)
    return Meeting(RECOMPUTE, lambda: town.owner.delete(url, headers=version))


async def deciding_at_the_deadline(town: Town) -> Meeting:
    community = await screening(town)
    made, _, _ = await applicant(town, community)
    return Meeting(OVERDUE_KIND, lambda: decide(town.owner, community, made, "approve"))


MEETINGS = [
    cancelling_a_file,
    applying_rules_again,
    adopting_a_standard,
    placing_anew,
    ending_a_placement,
    setting_the_membership_standard,
    filtering_a_segment_otherwise,
    deleting_a_segment,
    deciding_at_the_deadline,
]


@pytest.mark.parametrize("arrange", MEETINGS, ids=lambda arrange: arrange.__name__)
async def test_neither_gives_way(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, arrange: Callable[[Town], Awaitable[Meeting]]
) -> None:
    town = await found_town(kit)
    meeting = await arrange(town)
    # A request that PostgreSQL ended is not done again: it would be answered 503.
    monkeypatch.setattr(retries, "MOST_TRIES", 1)
    work = kit.runtime.jobs.by_kind[meeting.kind]
    held, go = asyncio.Event(), asyncio.Event()

    async def wait_and_work(session: Session, due: Due) -> None:
        held.set()
        await go.wait()
        await work(session, due)

    monkeypatch.setitem(kit.runtime.jobs.by_kind, meeting.kind, wait_and_work)
    mine = "organization_id = $1 AND kind = $2"
    await kit.sql(f"UPDATE due_work SET due_at = now() WHERE {mine}", town.organization, meeting.kind)
    async with asyncio.timeout(60), asyncio.TaskGroup() as both:
        both.create_task(kit.work())
        await held.wait()
        command = both.create_task(meeting.command())
        await until_it_waits(kit, command)
        go.set()
    answer = command.result()
    assert answer.is_success, answer.text
    failed = await kit.sql(f"SELECT error FROM due_work WHERE {mine} AND attempts > 0", town.organization, meeting.kind)
    assert failed == []


async def until_it_waits(kit: Kit, command: asyncio.Task[httpx.Response]) -> None:
    """Return as soon as the command waits for a lock, or is answered without."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not command.done() and not await kit.sql(waiting):  # noqa: ASYNC110  a condition of another process
        await asyncio.sleep(0.01)
