"""Outbox, relay, inbox and dead letters against a real database and a real broker."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from tests.chassis.happenings import approved, left, seen, until
from tests.chassis.sample import edit, write_note

from chassis import clock, outbox, relay
from chassis.bus import Bus
from chassis.db import Session, transaction
from chassis.ids import new_id
from chassis.relay import Relay
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope
from contracts.members import AccountCreated

# --- outbox and relay ------------------------------------------------------------------------------------------------


async def test_what_fails_inside_a_savepoint_tells_nothing_and_the_rest_does(kit: Kit) -> None:
    organization, good, bad = new_id(), new_id(), new_id()
    async with transaction(kit.runtime.engine, organization) as session:
        await write_note(session, organization, good, "stays")
        with pytest.raises(RuntimeError):
            await write_and_fail(session, organization, bad)
        assert len(outbox.positions(session)) == 1
    told = [one.community for one in await kit.events() if one.organization == organization]
    assert told == [good]
    notes = await kit.sql("SELECT body FROM note WHERE organization_id = $1", organization)
    assert [row["body"] for row in notes] == ["stays"]


async def write_and_fail(session: Session, organization: UUID, community: UUID) -> None:
    async with outbox.savepoint(session):
        await write_note(session, organization, community, "goes")
        raise RuntimeError


async def test_the_relay_publishes_every_committed_event_once_and_in_version_order(kit: Kit, cluster: Cluster) -> None:
    organization, community = new_id(), new_id()
    async with transaction(kit.runtime.engine, organization) as session:
        notes = [(await write_note(session, organization, community, "one")).id for _ in range(20)]
    await kit.runtime.bus.ensure_stream()

    async def churn(note: UUID) -> None:
        for number in range(5):
            async with transaction(kit.runtime.engine, organization) as session:
                await edit(session, note, str(number))

    stopping = asyncio.Event()
    relays = [
        asyncio.create_task(Relay(kit.runtime.worker_engine, kit.runtime.bus, batch=7).run(stopping)) for _ in range(4)
    ]
    await asyncio.gather(*(churn(note) for note in notes))

    async def all_published() -> bool:
        return (await relay.status(kit.runtime.worker_engine)).unpublished == 0

    await until(all_published)
    stopping.set()
    await asyncio.gather(*relays)
    wanted = {one.id for one in await kit.events()}
    cluster_bus = await Bus.connect(cluster.nats.url(), "content")
    subjects = await stored(cluster_bus)
    await cluster_bus.close()
    ours = [one for one in subjects if one.organization == organization]
    assert len(ours) == len({one.id for one in ours}) == 20 * 6
    assert {one.id for one in ours} <= wanted
    for note in notes:
        assert [one.aggregateversion for one in ours if one.aggregateid == note] == [1, 2, 3, 4, 5, 6]


async def test_fan_out_reaches_every_process_that_listens(kit: Kit, cluster: Cluster) -> None:
    organization = new_id()
    await kit.runtime.bus.ensure_stream()
    buses = [await Bus.connect(cluster.nats.url(), "content") for _ in range(2)]
    heard: list[set[UUID]] = [set(), set()]

    def listener(number: int) -> Callable[[Envelope], Awaitable[None]]:
        async def hear(one: Envelope) -> None:
            heard[number].add(one.organization)

        return hear

    following = [
        asyncio.create_task(bus.fanout("content", ["evt.content.>"], listener(n))) for n, bus in enumerate(buses)
    ]

    async def all_heard() -> bool:
        # New events only: which one is the first to be heard depends on when the listeners were ready.
        async with transaction(kit.runtime.engine, organization) as session:
            await write_note(session, organization, new_id(), "x")
        await kit.relay()
        return all(organization in ids for ids in heard)

    await until(all_heard)
    for one in following:
        one.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    for bus in buses:
        await bus.close()


async def stored(bus: Bus) -> list[Envelope]:
    """Everything in content's stream, in order."""
    info = await bus._js.stream_info("CONTENT")
    messages = [await bus._js.get_msg("CONTENT", seq) for seq in range(info.state.first_seq, info.state.last_seq + 1)]
    return [Envelope.model_validate_json(message.data or b"") for message in messages]


