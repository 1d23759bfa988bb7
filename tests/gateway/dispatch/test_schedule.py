"""The schedule, as an endpoint that fails sees it: exact under a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.gateway.dispatch.receiving import Receiver, Town, dispatching

from chassis.clock import MovableClock
from chassis.db import Session, transaction
from chassis.testing.kit import Kit
from contracts.partners import EndpointDisabled, EndpointDisabling
from gateway.deliveries import policy
from gateway.deliveries.dispatch import recording

MINUTE, HOUR = 60, 3600
SCHEDULE = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]


async def test_a_failing_delivery_is_tried_on_schedule_and_then_shown_as_undelivered(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    receiver.says(500)
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        for number, seconds in enumerate(SCHEDULE, 1):
            row = await town.tried(endpoint, event, number)
            assert (row["state"], row["tries"], row["last_status"]) == ("pending", number, 500)
            waits = row["due_at"] - movable_clock.instant
            assert timedelta(seconds=seconds * 0.8) <= waits <= timedelta(seconds=seconds * 1.2)
            expected = policy.due_after(UUID(endpoint["id"]), event, number, movable_clock.instant)
            assert row["due_at"] == expected
            movable_clock.instant = row["due_at"] - timedelta(microseconds=1)
            other = await town.message(endpoint["id"])  # what is due now goes out, and the waiting one does not
            await town.tried(endpoint, other, 1)
            assert [one.id for one in receiver.received].count(event) == number
            movable_clock.instant = row["due_at"]
        row = await town.settled(endpoint, event)
    assert (row["state"], row["reason"], row["attempts"]) == ("undelivered", "exhausted", 10)
    assert [one["number"] for one in await town.attempts(endpoint, event)] == list(range(1, 11))
    assert [one.id for one in receiver.received].count(event) == 10


async def test_an_endpoint_that_is_gone_is_disabled_at_once_and_what_waits_is_kept(
    kit: Kit, town: Town, receiver: Receiver
) -> None:
    receiver.says(410)
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        await town.until("SELECT NOT enabled FROM endpoint WHERE id = $1", UUID(endpoint["id"]))
        later = await town.message(endpoint["id"])
        await town.tried(endpoint, event, 1)
    (told,) = [one for one in await kit.events(EndpointDisabled) if one.data["endpoint_id"] == endpoint["id"]]
    assert told.data["reason"] == EndpointDisabling.GONE
    assert [(await town.delivery(endpoint, one))["state"] for one in (event, later)] == ["pending", "pending"]
    assert len(receiver.received) == 1


async def test_five_days_of_only_failures_disable_with_a_notice(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    receiver.says(503)
    endpoint = await town.endpoint()
    begun = movable_clock.instant
    async with dispatching(kit):
        for day in range(5):
            movable_clock.instant = begun + timedelta(days=day)
            await town.tried(endpoint, await town.message(endpoint["id"]), 1)
        movable_clock.instant = begun + timedelta(days=5) - timedelta(seconds=1)
        await town.tried(endpoint, await town.message(endpoint["id"]), 1)
        assert not [one for one in await kit.events(EndpointDisabled) if one.data["endpoint_id"] == endpoint["id"]]
        movable_clock.instant = begun + timedelta(days=5)
        await town.message(endpoint["id"])
        await town.until("SELECT NOT enabled FROM endpoint WHERE id = $1", UUID(endpoint["id"]))
    (told,) = [one for one in await kit.events(EndpointDisabled) if one.data["endpoint_id"] == endpoint["id"]]
    assert told.data["reason"] == EndpointDisabling.FAILING
    assert told.data["failing_since"] is not None


async def test_one_success_in_five_days_is_enough(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    endpoint = await town.endpoint()
    receiver.says(503)
    async with dispatching(kit):
        await town.tried(endpoint, await town.message(endpoint["id"]), 1)
        movable_clock.move(days=4)
        receiver.says(200)
        await town.settled(endpoint, await town.message(endpoint["id"]))
        await town.until("SELECT failing_since IS NULL FROM endpoint WHERE id = $1", UUID(endpoint["id"]))
        receiver.says(503)
        movable_clock.move(days=4)
        await town.tried(endpoint, await town.message(endpoint["id"]), 1)
    assert (await kit.sql("SELECT enabled FROM endpoint WHERE id = $1", UUID(endpoint["id"])))[0]["enabled"]


async def test_retry_after_is_heeded(kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock) -> None:
    receiver.says(503, **{"retry-after": "120"})
    endpoint = await town.endpoint()
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        row = await town.tried(endpoint, event, 1)
    assert row["due_at"] - movable_clock.instant == timedelta(seconds=120)


async def test_an_endpoint_that_has_too_much_is_left_in_peace_for_a_while(
    kit: Kit, town: Town, receiver: Receiver, movable_clock: MovableClock
) -> None:
    receiver.says(429, **{"retry-after": "60"})
    endpoint = await town.endpoint()
    first = await town.message(endpoint["id"])
    async with dispatching(kit):
        await town.tried(endpoint, first, 1)
        second = await town.message(endpoint["id"])
        lane = (await kit.sql("SELECT * FROM lane WHERE endpoint_id = $1", UUID(endpoint["id"])))[0]
        assert lane["due_at"] >= movable_clock.instant
        receiver.says(200)
        movable_clock.move(seconds=61)
        await town.settled(endpoint, second)
        await town.settled(endpoint, first)
    assert len(receiver.received) == 3


@pytest.mark.parametrize("status", [204, 500])
async def test_an_attempt_whose_commit_has_no_answer_is_written_down_once(
    kit: Kit, town: Town, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    receiver.says(status)
    endpoint = await town.endpoint()
    lost: list[bool] = []

    @asynccontextmanager
    async def transaction_that_is_cut_off(*arguments: Any, **options: Any) -> AsyncIterator[Session]:
        async with transaction(*arguments, **options) as session:
            yield session
        if not lost:
            lost.append(True)
            raise ConnectionResetError

    monkeypatch.setattr(recording, "transaction", transaction_that_is_cut_off)
    event = await town.message(endpoint["id"])
    async with dispatching(kit):
        row = await town.tried(endpoint, event, 1)
    assert lost
    assert (len(receiver.received), row["attempts"], row["tries"]) == (1, 1, 1)
    assert [one["number"] for one in await town.attempts(endpoint, event)] == [1]
