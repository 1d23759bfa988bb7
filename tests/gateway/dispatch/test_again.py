"""What is told again, or let go on by hand, while the endpoint's lane has a mind of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

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