async def test_a_long_open_transaction_is_not_skipped(kit: Kit) -> None:
    organization = new_id()
    await kit.relay()
    async with transaction(kit.runtime.engine, organization) as early:
        slow = await write_note(early, organization, new_id(), "slow")
        await early.flush()
        async with transaction(kit.runtime.engine, organization) as late:
            quick = await write_note(late, organization, new_id(), "quick")
        assert await kit.relay() == 1
    assert await kit.relay() == 1
    published = await kit.sql(
        "SELECT aggregate_id FROM outbox WHERE published_at IS NOT NULL AND organization_id = $1", organization
    )
    assert {row["aggregate_id"] for row in published} == {slow.id, quick.id}


async def test_without_an_acknowledgement_nothing_is_marked(kit: Kit, cluster: Cluster) -> None:
    organization = new_id()
    await kit.relay()
    async with transaction(kit.runtime.engine, organization) as session:
        await write_note(session, organization, new_id(), "x")
    # A user that may not publish content's subjects stands for a broker that does not answer.
    mute = await Bus.connect(cluster.nats.url("members"), "content")
    with pytest.raises(TimeoutError):
        await Relay(kit.runtime.worker_engine, mute).publish_some()
    await mute.close()
    status = await relay.status(kit.runtime.worker_engine)
    assert status.unpublished == 1
    assert status.oldest_unpublished_seconds is not None
    assert await kit.relay() == 1


async def test_partitions_take_over_what_fell_into_the_default(kit: Kit) -> None:
    organization = new_id()
    async with transaction(kit.runtime.engine, organization) as session:
        await write_note(session, organization, new_id(), "before")
    await kit.sql(
        "INSERT INTO due_work (organization_id, kind, key, due_at) VALUES ($1, 'outbox.partition', 'log', now())",
        UUID(int=0),
    )
    await kit.work()
    [row] = await kit.sql(
        "SELECT tableoid::regclass::text AS part FROM outbox WHERE organization_id = $1", organization
    )
    assert row["part"] == f"outbox_{clock.now():%Y_%m}"
    assert await kit.relay() >= 1


# --- inbox -----------------------------------------------------------------------------------------------------------


async def test_each_event_takes_effect_once_however_often_it_comes(kit: Kit) -> None:
    organization, account = new_id(), new_id()
    event = envelope(AccountCreated(account_id=account, bot=False, credentialed=True), organization, account)
    assert await kit.deliver(event, event) == 1
    assert await kit.deliver(event) == 0
    assert await seen(kit, account) == ("account", 1)
    twin = event.model_copy(update={"id": new_id()})
    await asyncio.gather(*(kit.deliver(twin) for _ in range(10)))
    assert await seen(kit, account) == ("account", 2)


async def test_a_late_older_version_neither_overwrites_state_nor_is_lost_as_a_fact(kit: Kit) -> None:
    organization, membership = new_id(), new_id()
    await kit.deliver(left(organization, membership, version=3))
    await kit.deliver(approved(organization, membership, version=2))
    assert await seen(kit, membership) == ("left", 1)
    account = new_id()
    facts = [
        envelope(
            AccountCreated(account_id=account, bot=False, credentialed=True), organization, account, version=version
        )
        for version in (3, 1, 2)
    ]
    for fact in facts:
        await kit.deliver(fact)
    assert await seen(kit, account) == ("account", 3)


async def test_of_one_batch_only_the_newest_state_is_handled(kit: Kit) -> None:
    organization, membership = new_id(), new_id()
    await kit.deliver(*(approved(organization, membership, version=version) for version in (1, 3, 2)))
    assert await seen(kit, membership) == ("approved", 1)


async def test_fields_that_a_newer_publisher_added_are_ignored(kit: Kit) -> None:
    organization, account = new_id(), new_id()
    event = envelope(AccountCreated(account_id=account, bot=False, credentialed=True), organization, account)
    await kit.deliver(event.model_copy(update={"data": {**event.data, "colour": "green"}}))
    assert await seen(kit, account) == ("account", 1)
    with pytest.raises(ValueError, match="colour"):
        AccountCreated(account_id=account, bot=False, credentialed=True, colour="green")  # type: ignore[call-arg]


async def test_the_trace_of_the_request_is_in_its_event(kit: Kit) -> None:
    organization = new_id()
    community = await kit.community(organization)
    member = kit.person(organization, await kit.member(organization, community))
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await member.post(
        f"/v1/communities/{community}/notes",
        json={"body": "x"},
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    [event] = [one for one in await kit.events() if str(one.aggregateid) == answer.json()["id"]]
    assert (event.traceparent or "").split("-")[1] == trace
