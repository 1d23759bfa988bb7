"""Which endpoints are told of an event: those that asked, once each, and nobody else."""

from __future__ import annotations

import asyncio
from uuid import UUID

import orjson
import pytest
from tests.gateway.deliveries.tenant import Tenant

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope, Origin
from contracts.catalogue import FOR_PARTNERS
from contracts.members import AccountMerged, ClientBasis
from contracts.partners import EndpointDisabled, EndpointDisabling
from gateway.deliveries.fanout import commands
from gateway.deliveries.fanout.consumers import consumers


async def consent(tenant: Tenant, account: UUID, *, granted: bool = True) -> None:
    await tenant.kit.sql(
        "INSERT INTO partner_consent VALUES ($1, $2, $3, $4) ON CONFLICT (client_id, account_id) DO UPDATE SET granted = EXCLUDED.granted",
        tenant.client,
        account,
        tenant.organization,
        granted,
    )


async def test_an_event_goes_to_those_who_asked_for_it_and_their_lanes_are_woken(kit: Kit, tenant: Tenant) -> None:
    asked = {
        await tenant.endpoint(),
        await tenant.endpoint(types=("*",)),
        await tenant.endpoint(types=("members.*", "content.post.*")),
        await tenant.endpoint(types=("content.post.published.v1",), communities=(new_id(), tenant.community)),
    }
    others = {
        await tenant.endpoint(types=("content.comment.*",)),
        await tenant.endpoint(types=("content.post.edited.v1",)),
        await tenant.endpoint(communities=(new_id(),)),
    }
    event = tenant.published()
    await kit.deliver(event)
    rows = await tenant.deliveries()
    assert {row["endpoint_id"] for row in rows} == asked
    assert {(row["event_id"], row["state"], row["attempts"], row["type"]) for row in rows} == {
        (event.id, "pending", 0, event.type)
    }
    lanes = await kit.sql(
        "SELECT endpoint_id, due_at FROM lane WHERE organization_id = $1 AND due_at IS NOT NULL", tenant.organization
    )
    assert {row["endpoint_id"] for row in lanes} == asked
    assert not others & asked
    [message] = await kit.sql("SELECT * FROM message WHERE event_id = $1", event.id)
    assert orjson.loads(message["payload"])["data"]["post_id"] == str(event.aggregateid)
    assert message["community_id"] == tenant.community


async def test_nothing_is_kept_of_what_nobody_asked_for(kit: Kit, tenant: Tenant) -> None:
    await tenant.endpoint(types=("members.*",))
    neighbour = await Tenant.founded(kit)
    await neighbour.endpoint(types=("*",))
    await kit.deliver(tenant.published(), tenant.published(origin=Origin.IMPORT))
    assert await tenant.messages() == []
    assert await neighbour.messages() == []


@pytest.mark.parametrize("origin", [Origin.IMPORT, Origin.BACKFILL])
async def test_what_did_not_just_happen_is_no_news(kit: Kit, tenant: Tenant, origin: Origin) -> None:
    await tenant.endpoint()
    live = tenant.published()
    await kit.deliver(tenant.published(origin=origin), live)
    assert [row["event_id"] for row in await tenant.deliveries()] == [live.id]


async def test_tenants_are_told_of_their_own_only(kit: Kit, tenant: Tenant) -> None:
    neighbour = await Tenant.founded(kit)
    ours, theirs = await tenant.endpoint(), await neighbour.endpoint()
    events = [tenant.published(), neighbour.published(), tenant.published()]
    await kit.deliver(*events)
    assert {row["event_id"] for row in await tenant.deliveries(ours)} == {events[0].id, events[2].id}
    assert {row["event_id"] for row in await neighbour.deliveries(theirs)} == {events[1].id}
    assert await tenant.deliveries(theirs) == await neighbour.deliveries(ours) == []


async def test_a_disabled_endpoint_keeps_what_it_would_get_and_a_deleted_one_gets_nothing(
    kit: Kit, tenant: Tenant
) -> None:
    disabled, deleted = await tenant.endpoint(), await tenant.endpoint()
    await kit.sql(
        "UPDATE endpoint SET enabled = false, disabled_reason = 'by_hand', disabled_at = now() WHERE id = $1", disabled
    )
    await kit.sql("UPDATE endpoint SET deleted_at = now() WHERE id = $1", deleted)
    await kit.deliver(tenant.published())
    assert [row["endpoint_id"] for row in await tenant.deliveries()] == [disabled]
    [lane] = await kit.sql("SELECT due_at FROM lane WHERE endpoint_id = $1", disabled)
    assert lane["due_at"] is None


async def test_what_becomes_of_an_endpoint_is_told_to_its_partners_other_ones(kit: Kit, tenant: Tenant) -> None:
    stranger = new_id()
    await tenant.partner(stranger)
    gone, other = await tenant.endpoint(), await tenant.endpoint()
    await tenant.endpoint(client=stranger)
    event = EndpointDisabled(
        endpoint_id=gone, client_id=tenant.client, reason=EndpointDisabling.GONE, failing_since=None
    )
    await kit.deliver(envelope(event, tenant.organization, gone, version=2))
    assert [row["endpoint_id"] for row in await tenant.deliveries()] == [other]


