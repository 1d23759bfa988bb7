"""What waits in vain is given up, what is old is forgotten, and what waits is measured."""

from __future__ import annotations

from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from tests.gateway.deliveries.tenant import Tenant

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from gateway.deliveries.backlog.jobs import measure
from gateway.deliveries.retention import commands

ATTEMPT = """
INSERT INTO attempt SELECT endpoint_id, event_id, 1, organization_id, false, now(), 5, 'https://crm.example.com', NULL, '{}', 204, NULL,
    '{}', '' FROM delivery WHERE organization_id = $1
"""
DISABLE = "UPDATE endpoint SET enabled = false, disabled_reason = 'by_hand', disabled_at = now() WHERE id = $1"


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
