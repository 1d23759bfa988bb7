"""Lanes keep endpoints apart, keep order where it was asked for, and pass from one process to another."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import orjson
from standardwebhooks import Webhook
from tests.gateway.dispatch.receiving import Answer, Received, Receiver, Town, dispatching
from tests.gateway.servers import PATIENCE

from chassis import clock
from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.embedded.ports import free_port
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.partners import EndpointDisabling
from gateway import signing
from gateway.deliveries.policy import MOST_WIDTH
from gateway.endpoints import commands as endpoints

HELD = "SELECT holder IS NOT NULL FROM lane WHERE endpoint_id = $1"


async def test_what_is_due_goes_out_signed_and_is_written_down(kit: Kit, town: Town, receiver: Receiver) -> None:
    endpoint = await town.endpoint(headers={"X-Tenant": "brand-7"})
    event = await town.message(endpoint["id"], text="春节")
    async with dispatching(kit):
        row = await town.settled(endpoint, event)
    (received,) = receiver.received
    assert Webhook(endpoint["secret"]).verify(received.body, received.headers) == orjson.loads(received.body)
    assert received.id == event
    assert received.headers["x-tenant"] == "brand-7"
    assert (row["state"], row["attempts"], row["last_status"], row["due_at"]) == ("delivered", 1, 204, None)
    (attempt,) = await town.attempts(endpoint, event)
    kept = orjson.loads(attempt["request_headers"])
    assert kept["X-Tenant"] == "(hidden)"
    assert kept["webhook-id"] == str(event)
    assert (attempt["address"], attempt["error"]) == ("127.0.0.1", None)
    assert attempt["milliseconds"] >= 0


async def test_one_that_hangs_holds_up_no_other(kit: Kit, town: Town, receiver: Receiver) -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.path == "/hang":
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    hanging, healthy = await town.endpoint("/hang"), await town.endpoint("/fine")
    stuck = [await town.message(hanging["id"]) for _ in range(20)]
    async with dispatching(kit, delivery_connections=10):
        await receiver.until(lambda came: any(one.path == "/hang" for one in came))
        for _ in range(5):
            await town.settled(healthy, await town.message(healthy["id"]))
        # Nothing of the hanging one is settled yet, and it has taken but a few connections.
        assert sum(one.path == "/hang" for one in receiver.received) <= 4
        release.set()
        for event in stuck:
            await town.settled(hanging, event)


async def test_those_that_answer_slowly_leave_room_for_others(kit: Kit, town: Town, receiver: Receiver) -> None:
    release, answered = asyncio.Event(), Counter[str]()

    async def answer(received: Received) -> Answer:
        answered[received.path] += 1
        if received.path != "/other" and answered[received.path] > 60:
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    slow, other = [await town.endpoint(f"/slow/{number}") for number in range(3)], await town.endpoint("/other")
    async with dispatching(kit, delivery_connections=40) as dispatcher:
        for endpoint in slow:
            await town.messages(endpoint["id"], 150)
        lanes = dispatcher.lanes
        async with asyncio.timeout(PATIENCE):
            # Until each was found fast, all that it answered is written down, and with that everything has gone out that may.
            while not all(  # noqa: ASYNC110  it tells nobody
                (lane := lanes.get(UUID(endpoint["id"])))
                and lane.pace.width == MOST_WIDTH
                and len(lane.unrecorded) == lane.under_way > 0
                and not lane.asked
                for endpoint in slow
            ):
                await asyncio.sleep(0.01)
        await town.settled(other, await town.message(other["id"]))
        release.set()
        for endpoint in slow:
            await town.until(
                "SELECT bool_and(state = 'delivered') FROM delivery WHERE endpoint_id = $1", UUID(endpoint["id"])
            )


async def test_a_slow_answer_holds_up_no_other_of_the_same_endpoint(kit: Kit, town: Town, receiver: Receiver) -> None:
    release = asyncio.Event()
    first = new_id()

    async def answer(received: Received) -> Answer:
        if received.id == first:
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    endpoint = await town.endpoint()
    first = await town.message(endpoint["id"])
    async with dispatching(kit):
        await receiver.until(lambda came: len(came) == 1)
        await town.settled(endpoint, await town.message(endpoint["id"]))
        assert (await town.delivery(endpoint, first))["state"] == "pending"
        release.set()
        await town.settled(endpoint, first)


async def test_fifo_keeps_the_order_through_failures(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    endpoint = await town.endpoint(ordering="fifo")
    events = []
    for _ in range(5):
        movable_clock.move(milliseconds=1)
        events.append(await town.message(endpoint["id"]))
    refused = [events[1]]

    async def answer(received: Received) -> Answer:
        if received.id in refused:
            refused.remove(received.id)
            return 500, {}, b""
        return 204, {}, b""

    receiver.answer = answer
    async with dispatching(kit):
        await town.tried(endpoint, events[1], 1)
        assert [one.id for one in receiver.received] == events[:2]
        later = await town.message(endpoint["id"])
        lane = await kit.sql("SELECT due_at FROM lane WHERE endpoint_id = $1", UUID(endpoint["id"]))
        assert lane[0]["due_at"] > movable_clock.instant  # what is new does not call it before its time
        movable_clock.move(seconds=6)
        for event in (*events, later):
            await town.settled(endpoint, event)
    assert [one.id for one in receiver.received] == [*events[:2], *events[1:], later]


async def test_fifo_goes_on_past_what_is_given_up(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    endpoint = await town.endpoint(ordering="fifo")
    bad = await town.message(endpoint["id"])
    movable_clock.move(milliseconds=1)
    good = await town.message(endpoint["id"])

    async def answer(received: Received) -> Answer:
        return (500 if received.id == bad else 204), {}, b""

    receiver.answer = answer
    async with dispatching(kit):
        for number in range(1, 10):
            await town.tried(endpoint, bad, number)
            assert (await town.delivery(endpoint, good))["attempts"] == 0
            lane = await kit.sql("SELECT due_at FROM lane WHERE endpoint_id = $1", UUID(endpoint["id"]))
            movable_clock.instant = lane[0]["due_at"]
        await town.settled(endpoint, bad)
        await town.settled(endpoint, good)


async def test_two_processes_share_the_work_and_deliver_each_once(kit: Kit, town: Town, receiver: Receiver) -> None:
    endpoints = [await town.endpoint(f"/{number}") for number in range(8)]
    async with dispatching(kit), dispatching(kit):
        events = [await town.message(*(one["id"] for one in endpoints)) for _ in range(10)]
        for event in events:
            for endpoint in endpoints:
                await town.settled(endpoint, event)
    came = [(one.path, one.id) for one in receiver.received]
    assert len(came) == len(set(came)) == 80


async def test_what_a_process_that_died_had_in_hand_is_taken_over(kit: Kit, town: Town) -> None:
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    lane = UUID(endpoint["id"])
    await kit.sql(
        "UPDATE lane SET holder = $2, held_until = clock_timestamp() + interval '1 hour', due_at = NULL WHERE endpoint_id = $1",
        lane,
        new_id(),
    )
    async with dispatching(kit) as dispatcher:
        assert lane not in dispatcher.lanes
        assert (await town.delivery(endpoint, event))["state"] == "pending"
    await kit.sql("UPDATE lane SET held_until = clock_timestamp() - interval '1 second' WHERE endpoint_id = $1", lane)
    async with dispatching(kit):
        await town.settled(endpoint, event)
    assert not (await kit.sql(HELD, lane))[0][0]


async def test_a_process_that_stops_gives_its_lanes_back(kit: Kit, town: Town, receiver: Receiver) -> None:
    release = asyncio.Event()

    async def answer(_received: Received) -> Answer:
        await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        await receiver.until(lambda came: len(came) == 1)
        release.set()
    assert (await town.delivery(endpoint, event))["state"] == "delivered"
    assert not (await kit.sql(HELD, UUID(endpoint["id"])))[0][0]


async def test_who_needs_consent_is_told_only_of_those_who_agree(kit: Kit, town: Town, receiver: Receiver) -> None:
    client = await town.partner("consent")
    endpoint = await town.endpoint(client=client)
    agreed, silent = new_id(), new_id()
    await kit.sql(
        "INSERT INTO partner_consent (client_id, account_id, organization_id, granted) VALUES ($1, $2, $3, true)",
        client,
        agreed,
        town.organization,
    )
    told = await town.message(endpoint["id"], persons=[agreed])
    kept = await town.message(endpoint["id"], persons=[agreed, silent])
    of_nobody = await town.message(endpoint["id"])
    async with dispatching(kit):
        rows = [await town.settled(endpoint, event) for event in (told, kept, of_nobody)]
    assert [row["state"] for row in rows] == ["delivered", "undelivered", "delivered"]
    assert rows[1]["reason"] == "consent_missing"
    assert {one.id for one in receiver.received} == {told, of_nobody}


async def test_a_redirect_is_a_failure_and_is_not_followed(kit: Kit, town: Town, receiver: Receiver) -> None:
    receiver.says(307, location=f"{receiver.url}/inside")
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        row = await town.tried(endpoint, event, 1)
    assert (row["state"], row["last_status"]) == ("pending", 307)
    assert [one.path for one in receiver.received] == ["/hook"]


async def test_an_endpoint_that_cannot_be_reached_is_tried_again(
    kit: Kit, town: Town, movable_clock: MovableClock
) -> None:
    endpoint = await town.endpoint()
    url = f"http://127.0.0.1:{free_port()}/hook"
    await kit.sql("UPDATE endpoint SET url = $2 WHERE id = $1", UUID(endpoint["id"]), url)
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        row = await town.tried(endpoint, event, 1)
    assert (row["state"], row["last_status"], row["last_error"]) == ("pending", None, "connection_refused")
    assert row["due_at"] - movable_clock.instant < timedelta(seconds=7)


async def test_a_long_queue_goes_out_whole(kit: Kit, town: Town, receiver: Receiver) -> None:
    endpoint = await town.endpoint()
    events = await town.messages(endpoint["id"], 200)
    async with dispatching(kit):
        await town.until(
            "SELECT count(*) = 200 FROM delivery WHERE endpoint_id = $1 AND state = 'delivered'", UUID(endpoint["id"])
        )
    assert sorted(one.id for one in receiver.received) == sorted(events)


async def test_each_key_that_is_good_signs_and_no_other(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    endpoint = await town.endpoint()
    old, gone, asymmetric = signing.make_secret(), signing.make_secret(), signing.make_secret("v1a")
    await town.key(UUID(endpoint["id"]), old, expires_at=movable_clock.instant + timedelta(hours=24))
    await town.key(UUID(endpoint["id"]), gone, expires_at=movable_clock.instant)
    await town.key(UUID(endpoint["id"]), asymmetric)
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        await town.settled(endpoint, event)
    (received,) = receiver.received
    assert [one.partition(",")[0] for one in received.headers["webhook-signature"].split()] == ["v1a", "v1", "v1"]

    def verified(secret: str) -> bool:
        key = signing.parse_key(secret)
        return signing.verify(received.headers, received.body, [key], movable_clock.instant).verified

    assert [verified(one) for one in (endpoint["secret"], old, signing.public_key(asymmetric), gone)] == [True] * 3 + [
        False
    ]


async def test_what_is_in_hand_when_an_endpoint_is_disabled_is_kept_for_later(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    release = asyncio.Event()

    async def answer(_received: Received) -> Answer:
        if len(receiver.received) > 40:
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    endpoint = await town.endpoint()
    lane = UUID(endpoint["id"])
    events = await town.messages(endpoint["id"], 100)
    async with dispatching(kit) as dispatcher:
        await receiver.until(lambda came: len(came) == 40 + MOST_WIDTH)
        async with transaction(kit.runtime.worker_engine, town.organization) as session:
            await endpoints.disable(session, lane, EndpointDisabling.BY_HAND)
        # It is looked at again while it is disabled, with some in hand and some under way.
        await kit.sql("UPDATE lane SET due_at = $2 WHERE endpoint_id = $1", lane, clock.now())
        await town.until("SELECT due_at IS NULL FROM lane WHERE endpoint_id = $1", lane)
        while dispatcher.lanes[lane].target is not None:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
        release.set()
        await town.until("SELECT holder IS NULL AND due_at IS NULL FROM lane WHERE endpoint_id = $1", lane)
        sent = {one.id for one in receiver.received}
        assert len(sent) == 40 + MOST_WIDTH
        rows = await kit.sql("SELECT event_id, state FROM delivery WHERE endpoint_id = $1", lane)
        assert {row["event_id"] for row in rows if row["state"] == "delivered"} == sent
        await kit.sql(
            "UPDATE endpoint SET enabled = true, disabled_reason = NULL, disabled_at = NULL WHERE id = $1", lane
        )
        await town.wake(endpoint["id"])
        await town.until("SELECT bool_and(state = 'delivered') FROM delivery WHERE endpoint_id = $1", lane)
    assert sorted(one.id for one in receiver.received) == sorted(events)
