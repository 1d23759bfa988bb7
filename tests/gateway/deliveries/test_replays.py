"""Telling again: one event or a span of time, from the first try on, and nobody who no longer agrees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.gateway.deliveries.tenant import Tenant

from chassis import clock
from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.due import Due
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import ClientBasis
from gateway.deliveries.replays import commands

SETTLE = """
UPDATE delivery SET state = $2, reason = CASE WHEN $2 = 'undelivered' THEN 'exhausted' END, due_at = NULL, settled_at = now(),
    attempts = 10, tries = 10 WHERE event_id = ANY($1)
"""


async def told(tenant: Tenant, count: int) -> list[UUID]:
    events = [tenant.published() for _ in range(count)]
    await tenant.kit.deliver(*events)
    return [event.id for event in events]


async def ask(tenant: Tenant, endpoint: UUID, **body: Any) -> dict[str, Any]:
    answer = await tenant.program().post(f"/v1/endpoints/{endpoint}/replays", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/endpoints/{endpoint}/replays/{answer.json()['id']}"
    return dict(answer.json())


async def progress(tenant: Tenant, replay: dict[str, Any]) -> dict[str, Any]:
    shown = await tenant.program().get(f"/v1/endpoints/{replay['endpoint_id']}/replays/{replay['id']}")
    assert shown.status_code == 200, shown.text
    return dict(shown.json())


@pytest.mark.parametrize("state", ["delivered", "undelivered", "pending"])
async def test_one_event_goes_out_again_at_once(kit: Kit, tenant: Tenant, state: str) -> None:
    endpoint = await tenant.endpoint()
    event, other = await told(tenant, 2)
    if state != "pending":
        await kit.sql(SETTLE, [event, other], state)
    await kit.sql("UPDATE lane SET due_at = NULL WHERE endpoint_id = $1", endpoint)
    started = await ask(tenant, endpoint, event_id=str(event))
    assert (started["state"], started["replayed"], started["withheld"]) == ("finished", 1, 0)
    assert await progress(tenant, started) == started
    rows = {row["event_id"]: row for row in await tenant.deliveries(endpoint)}
    again = rows[event]
    assert (again["state"], again["reason"], again["tries"], again["replayed"]) == ("pending", None, 0, True)
    assert again["attempts"] == (0 if state == "pending" else 10)
    assert (rows[other]["state"], rows[other]["replayed"]) == (state, False)
    [lane] = await kit.sql("SELECT due_at FROM lane WHERE endpoint_id = $1", endpoint)
    assert lane["due_at"] is not None


async def test_what_was_never_told_is_not_told_again(tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    answer = await tenant.program().post(f"/v1/endpoints/{endpoint}/replays", json={"event_id": str(new_id())})
    assert answer.status_code == 404


async def test_a_span_is_told_again_piece_by_piece_wherever_a_process_ends(
    kit: Kit, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "AT_ONCE", 4)
    endpoint, other = await tenant.endpoint(), await tenant.endpoint()
    events = await told(tenant, 11)
    await kit.sql(SETTLE, events, "delivered")
    started = await ask(tenant, endpoint, since=(clock.now() - timedelta(days=1)).isoformat())
    assert (started["state"], started["replayed"], started["only"]) == ("running", 0, "all")
    with pytest.raises(ZeroDivisionError):
        await torn(kit, tenant, started)
    assert (await progress(tenant, started))["replayed"] == 0
    assert await kit.work() >= 3
    done = await progress(tenant, started)
    assert (done["state"], done["replayed"], done["withheld"]) == ("finished", 11, 0)
    assert {row["state"] for row in await tenant.deliveries(endpoint)} == {"pending"}
    assert {row["state"] for row in await tenant.deliveries(other)} == {"delivered"}


async def torn(kit: Kit, tenant: Tenant, started: dict[str, Any]) -> None:
    """Do a piece, and die before it is committed."""
    work = Due(tenant.organization, commands.REPLAY_KIND, started["id"], clock.now(), {})
    async with transaction(kit.runtime.worker_engine, tenant.organization) as session:
        await commands.go_on(session, work)
        raise ZeroDivisionError


async def test_recovery_tells_what_did_not_arrive_and_nothing_else(kit: Kit, tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    arrived, lost, old = await told(tenant, 3)
    await kit.sql(SETTLE, [arrived], "delivered")
    await kit.sql(SETTLE, [lost, old], "undelivered")
    await kit.sql("UPDATE delivery SET created_at = created_at - interval '3 days' WHERE event_id = $1", old)
    answer = await tenant.program().post(
        f"/v1/endpoints/{endpoint}/recoveries", json={"since": (clock.now() - timedelta(days=1)).isoformat()}
    )
    assert answer.status_code == 202, answer.text
    await kit.work()
    done = await progress(tenant, answer.json())
    assert (done["replayed"], done["only"], done["state"]) == (1, "undelivered", "finished")
    states = {row["event_id"]: row["state"] for row in await tenant.deliveries(endpoint)}
    assert states == {arrived: "delivered", lost: "pending", old: "undelivered"}


async def test_consent_is_asked_about_again(kit: Kit, tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    event = (await told(tenant, 1))[0]
    await kit.sql(SETTLE, [event], "delivered")
    await tenant.partner(tenant.client, ClientBasis.CONSENT, version=2)
    started = await ask(tenant, endpoint, event_id=str(event))
    assert (started["replayed"], started["withheld"]) == (0, 1)
    [row] = await tenant.deliveries(endpoint)
    assert (row["state"], row["reason"], row["due_at"]) == ("undelivered", "consent_missing", None)


async def test_in_order_what_is_told_again_goes_behind_what_waits(
    kit: Kit, tenant: Tenant, movable_clock: MovableClock
) -> None:
    endpoint = await tenant.endpoint(ordering="fifo")
    events = await told(tenant, 5)
    await kit.sql(SETTLE, events[:2], "delivered")
    since = (movable_clock() - timedelta(hours=1)).isoformat()
    movable_clock.move(microseconds=1)
    await ask(tenant, endpoint, since=since)
    await kit.work()
    assert [row["event_id"] for row in await tenant.deliveries(endpoint)] == [*events[2:], *events[:2]]


async def test_a_span_must_be_one_that_is_kept(tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    now = clock.now()
    ago = {days: (now - timedelta(days=days)).isoformat() for days in (1, 2, 15, 91)}
    cases: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
        ("replays", {}, [("/since", "missing")]),
        ("replays", {"since": ago[91]}, [("/since", "too-long-ago")]),
        ("replays", {"since": ago[1], "until": ago[2]}, [("/since", "span-empty")]),
        ("replays", {"since": ago[1], "event_id": str(new_id())}, [("/event_id", "ambiguous")]),
        ("replays", {"only": "undelivered", "event_id": str(new_id())}, [("/event_id", "ambiguous")]),
        ("recoveries", {"since": ago[15]}, [("/since", "too-long-ago")]),
        ("recoveries", {"since": (now + timedelta(days=1)).isoformat()}, [("/since", "span-empty")]),
        ("recoveries", {}, [("/since", "missing")]),
        ("recoveries", {"since": "2026-11-22T07:30:00"}, [("/since", "timezone-aware")]),
    ]
    for route, body, expected in cases:
        answer = await tenant.program().post(f"/v1/endpoints/{endpoint}/{route}", json=body)
        assert answer.status_code == 422, (route, body)
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == expected


async def test_replays_of_an_endpoint_are_bounded(tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    since = (clock.now() - timedelta(days=1)).isoformat()
    for _ in range(10):
        await ask(tenant, endpoint, since=since)
    answer = await tenant.program().post(f"/v1/endpoints/{endpoint}/replays", json={"since": since})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:replays-running")
