"""Fan-out: what a process hears that starts late, that is interrupted, or that hears nonsense."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.bus import Bus, Outgoing
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from chassis.testing.kit import envelope
from contracts.base import Envelope
from contracts.members import SessionRevoked

SUBJECT = f"evt.{SessionRevoked.type}.-"


@pytest.fixture
async def bus(cluster: Cluster) -> AsyncIterator[Bus]:
    opened = await Bus.connect(cluster.nats.url("members"), "members")
    await opened.ensure_stream()
    yield opened
    await opened.close()


async def revoke(bus: Bus, *, payload: bytes | None = None, backfill: str | None = None) -> UUID:
    session = new_id()
    event = SessionRevoked(session_id=session, account_id=new_id(), reason="signed_out")
    content = envelope(event, new_id(), session).model_dump_json(exclude_none=True).encode()
    assert await bus.publish([Outgoing(str(new_id()), SUBJECT, payload or content, backfill)]) == [True]
    return session


@asynccontextmanager
async def listening(cluster: Cluster, since: timedelta) -> AsyncIterator[list[UUID]]:
    """A process of content that listens; yields the sessions that it hears of."""
    heard: list[UUID] = []
    listener = await Bus.connect(cluster.nats.url("content"), "content")

    async def hear(one: Envelope) -> None:
        heard.append(SessionRevoked.read(one.data).session_id)

    following = asyncio.create_task(listener.fanout("members", [f"evt.{SessionRevoked.type}.*"], hear, since=since))
    yield heard
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await listener.close()


async def until_heard(heard: list[UUID], session: UUID) -> None:
    async with asyncio.timeout(20):
        while session not in heard:  # noqa: ASYNC110  the list is the listener's
            await asyncio.sleep(0.02)


async def test_a_process_that_starts_hears_of_what_was_said_a_while_ago(bus: Bus, cluster: Cluster) -> None:
    before = await revoke(bus)
    async with listening(cluster, timedelta(minutes=10)) as heard:
        await until_heard(heard, before)
        await until_heard(heard, await revoke(bus))
    async with listening(cluster, timedelta()) as heard:
        # New events only: which one is the first to be heard depends on when the listener was ready.
        async with asyncio.timeout(20):
            while not heard:
                await revoke(bus)
        assert before not in heard


async def test_nonsense_and_what_is_sent_to_a_consumer_again_end_nothing(bus: Bus, cluster: Cluster) -> None:
    async with listening(cluster, timedelta(minutes=10)) as heard:
        await revoke(bus, payload=b"no event")
        to_others = await revoke(bus, backfill="standing")
        await until_heard(heard, await revoke(bus))
        assert to_others not in heard


async def test_a_stream_that_is_made_anew_is_listened_to_from_its_beginning(bus: Bus, cluster: Cluster) -> None:
    async with listening(cluster, timedelta(minutes=10)) as heard:
        for _ in range(5):
            last = await revoke(bus)
        await until_heard(heard, last)
        # The new stream counts from one again.
        await bus._js.delete_stream("MEMBERS")
        await bus.ensure_stream()
        await until_heard(heard, await revoke(bus))
