"""What is told again, or let go on by hand, while the endpoint's lane has a mind of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from tests.gateway.dispatch.receiving import Answer, Received, Receiver, Town, dispatching

from chassis.clock import MovableClock
from chassis.testing.kit import Kit

TRIED = "UPDATE delivery SET tries = $2, attempts = $2 WHERE event_id = $1"


def held(receiver: Receiver, status: int) -> Callable[[], None]:
    """Have the receiver's first answer wait; return what lets it go."""
    released = asyncio.Event()

    async def answer(_received: Received) -> Answer:
        if len(receiver.received) == 1:
            await released.wait()
            return status, {}, b""
        return 500, {}, b""

    receiver.answer = answer
    return released.set


@pytest.mark.parametrize("tries", [8, 9])
async def test_what_is_told_again_during_an_attempt_begins_its_schedule_anew(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock, tries: int
) -> None:
    release = held(receiver, 500)
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    await kit.sql(TRIED, event, tries)
    async with dispatching(kit):
        await receiver.until(lambda came: len(came) == 1)
        await town.replay(endpoint, event)
        release()
        row = await town.tried(endpoint, event, tries + 2)
    assert (row["state"], row["reason"], row["tries"], row["attempts"]) == ("pending", None, 1, tries + 2)
    assert 4 <= (row["due_at"] - movable_clock()).total_seconds() <= 6


async def test_what_arrives_after_it_was_to_be_told_again_has_arrived(kit: Kit, town: Town, receiver: Receiver) -> None:
    release = held(receiver, 204)
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    await kit.sql(TRIED, event, 9)
    async with dispatching(kit):
        await receiver.until(lambda came: len(came) == 1)
        await town.replay(endpoint, event)
        release()
        row = await town.settled(endpoint, event)
    assert (row["state"], row["reason"], row["due_at"], row["attempts"]) == ("delivered", None, None, 10)


async def enable(kit: Kit, town: Town, endpoint: dict[str, Any]) -> None:
    assert (await kit.staff(town.organization).post(f"/v1/endpoints/{endpoint['id']}/enabling")).status_code == 200
    await kit.work()


async def disable(kit: Kit, town: Town, endpoint: dict[str, Any]) -> None:
    assert (await kit.staff(town.organization).post(f"/v1/endpoints/{endpoint['id']}/disabling")).status_code == 200


async def move(kit: Kit, town: Town, endpoint: dict[str, Any], url: str) -> None:
    path, staff = f"/v1/endpoints/{endpoint['id']}", kit.staff(town.organization)
    version = (await staff.get(path)).headers["etag"]
    assert (await staff.patch(path, json={"url": url}, headers={"If-Match": version})).status_code == 200
    await kit.work()


@pytest.mark.parametrize("ordering", ["fifo", "parallel"])
async def test_what_waits_for_a_later_attempt_goes_out_when_the_endpoint_is_enabled(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock, ordering: str
) -> None:
    receiver.says(500)
    endpoint = await town.endpoint(ordering=ordering)
    first = await town.message(endpoint["id"])
    await kit.sql(TRIED, first, 8)
    async with dispatching(kit):
        await town.tried(endpoint, first, 9)
        await disable(kit, town, endpoint)
        movable_clock.move(milliseconds=1)
        second = await town.message(endpoint["id"])
        receiver.says(204)
        await enable(kit, town, endpoint)
        for event in (first, second):
            assert (await town.settled(endpoint, event))["state"] == "delivered"
    if ordering == "fifo":
        assert [one.id for one in receiver.received] == [first, first, second]


async def test_what_waits_goes_out_when_the_endpoint_is_elsewhere_though_an_attempt_was_under_way(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.path == "/there":
            return 204, {}, b""
        await release.wait()
        return 429, {"retry-after": "86400"}, b""

    receiver.answer = answer
    endpoint = await town.endpoint("/here", ordering="fifo")
    events = [await town.message(endpoint["id"]) for _ in range(2)]
    async with dispatching(kit):
        await receiver.until(lambda came: len(came) == 1)
        await move(kit, town, endpoint, receiver.url + "/there")
        release.set()
        for event in events:
            assert (await town.settled(endpoint, event))["state"] == "delivered"


async def test_fifo_goes_on_when_its_first_is_told_again(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    receiver.says(500, 500, 204)
    endpoint = await town.endpoint(ordering="fifo")
    first = await town.message(endpoint["id"])
    await kit.sql(TRIED, first, 8)
    movable_clock.move(milliseconds=1)
    second = await town.message(endpoint["id"])
    async with dispatching(kit):
        await town.tried(endpoint, first, 9)
        await town.replay(endpoint, second)
        assert (await town.delivery(endpoint, second))["attempts"] == 0
        await town.replay(endpoint, first)
        row = await town.tried(endpoint, first, 10)
        assert (row["state"], row["tries"]) == ("pending", 1)
        movable_clock.move(seconds=10)
        for event in (first, second):
            assert (await town.settled(endpoint, event))["state"] == "delivered"


async def test_a_throttled_lane_keeps_its_pause_though_its_first_is_told_again(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    receiver.says(429, 204, **{"retry-after": "3600"})
    endpoint = await town.endpoint(ordering="fifo")
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        await town.tried(endpoint, event, 1)
    await town.replay(endpoint, event)
    [lane] = await kit.sql("SELECT due_at = not_before AS waits FROM lane WHERE endpoint_id = $1", UUID(endpoint["id"]))
    assert lane["waits"]
