"""What a lane has in hand is its own, is not old, and nobody waits for a lane that cannot be fed."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from tests.gateway.dispatch.receiving import Answer, Received, Receiver, Town, dispatching

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from gateway.deliveries.dispatch import lane as lanes


async def test_what_one_endpoint_has_in_hand_is_not_passed_over_for_another(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.path == "/slow":
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    slow, other = await town.endpoint("/slow", ordering="fifo"), await town.endpoint("/other", ordering="fifo")
    async with dispatching(kit):
        first = await town.message(slow["id"])
        await receiver.until(lambda came: len(came) == 1)
        # The other is told of the same event, and is brought it together with what is next for the slow one.
        await kit.sql(
            "INSERT INTO delivery (endpoint_id, event_id, organization_id, type, state, due_at, created_at) "
            "VALUES ($1, $2, $3, 'content.post.published.v1', 'pending', $4, $4)",
            UUID(other["id"]),
            first,
            town.organization,
            clock.now(),
        )
        movable_clock.move(milliseconds=1)
        second = await town.message(slow["id"], other["id"])
        await town.settled(other, second)
        assert [one.id for one in receiver.received if one.path == "/other"] == [first, second]
        release.set()
        await town.settled(slow, second)


async def test_a_key_that_does_not_open_holds_up_no_other_endpoint(kit: Kit, town: Town) -> None:
    broken, healthy = await town.endpoint(), await town.endpoint()
    await kit.sql("UPDATE endpoint_secret SET sealed = $2 WHERE endpoint_id = $1", UUID(broken["id"]), b"\x01" * 64)
    event = await town.message(broken["id"], healthy["id"])
    async with dispatching(kit):
        await town.settled(healthy, event)
        await town.until(
            "SELECT holder IS NULL AND not_before IS NOT NULL FROM lane WHERE endpoint_id = $1", UUID(broken["id"])
        )
    assert (await town.delivery(broken, event))["state"] == "pending"


async def test_what_has_been_in_hand_for_long_goes_where_the_endpoint_is_now(
    kit: Kit, town: Town, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "FRESH_SECONDS", 0.0)
    release = asyncio.Event()

    async def answer(_received: Received) -> Answer:
        await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    endpoint = await town.endpoint("/before", ordering="fifo")
    events = await town.messages(endpoint["id"], 3)
    async with dispatching(kit):
        await receiver.until(lambda came: len(came) == 1)
        await kit.sql("UPDATE endpoint SET url = $2 WHERE id = $1", UUID(endpoint["id"]), f"{receiver.url}/after")
        release.set()
        for event in events:
            await town.settled(endpoint, event)
    assert [one.path for one in receiver.received] == ["/before", "/after", "/after"]
    assert sorted(one.id for one in receiver.received) == sorted(events)
