"""What waits in vain is given up, what is old is forgotten, and what waits is measured."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from tests.gateway.deliveries.tenant import Tenant
from tests.gateway.servers import PATIENCE

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.testing.kit import Kit
from gateway.deliveries.backlog.jobs import measure
from gateway.deliveries.fanout import commands as fanout
from gateway.deliveries.retention import commands

ATTEMPT = """
INSERT INTO attempt SELECT endpoint_id, event_id, 1, organization_id, false, now(), 5, 'https://crm.example.com', NULL, '{}', 204, NULL,
    '{}', '' FROM delivery WHERE organization_id = $1
"""
DISABLE = "UPDATE endpoint SET enabled = false, disabled_reason = 'by_hand', disabled_at = now() WHERE id = $1"

ARRIVED = "UPDATE delivery SET state = 'delivered', due_at = NULL, settled_at = now() WHERE event_id = $1"


async def ask_again(tenant: Tenant, endpoint: UUID, event: UUID) -> None:
    answer = await tenant.program().post(f"/v1/endpoints/{endpoint}/replays", json={"event_id": str(event)})
    assert (answer.status_code, answer.json()["replayed"]) == (202, 1)


async def states(tenant: Tenant, endpoint: UUID) -> set[tuple[str, str | None]]:
    return {(row["state"], row["reason"]) for row in await tenant.deliveries(endpoint)}


async def test_after_ninety_days_nothing_is_left(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 7)
    await tenant.endpoints(3)
    await kit.deliver(*(tenant.published() for _ in range(6)))
    await kit.sql(ATTEMPT, tenant.organization)
    movable_clock.move(days=60)
    kept = tenant.published()
    await kit.deliver(kept)
    for event_id in await tenant.messages():
        await kit.sql(ARRIVED, event_id)
    movable_clock.move(days=29)
    await kit.work()
    assert len(await tenant.messages()) == 7
    movable_clock.move(days=2)
    await kit.work()
    assert await tenant.messages() == [kept.id]
    assert {row["event_id"] for row in await tenant.deliveries()} == {kept.id}
    assert await kit.sql("SELECT 1 FROM attempt WHERE organization_id = $1", tenant.organization) == []
    movable_clock.move(days=90)
    await kit.work()
    assert await tenant.messages() == await tenant.deliveries() == []
    left = "SELECT 1 FROM due_work WHERE organization_id = $1 AND kind LIKE 'deliveries.%'"
    assert await kit.sql(left, tenant.organization) == [], "nothing is looked for where nothing is"


async def test_what_a_disabled_endpoint_would_have_got_is_no_news_after_fourteen_days(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    disabled, enabled = await tenant.endpoint(), await tenant.endpoint()
    await kit.sql(DISABLE, disabled)
    await kit.deliver(tenant.published())
    movable_clock.move(days=13)
    await kit.work()
    assert await states(tenant, disabled) == {("pending", None)}
    movable_clock.move(days=3)
    await kit.work()
    assert await states(tenant, disabled) == {("undelivered", "expired")}
    assert await states(tenant, enabled) == {("pending", None)}


async def test_what_is_told_again_to_a_disabled_endpoint_is_news_for_another_fourteen_days(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    endpoint, event = await tenant.endpoint(), tenant.published()
    await kit.deliver(event)
    await kit.sql(ARRIVED, event.id)
    await kit.sql(DISABLE, endpoint)
    movable_clock.move(days=20)
    await ask_again(tenant, endpoint, event.id)
    movable_clock.move(days=13)
    await kit.work()
    assert await states(tenant, endpoint) == {("pending", None)}
    movable_clock.move(days=3)
    await kit.work()
    assert await states(tenant, endpoint) == {("undelivered", "expired")}


async def test_enabling_gives_up_what_is_no_news_any_more_before_it_lets_anything_out(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 2)
    endpoint = await tenant.endpoint()
    assert (await tenant.staff.post(f"/v1/endpoints/{endpoint}/disabling")).status_code == 200
    old = [tenant.published() for _ in range(5)]
    await kit.deliver(*old)
    movable_clock.move(days=5)
    await kit.work()
    fresh = tenant.published()
    await kit.deliver(fresh)
    movable_clock.move(days=9, hours=1)
    assert (await tenant.staff.post(f"/v1/endpoints/{endpoint}/enabling")).status_code == 200
    due = "SELECT due_at IS NOT NULL FROM lane WHERE endpoint_id = $1"
    assert not (await kit.sql(due, endpoint))[0][0]
    await kit.work()
    assert (await kit.sql(due, endpoint))[0][0]
    reasons = {row["event_id"]: row["reason"] for row in await tenant.deliveries(endpoint)}
    assert reasons == {**{event.id: "expired" for event in old}, fresh.id: None}


async def test_what_is_still_to_be_told_is_kept_until_it_is(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 2)
    endpoint, other = await tenant.endpoint(), await tenant.endpoint()
    events = [tenant.published() for _ in range(6)]
    await kit.deliver(*events)
    await kit.sql(
        "UPDATE delivery SET state = 'delivered', due_at = NULL, settled_at = now() WHERE endpoint_id = $1", other
    )
    for event in events[3:]:
        await kit.sql(ARRIVED, event.id)
    movable_clock.move(days=91)
    await kit.work()
    kept = {event.id for event in events[:3]}
    assert set(await tenant.messages()) == kept
    assert {row["event_id"] for row in await tenant.deliveries()} == kept
    assert await states(tenant, endpoint) == {("pending", None)}
    await kit.sql(
        "UPDATE delivery SET state = 'delivered', due_at = NULL, settled_at = now() WHERE endpoint_id = $1", endpoint
    )
    movable_clock.move(days=1)
    await kit.work()
    assert await tenant.messages() == await tenant.deliveries() == []


async def test_what_is_asked_for_again_while_it_is_being_forgotten_stays_with_its_message(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    endpoint, event = await tenant.endpoint(), tenant.published()
    await kit.deliver(event)
    await kit.sql(ARRIVED, event.id)
    await kit.sql(ATTEMPT, tenant.organization)
    movable_clock.move(days=91)
    async with transaction(kit.runtime.worker_engine, tenant.organization) as session:
        again = text(
            "UPDATE delivery SET state = 'pending', due_at = now(), replayed_at = now() WHERE event_id = :event"
        )
        await session.execute(again, {"event": event.id})
        forgetting = asyncio.create_task(kit.work())
        await until_somebody_waits(kit)
    await forgetting
    assert await tenant.messages() == [event.id]
    assert await states(tenant, endpoint) == {("pending", None)}
    assert len(await kit.sql("SELECT 1 FROM attempt WHERE event_id = $1", event.id)) == 1


async def until_somebody_waits(kit: Kit) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    async with asyncio.timeout(PATIENCE):
        while not (await kit.sql(waiting))[0][0]:  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.01)


async def test_what_a_deleted_endpoint_would_have_got_is_shown_as_undelivered(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 4)
    endpoint, other = await tenant.endpoint(), await tenant.endpoint()
    await kit.deliver(*(tenant.published() for _ in range(11)))
    assert (await tenant.staff.delete(f"/v1/endpoints/{endpoint}")).status_code == 204
    assert await kit.work() >= 3
    assert await states(tenant, endpoint) == {("undelivered", "endpoint_deleted")}
    assert await states(tenant, other) == {("pending", None)}


async def test_what_waits_is_measured(kit: Kit, tenant: Tenant, movable_clock: MovableClock) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0

    await measure(kit.runtime.worker_engine)
    before = {one: value("hearth_webhook_deliveries_waiting", state=one) for one in ("pending", "held")}
    stopped = value("hearth_webhook_endpoints_disabled", reason="by_hand")
    disabled = await tenant.endpoint()
    await kit.sql(DISABLE, disabled)
    await tenant.endpoints(2)
    await kit.deliver(tenant.published())
    movable_clock.move(days=300)
    await measure(kit.runtime.worker_engine)
    assert value("hearth_webhook_deliveries_waiting", state="pending") == before["pending"] + 2
    assert value("hearth_webhook_deliveries_waiting", state="held") == before["held"] + 1
    assert value("hearth_webhook_endpoints_disabled", reason="by_hand") == stopped + 1
    assert value("hearth_webhook_late_seconds") >= 300 * 86400


async def test_an_event_whose_deliveries_are_not_written_yet_is_late(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late() -> float | None:
        await kit.sql("UPDATE lane SET due_at = NULL")
        await measure(kit.runtime.worker_engine)
        return REGISTRY.get_sample_value("hearth_webhook_late_seconds")

    await kit.work()
    monkeypatch.setattr(fanout, "AT_ONCE", 3)
    await tenant.endpoints(4)
    await kit.deliver(tenant.published())
    movable_clock.move(minutes=7)
    assert await late() == pytest.approx(420, abs=5)
    await kit.work()
    assert await late() == 0
