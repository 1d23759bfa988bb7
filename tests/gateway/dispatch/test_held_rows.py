"""Rows that another transaction holds and does not let go keep nobody waiting whom they do not concern."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.gateway.dispatch.receiving import Answer, Received, Receiver, Town, dispatching

from chassis import clock
from chassis.db import transaction
from chassis.testing.kit import Kit
from gateway.deliveries.dispatch import jobs
from gateway.lanes import commands as lanes


async def test_a_lane_that_is_locked_is_kept_and_the_others_go_on(
    kit: Kit, town: Town, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RENEW_SECONDS", 0.1)
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.path != "/other":
            await release.wait()
        return 204, {}, b""

    receiver.answer = answer
    locked, held, other = [await town.endpoint(path) for path in ("/locked", "/held", "/other")]
    event = await town.message(locked["id"], held["id"])
    async with dispatching(kit) as dispatcher:
        await receiver.until(lambda came: len(came) == 2)
        before = dispatcher.lanes[UUID(locked["id"])]
        lease = (await kit.sql("SELECT held_until FROM lane WHERE endpoint_id = $1", UUID(held["id"])))[0]["held_until"]
        async with transaction(kit.runtime.worker_engine, town.organization) as session:
            await lanes.wake(session, [UUID(locked["id"])], clock.now())
            await town.until("SELECT held_until > $2 FROM lane WHERE endpoint_id = $1", UUID(held["id"]), lease)
            await town.tried(other, await town.message(other["id"]), 1)
            release.set()
            await town.tried(held, event, 1)
            await town.settled(locked, event)
            assert dispatcher.lanes[UUID(locked["id"])] is before
        await town.tried(locked, event, 1)
    assert sorted(one.path for one in receiver.received) == ["/held", "/locked", "/other"]


async def test_an_endpoint_that_is_locked_delays_no_other_endpoint_and_no_other_tenant(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    async def answer(received: Received) -> Answer:
        return (500 if received.path == "/fails" else 204), {}, b""

    receiver.answer = answer
    elsewhere = Town(kit, receiver)
    fails, fine = await town.endpoint("/fails"), await town.endpoint("/fine", ordering="fifo")
    foreign = await elsewhere.endpoint("/foreign", ordering="fifo")
    async with dispatching(kit):
        async with transaction(kit.runtime.worker_engine, town.organization) as session:
            # A change of the endpoint that does not come to its end: that it has begun to fail cannot be written down.
            await session.execute(text("SELECT 1 FROM endpoint WHERE id = :id FOR UPDATE"), {"id": UUID(fails["id"])})
            event = await town.message(fails["id"])
            await receiver.until(lambda came: [one.path for one in came] == ["/fails"])
            for _ in range(3):
                await elsewhere.settled(foreign, await elsewhere.message(foreign["id"]))
                await town.settled(fine, await town.message(fine["id"]))
            assert (await town.delivery(fails, event))["attempts"] == 0
        row = await town.tried(fails, event, 1)
    assert (row["state"], row["tries"], row["last_status"]) == ("pending", 1, 500)
    assert [one.path for one in receiver.received].count("/fails") == 1
