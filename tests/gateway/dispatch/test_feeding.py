"""What a lane has in hand is its own, is not old, and nobody waits for a lane that cannot be fed."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from prometheus_client import REGISTRY
from tests.gateway.dispatch.receiving import Answer, Received, Receiver, Town, dispatching
from tests.gateway.servers import PATIENCE

from chassis import clock
from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.partners import EndpointDisabling
from gateway.deliveries.dispatch.jobs import Dispatcher
from gateway.deliveries.dispatch.lane import FRESH_SECONDS
from gateway.endpoints import commands as endpoints


def later(dispatcher: Dispatcher) -> None:
    """Let so much time pass for a dispatcher that what it has in hand is old."""
    now = dispatcher.time
    dispatcher.time = lambda: now() + FRESH_SECONDS


async def waits_for_slot(dispatcher: Dispatcher, endpoint: dict[str, Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (  # noqa: ASYNC110  it tells nobody
            (lane := dispatcher.lanes.get(UUID(endpoint["id"]))) and lane.waits_for_slot
        ):
            await asyncio.sleep(0.01)


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
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    release = asyncio.Event()

    async def answer(_received: Received) -> Answer:
        await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    endpoint = await town.endpoint("/before", ordering="fifo")
    events = await town.messages(endpoint["id"], 3)
    async with dispatching(kit) as dispatcher:
        await receiver.until(lambda came: len(came) == 1)
        later(dispatcher)
        await kit.sql("UPDATE endpoint SET url = $2 WHERE id = $1", UUID(endpoint["id"]), f"{receiver.url}/after")
        release.set()
        for event in events:
            await town.settled(endpoint, event)
    assert [one.path for one in receiver.received] == ["/before", "/after", "/after"]
    assert sorted(one.id for one in receiver.received) == sorted(events)


async def test_what_waited_long_for_its_turn_is_sent_as_consent_and_the_endpoint_are_by_then(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.path == "/hang":
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    client, person = await town.partner("consent"), new_id()
    await kit.sql(
        "INSERT INTO partner_consent (client_id, account_id, organization_id, granted) VALUES ($1, $2, $3, true)",
        client,
        person,
        town.organization,
    )
    hanging = [await town.endpoint("/hang", ordering="fifo") for _ in range(8)]
    told, disabled, last = (
        await town.endpoint("/told", client=client),
        await town.endpoint("/off"),
        await town.endpoint("/last"),
    )
    async with dispatching(kit, delivery_connections=10) as dispatcher:
        await town.message(*(one["id"] for one in hanging))
        await receiver.until(lambda came: len(came) == 8)
        event = await town.message(told["id"], persons=[person])
        await waits_for_slot(dispatcher, told)
        await town.message(disabled["id"])
        await waits_for_slot(dispatcher, disabled)
        after = await town.message(last["id"])
        await waits_for_slot(dispatcher, last)
        later(dispatcher)
        await kit.sql("UPDATE partner_consent SET granted = false WHERE client_id = $1", client)
        async with transaction(kit.runtime.worker_engine, town.organization) as session:
            await endpoints.disable(session, UUID(disabled["id"]), EndpointDisabling.BY_HAND)
        release.set()
        assert (await town.settled(told, event))["reason"] == "consent_missing"
        await town.settled(last, after)
        await town.until("SELECT holder IS NULL FROM lane WHERE endpoint_id = $1", UUID(disabled["id"]))
    assert {one.path for one in receiver.received} == {"/hang", "/last"}


async def test_what_waited_long_keeps_its_turn_while_it_is_brought_again(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    turns = asyncio.Semaphore(0)

    async def answer(_received: Received) -> Answer:
        await turns.acquire()
        return 204, {}, b""

    receiver.answer = answer
    hanging = [await town.endpoint(f"/{number}", ordering="fifo") for number in range(8)]
    first, second = await town.endpoint("/first", ordering="fifo"), await town.endpoint("/second", ordering="fifo")
    async with dispatching(kit, delivery_connections=10) as dispatcher:
        await town.message(*(one["id"] for one in hanging))
        await receiver.until(lambda came: len(came) == 8)
        one = await town.message(first["id"])
        await waits_for_slot(dispatcher, first)
        later(dispatcher)
        other = await town.message(second["id"])
        await waits_for_slot(dispatcher, second)
        turns.release()
        await receiver.until(lambda came: len(came) == 9)
        turns.release()
        await receiver.until(lambda came: len(came) == 10)
        for _ in range(8):
            turns.release()
        await town.settled(first, one)
        await town.settled(second, other)
    assert [one.path for one in receiver.received[8:]] == ["/first", "/second"]


async def test_how_long_an_endpoint_waits_for_its_turn_is_measured(kit: Kit, town: Town, receiver: Receiver) -> None:
    def waited() -> float:
        return REGISTRY.get_sample_value("hearth_webhook_slot_wait_seconds") or 0

    release = asyncio.Event()

    async def answer(_received: Received) -> Answer:
        await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    hanging = [await town.endpoint(f"/{number}", ordering="fifo") for number in range(8)]
    waits = await town.endpoint("/waits")
    async with dispatching(kit, delivery_connections=10) as dispatcher:
        await town.message(*(one["id"] for one in hanging))
        await receiver.until(lambda came: len(came) == 8)
        assert waited() == 0
        event = await town.message(waits["id"])
        await waits_for_slot(dispatcher, waits)
        later(dispatcher)
        assert waited() >= FRESH_SECONDS
        release.set()
        await town.settled(waits, event)
        assert waited() == 0
