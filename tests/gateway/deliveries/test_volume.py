"""Ten thousand endpoints: what is for so many is written piece by piece, wherever a process ends."""

from __future__ import annotations

import pytest
from tests.gateway.deliveries.tenant import Tenant

from chassis.db import transaction
from chassis.due import Due
from chassis.ids import new_id
from chassis.testing.kit import Kit
from gateway.deliveries.fanout import commands
from gateway.endpoints.schemas import MOST_COMMUNITIES

MANY = 10_000


async def test_one_event_for_ten_thousand_endpoints(kit: Kit, tenant: Tenant) -> None:
    endpoints = await tenant.endpoints(MANY)
    event = tenant.published()
    await kit.deliver(event)
    assert await tenant.deliveries() == []
    pieces = await kit.work()
    assert pieces >= MANY // commands.AT_ONCE
    told = await tenant.deliveries()
    assert {row["endpoint_id"] for row in told} == set(endpoints)
    assert len(told) == MANY
    assert await kit.sql("SELECT 1 FROM spread") == []
    [lanes] = await kit.sql(
        "SELECT count(*) AS woken FROM lane WHERE organization_id = $1 AND due_at IS NOT NULL", tenant.organization
    )
    assert lanes["woken"] == MANY


async def test_a_batch_of_many_kinds_is_judged_in_time(kit: Kit, tenant: Tenant) -> None:
    """The worst case: every event of another community, so each endpoint is looked at for each. PostgreSQL ends what takes ten seconds."""
    await tenant.endpoints(MANY, types=("content.post.*", "members.*"), communities=(tenant.community,))
    events = []
    for _ in range(250):
        other = Tenant(kit, tenant.organization, tenant.client)
        events.append(other.published())
    await kit.deliver(*events)
    assert await tenant.messages() == []


async def test_long_lists_of_communities_are_looked_through_once_for_a_batch(kit: Kit, tenant: Tenant) -> None:
    """Each endpoint names as many as it may. PostgreSQL ends what takes ten seconds."""
    events = [Tenant(kit, tenant.organization, tenant.client).published() for _ in range(250)]
    await tenant.endpoints(4500, communities=tuple(new_id() for _ in range(MOST_COMMUNITIES)))
    heard = await tenant.endpoint(communities=tuple(event.community for event in events if event.community))
    await kit.deliver(*events)
    assert [row["event_id"] for row in await tenant.deliveries(heard)] == [event.id for event in events]
    assert len(await tenant.deliveries()) == len(events)


async def test_a_batch_for_many_endpoints_is_bounded_in_each_piece_and_complete(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 100)
    endpoints = await tenant.endpoints(41)
    events = [tenant.published() for _ in range(30)]
    await kit.deliver(*events)
    pieces = await kit.work()
    assert pieces >= 41 * 30 / 100
    rows = await tenant.deliveries()
    assert {(row["endpoint_id"], row["event_id"]) for row in rows} == {
        (endpoint, event.id) for endpoint in endpoints for event in events
    }


async def test_what_goes_out_in_order_waits_behind_what_is_still_spread(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 50)
    orderly = await tenant.endpoint(ordering="fifo")
    await tenant.endpoints(20)
    many = [tenant.published() for _ in range(10)]
    await kit.deliver(*many)
    late = tenant.published()
    await kit.deliver(late)
    assert late.id in await tenant.messages()
    assert await tenant.deliveries(orderly) == []
    await kit.work()
    assert [row["event_id"] for row in await tenant.deliveries(orderly)] == [event.id for event in [*many, late]]


async def torn(kit: Kit, work: Due) -> None:
    async with transaction(kit.runtime.worker_engine, work.organization_id) as session:
        await commands.spread(session, work)
        raise ZeroDivisionError


async def test_a_piece_that_ends_in_the_middle_is_done_again_and_once(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 10)
    await tenant.endpoints(25)
    event = tenant.published()
    await kit.deliver(event)
    work = Due(tenant.organization, commands.SPREAD_KIND, commands.TENANT_KEY, event.time, {})
    with pytest.raises(ZeroDivisionError):
        await torn(kit, work)
    assert await tenant.deliveries() == []
    await kit.work()
    assert len(await tenant.deliveries()) == 25


async def test_an_endpoint_that_is_made_meanwhile_is_not_told_what_was_before(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 10)
    before = set(await tenant.endpoints(25))
    await kit.deliver(tenant.published())
    await tenant.endpoint()
    await kit.work()
    assert {row["endpoint_id"] for row in await tenant.deliveries()} == before
