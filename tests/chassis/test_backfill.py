"""Backfill, clearing and republishing: who lacks events gets them, and nobody else."""

from datetime import timedelta

from tests.chassis.happenings import seen
from tests.chassis.sample import consumers, write_note
from tests.chassis.test_events import stored

from chassis import clock, relay
from chassis.bus import Bus
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, envelope
from contracts.base import Origin
from contracts.members import AccountCreated


async def test_a_backfill_reaches_the_named_consumer_only_and_is_no_live_event(kit: Kit, cluster: Cluster) -> None:
    organization = new_id()
    await kit.relay()
    async with transaction(kit.runtime.engine, organization) as session:
        await write_note(session, organization, new_id(), "x")
    await kit.relay()
    bus = await Bus.connect(cluster.nats.url(), "content")
    before = len(await stored(bus))
    sent = await relay.replay(
        kit.runtime.worker_engine, kit.runtime.bus, "pulse", ["content.post.published.v1"], run="r1"
    )
    assert sent >= 1
    again = await stored(bus)
    assert len(again) == before + sent
    assert {one.origin for one in again[before:]} == {Origin.BACKFILL}
    info = await bus._js.stream_info("CONTENT")
    message = await bus._js.get_msg("CONTENT", info.state.last_seq)
    assert (message.headers or {})["Hearth-Backfill"] == "pulse"
    await bus.close()


async def test_clearing_a_consumer_forgets_its_projection_and_its_inbox(kit: Kit) -> None:
    organization, account = new_id(), new_id()
    event = envelope(AccountCreated(account_id=account, bot=False, credentialed=True), organization, account)
    await kit.deliver(event)
    await consumers.clear(kit.runtime.worker_engine)
    assert await seen(kit, account) is None
    assert await kit.deliver(event) == 1
    assert await seen(kit, account) == ("account", 1)


async def test_republishing_sends_everything_since_a_time_again(kit: Kit) -> None:
    organization = new_id()
    await kit.relay()
    start = clock.now()
    async with transaction(kit.runtime.engine, organization) as session:
        await write_note(session, organization, new_id(), "x")
    await kit.relay()
    assert await relay.republish(kit.runtime.worker_engine, start + timedelta(days=1)) == 0
    assert await relay.republish(kit.runtime.worker_engine, start) == 1
    assert (await relay.status(kit.runtime.worker_engine)).unpublished == 1
    assert await kit.relay() == 1