async def test_a_partner_that_needs_consent_is_told_of_those_who_gave_it(kit: Kit, tenant: Tenant) -> None:
    await tenant.partner(tenant.client, ClientBasis.CONSENT, version=2)
    endpoint = await tenant.endpoint()
    agreed, refused, unasked = new_id(), new_id(), new_id()
    await consent(tenant, agreed)
    await consent(tenant, refused, granted=False)
    events = {name: tenant.published(one) for name, one in (("yes", agreed), ("no", refused), ("unasked", unasked))}
    await kit.deliver(*events.values())
    states = {row["event_id"]: (row["state"], row["reason"]) for row in await tenant.deliveries(endpoint)}
    assert states == {
        events["yes"].id: ("pending", None),
        events["no"].id: ("undelivered", "consent_missing"),
        events["unasked"].id: ("undelivered", "consent_missing"),
    }


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_who_became_one_with_another_agrees_as_the_other_does(
    kit: Kit, tenant: Tenant, *, withdrawn: bool
) -> None:
    await tenant.partner(tenant.client, ClientBasis.CONSENT, version=2)
    endpoint = await tenant.endpoint()
    lives, gone = new_id(), new_id()
    for account in (lives, gone):
        await consent(tenant, account)
    before = tenant.published(gone)
    await kit.deliver(before)
    event = AccountMerged(account_id=lives, merged_account_id=gone)
    merged = envelope(event, tenant.organization, lives, version=9)
    await kit.deliver(merged)
    if withdrawn:
        await consent(tenant, lives, granted=False)
    # What happened before may be told again, or be heard of late.
    asked = {"event_id": str(before.id)}
    replayed = (await tenant.program().post(f"/v1/endpoints/{endpoint}/replays", json=asked)).json()
    late = tenant.published(gone)
    await kit.deliver(late)
    reasons = {row["event_id"]: row["reason"] for row in await tenant.deliveries(endpoint)}
    assert (replayed["replayed"], replayed["withheld"]) == ((0, 1) if withdrawn else (1, 0))
    assert (reasons[merged.id], reasons[late.id]) == (None, "consent_missing" if withdrawn else None)


async def test_a_partner_that_nobody_told_of_needs_consent(kit: Kit, tenant: Tenant) -> None:
    await tenant.endpoint(client=new_id())
    await kit.deliver(tenant.published())
    assert [(row["state"], row["reason"]) for row in await tenant.deliveries()] == [("undelivered", "consent_missing")]


async def test_an_endpoint_is_told_once_however_often_and_by_however_many_an_event_is_taken(
    kit: Kit, tenant: Tenant
) -> None:
    endpoints = await tenant.endpoints(20)
    events = [tenant.published() for _ in range(20)]

    async def take(batch: list[Envelope]) -> None:
        async with transaction(kit.runtime.worker_engine) as session:
            await consumers.take(session, batch)

    batches = [events[:12], events[8:], list(reversed(events)), events]
    await asyncio.gather(*(take(batch) for batch in batches))
    rows = await tenant.deliveries()
    assert len(rows) == len(endpoints) * len(events)
    assert sorted(await tenant.messages()) == sorted(event.id for event in events)


async def test_what_goes_out_in_order_is_due_in_the_order_of_the_stream(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    """The clock stands still, and the ids tell nothing: the order is the stream's."""
    endpoint = await tenant.endpoint(ordering="fifo")
    beside = await tenant.endpoint()
    events = [tenant.published() for _ in range(30)]
    events.sort(key=lambda event: event.id.int % 7919)
    await kit.deliver(*events[:10])
    await kit.deliver(*events[10:20])
    movable_clock.move(microseconds=1)
    await kit.deliver(*events[20:])
    rows = await tenant.deliveries(endpoint)
    assert [row["event_id"] for row in rows] == [event.id for event in events]
    assert len({row["due_at"] for row in rows}) == len(events)
    assert len(await tenant.deliveries(beside)) == len(events)


async def test_the_order_holds_though_one_process_has_its_clock_behind(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    endpoint = await tenant.endpoint(ordering="fifo")
    one, two = tenant.published(), tenant.published()
    await kit.deliver(one)
    movable_clock.move(seconds=-20)
    await kit.deliver(two)
    assert [row["event_id"] for row in await tenant.deliveries(endpoint)] == [one.id, two.id]


async def test_what_is_told_of_while_the_rest_is_written_is_not_forgotten(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler comes between one process's fan-out and its commit, when there is still work of the one before."""
    monkeypatch.setattr(commands, "AT_ONCE", 3)
    endpoints = await tenant.endpoints(4)
    first, second = tenant.published(), tenant.published()
    await kit.deliver(first)
    async with transaction(kit.runtime.worker_engine) as session:
        await consumers.take(session, [second])
        await kit.work()
    await kit.work()
    rows = await tenant.deliveries()
    assert {(row["endpoint_id"], row["event_id"]) for row in rows} == {
        (endpoint, event.id) for endpoint in endpoints for event in (first, second)
    }


async def test_an_order_that_begins_late_does_not_wait_for_what_is_tried_again_later(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    endpoint = await tenant.endpoint(ordering="fifo")
    old, new = tenant.published(), tenant.published()
    await kit.deliver(old)
    await kit.sql("UPDATE delivery SET due_at = due_at + interval '10 hours' WHERE endpoint_id = $1", endpoint)
    await kit.deliver(new)
    assert [row["event_id"] for row in await tenant.deliveries(endpoint)] == [new.id, old.id]
    assert (await tenant.deliveries(endpoint))[0]["due_at"] < movable_clock() + commands.HORIZON


def test_everything_that_partners_may_see_is_listened_to_and_what_is_to_come() -> None:
    assert consumers.types == sorted(FOR_PARTNERS)
    assert {f"evt.{service}.>" for service in ("content", "engagement", "members", "partners")} == {
        subject for service in consumers.services for subject in consumers.subjects(service)
    }
