"""The loop over NATS: effects, dead letters, outages, and what takes too long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from tests.chassis.happenings import approved, seen, until
from tests.chassis.sample import ENDLESS, POISON, consumers

from chassis import consuming, relay
from chassis.bus import Bus
from chassis.consuming import Consumption
from chassis.ids import new_id
from chassis.inbox import Consumers
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope, subject_of
from contracts.members import AccountCreated


@asynccontextmanager
async def consuming_from(
    kit: Kit, cluster: Cluster, consumer: Consumers = consumers, *, attempts: int = 2
) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Run the sample's consumer on members' stream; yields a publisher that stands for members."""
    publisher = await Bus.connect(cluster.nats.url("members"), "members")
    await publisher.ensure_stream()
    stopping = asyncio.Event()
    loop = Consumption(
        kit.runtime.worker_engine, kit.runtime.bus, consumer, owner="members", batch=50, attempts=attempts
    )
    running = asyncio.create_task(loop.run(stopping))

    async def publish(*envelopes: Envelope) -> None:
        messages = [
            relay.Outgoing(str(new_id()), subject_of(one.type, one.community), one.model_dump_json().encode())
            for one in envelopes
        ]
        assert all(await publisher.publish(messages))

    try:
        yield publish
    finally:
        stopping.set()
        await running
        await publisher.close()


async def test_events_cross_the_broker_into_their_effect(kit: Kit, cluster: Cluster) -> None:
    organization = new_id()
    accounts = [new_id() for _ in range(120)]
    events = [envelope(AccountCreated(account_id=a, bot=False, credentialed=True), organization, a) for a in accounts]
    async with consuming_from(kit, cluster) as publish:
        await publish(*events, *events[:30])

        async def arrived() -> bool:
            rows = await kit.sql("SELECT sum(times) AS times FROM seen WHERE organization_id = $1", organization)
            return bool(rows[0]["times"] == 120)

        await until(arrived)


async def test_an_effect_follows_its_event_without_waiting_for_a_full_batch(kit: Kit, cluster: Cluster) -> None:
    organization = new_id()
    async with consuming_from(kit, cluster) as publish:
        for _ in range(5):
            account = new_id()
            await publish(
                envelope(AccountCreated(account_id=account, bot=False, credentialed=True), organization, account)
            )

            async def arrived(account: UUID = account) -> bool:
                return await seen(kit, account) is not None

            # The pull expires after five seconds: five effects in three show that none waited for that.
            await until(arrived, seconds=3)


async def test_poison_becomes_one_dead_letter_while_others_proceed_and_retry_works(
    kit: Kit, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization, poisoned, healthy = new_id(), new_id(), new_id()
    poison = approved(organization, poisoned, account=POISON)
    async with consuming_from(kit, cluster) as publish:
        await publish(poison, approved(organization, healthy))

        async def dead() -> bool:
            return len(await kit.sql("SELECT 1 FROM dead_letter WHERE event_id = $1", poison.id)) == 1

        await until(dead)
        assert await seen(kit, healthy) == ("approved", 1)
        assert await seen(kit, poisoned) is None
    [letter] = await kit.sql("SELECT id::text, attempts, error FROM dead_letter WHERE event_id = $1", poison.id)
    assert (letter["attempts"], letter["error"]) == (2, "ValueError: poison")
    again = {consumers.name: consumers}
    assert await consuming.retry_dead_letters(kit.runtime.worker_engine, again, [letter["id"]]) == (0, 1)
    monkeypatch.setattr("tests.chassis.sample.POISON", new_id())
    assert await consuming.retry_dead_letters(kit.runtime.worker_engine, again, None) == (1, 0)
    assert await seen(kit, poisoned) == ("approved", 1)
    assert await kit.sql("SELECT 1 FROM dead_letter") == []


async def test_what_takes_too_long_holds_up_no_other_and_is_not_given_up(
    kit: Kit, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "LONGEST_RETRY_SECONDS", 0.5)
    organization, endless, healthy = new_id(), new_id(), new_id()
    warned: list[str] = []
    monkeypatch.setattr(consuming.log, "warning", lambda event, **_: warned.append(event), raising=False)
    async with consuming_from(kit, cluster, attempts=1) as publish:
        await publish(approved(organization, endless, account=ENDLESS), approved(organization, healthy))

        async def others_went_on() -> bool:
            return await seen(kit, healthy) == ("approved", 1) and warned.count("event_takes_too_long") >= 3

        await until(others_went_on)
        assert await seen(kit, endless) is None
        monkeypatch.setattr("tests.chassis.sample.ENDLESS", new_id())

        async def arrived() -> bool:
            return await seen(kit, endless) == ("approved", 1)

        await until(arrived)
    assert await kit.sql("SELECT 1 FROM dead_letter") == []


async def test_what_is_no_event_is_put_aside_at_once(kit: Kit, cluster: Cluster) -> None:
    async with consuming_from(kit, cluster):
        publisher = await Bus.connect(cluster.nats.url("members"), "members")
        assert all(
            await publisher.publish(
                [relay.Outgoing(str(new_id()), "evt.members.account.created.v1.-", b"\x00 no event")]
            )
        )
        await publisher.close()

        async def dead() -> bool:
            return len(await kit.sql("SELECT 1 FROM dead_letter WHERE type = 'unreadable'")) == 1

        await until(dead)
    await kit.sql("DELETE FROM dead_letter")


async def test_an_outage_of_the_database_sends_nothing_to_the_dead_letters(
    kit: Kit, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization, account = new_id(), new_id()
    worker = kit.database.name
    waited: list[str] = []
    monkeypatch.setattr(consuming, "AWAY_SECONDS", 0.05)
    monkeypatch.setattr(consuming.log, "warning", lambda event, **_: waited.append(event), raising=False)
    async with consuming_from(kit, cluster, attempts=1) as publish:
        cluster.postgres.psql(f'ALTER DATABASE "{worker}" WITH ALLOW_CONNECTIONS false;')
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
        cluster.postgres.psql(cut.replace("$1", f"'{worker}'") + ";")
        await publish(envelope(AccountCreated(account_id=account, bot=False, credentialed=True), organization, account))

        async def tried_often() -> bool:
            return len(waited) >= 5

        await until(tried_often)
        cluster.postgres.psql(f'ALTER DATABASE "{worker}" WITH ALLOW_CONNECTIONS true;')

        async def arrived() -> bool:
            return await seen(kit, account) == ("account", 1)

        await until(arrived, seconds=45)
    assert await kit.sql("SELECT 1 FROM dead_letter") == []
    assert await kit.sql("SELECT 1 FROM handler_attempt") == []
