"""What partners and staff see of what endpoints were told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx
import orjson
import pytest
from tests.gateway.deliveries.tenant import Tenant

from chassis import clock
from chassis.auth import WEBHOOKS_SCOPE
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import ClientBasis

_ATTEMPT = """
INSERT INTO attempt SELECT $1, $2, number, $3, false, $4::timestamptz + number * interval '1 second', 10 * number,
    'https://crm.example.com/hooks', '203.0.113.7', '{"webhook-id": "x", "authorization": "(hidden)"}', 500, NULL, '{}', 'broken'
FROM generate_series(1, $5) AS number
"""


async def told(tenant: Tenant, endpoint: UUID, count: int = 1) -> list[UUID]:
    events = [tenant.published() for _ in range(count)]
    await tenant.kit.deliver(*events)
    assert len(await tenant.deliveries(endpoint)) >= count
    return [event.id for event in events]


async def test_a_ping_goes_to_this_endpoint_whatever_it_asked_for(tenant: Tenant) -> None:
    endpoint, other = await tenant.endpoint(types=("members.*",)), await tenant.endpoint()
    answer = await tenant.program().post(f"/v1/endpoints/{endpoint}/pings")
    assert answer.status_code == 202, answer.text
    sent = answer.json()
    assert (sent["type"], sent["state"], sent["attempts"]) == ("hearth.ping", "pending", 0)
    assert orjson.loads(sent["payload"])["data"] == {"endpoint_id": str(endpoint)}
    shown = await tenant.program().get(answer.headers["location"])
    assert shown.json() == sent
    assert await tenant.deliveries(other) == []
    [lane] = await tenant.kit.sql("SELECT due_at FROM lane WHERE endpoint_id = $1", endpoint)
    assert lane["due_at"] is not None


async def test_what_consent_holds_back_is_not_read_in_the_log_either(tenant: Tenant) -> None:
    await tenant.partner(tenant.client, ClientBasis.CONSENT, version=2)
    endpoint, agreed, asked = await tenant.endpoint(), new_id(), new_id()
    decide = "INSERT INTO partner_consent VALUES ($1, $2, $3, true)"
    await tenant.kit.sql(decide, tenant.client, agreed, tenant.organization)
    events = [tenant.published(author) for author in (agreed, asked)]
    await tenant.kit.deliver(*events)

    async def shown(reader: httpx.AsyncClient) -> list[bool]:
        read = [(await reader.get(f"/v1/endpoints/{endpoint}/deliveries/{event.id}")).json() for event in events]
        return [one["payload"] is not None for one in read]

    assert await shown(tenant.program()) == [True, False]
    assert await shown(tenant.staff) == [True, True]
    # Whoever withdraws is not named any more, whatever was sent before.
    await tenant.kit.sql("UPDATE partner_consent SET granted = false WHERE account_id = $1", agreed)
    assert await shown(tenant.program()) == [False, False]
    await tenant.partner(tenant.client, ClientBasis.PROCESSOR, version=3)
    assert await shown(tenant.program()) == [True, True]


async def test_a_disabled_endpoint_is_not_pinged(tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    assert (await tenant.staff.post(f"/v1/endpoints/{endpoint}/disabling")).status_code == 200
    answer = await tenant.staff.post(f"/v1/endpoints/{endpoint}/pings")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:endpoint-disabled")
    assert await tenant.messages() == []


async def test_the_log_is_newest_first_in_pages_and_by_filters(tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    events = await told(tenant, endpoint, 5)
    at = f"/v1/endpoints/{endpoint}/deliveries"
    pages, cursor = [], None
    while True:
        page = (await tenant.staff.get(at, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        pages.append([UUID(one["event_id"]) for one in page["data"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == [events[:2:-1], events[2:0:-1], events[:1]]
    await tenant.kit.sql(
        "UPDATE delivery SET state = 'delivered', due_at = NULL, settled_at = now() WHERE event_id = $1", events[0]
    )

    async def listed(**params: str) -> list[UUID]:
        answer = await tenant.staff.get(at, params=params)
        assert answer.status_code == 200, answer.text
        return [UUID(one["event_id"]) for one in answer.json()["data"]]

    assert await listed(state="delivered") == events[:1]
    assert await listed(state="pending") == events[:0:-1]
    assert await listed(type="hearth.ping") == []
    assert len(await listed(since=(clock.now() - timedelta(hours=1)).isoformat())) == 5
    assert await listed(until=(clock.now() - timedelta(hours=1)).isoformat()) == []
    assert (await tenant.staff.get(at, params={"cursor": "AAAA"})).status_code == 422
    assert (await tenant.staff.get(at, params={"state": "lost"})).status_code == 422


async def test_what_a_disabled_endpoint_would_get_is_held(tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    await told(tenant, endpoint)
    at = f"/v1/endpoints/{endpoint}/deliveries"
    [before] = (await tenant.staff.get(at)).json()["data"]
    assert (before["held"], before["next_attempt_at"]) == (False, before["due_at"])
    await tenant.staff.post(f"/v1/endpoints/{endpoint}/disabling")
    [after] = (await tenant.staff.get(at)).json()["data"]
    assert (after["state"], after["held"], after["next_attempt_at"]) == ("pending", True, None)


async def test_a_delivery_is_shown_with_every_attempt_and_that_of_a_deleted_endpoint_too(
    kit: Kit, tenant: Tenant
) -> None:
    endpoint = await tenant.endpoint()
    [event] = await told(tenant, endpoint)
    await kit.sql(_ATTEMPT, endpoint, event, tenant.organization, clock.now(), 120)
    assert (await tenant.program().delete(f"/v1/endpoints/{endpoint}")).status_code == 204
    shown = (await tenant.program().get(f"/v1/endpoints/{endpoint}/deliveries/{event}")).json()
    assert [one["number"] for one in shown["log"]] == list(range(21, 121))
    first = shown["log"][0]
    assert (first["status"], first["response_body"], first["milliseconds"]) == (500, "broken", 210)
    assert first["request_headers"]["authorization"] == "(hidden)"
    [message] = await kit.sql("SELECT payload FROM message WHERE event_id = $1", event)
    assert shown["payload"] == message["payload"]


async def test_health_counts_what_was_settled_and_how_fast(kit: Kit, tenant: Tenant) -> None:
    endpoint = await tenant.endpoint()
    events = await told(tenant, endpoint, 6)
    settled = "UPDATE delivery SET state = $2, reason = $3, due_at = NULL, settled_at = now() - $4::interval WHERE event_id = $1"
    await kit.sql(settled, events[0], "delivered", None, timedelta(hours=1))
    await kit.sql(settled, events[1], "delivered", None, timedelta(days=3))
    await kit.sql(settled, events[2], "undelivered", "exhausted", timedelta(days=3))
    await kit.sql(settled, events[3], "undelivered", "exhausted", timedelta(days=9))
    await kit.sql(_ATTEMPT, endpoint, events[0], tenant.organization, clock.now() - timedelta(minutes=30), 100)
    await kit.sql(_ATTEMPT, endpoint, events[1], tenant.organization, clock.now() - timedelta(hours=3), 100)
    found = (await tenant.program().get(f"/v1/endpoints/{endpoint}/health")).json()
    assert found["pending"] == 2
    assert found["oldest_pending_at"] is not None
    assert found["last_24_hours"] == {"delivered": 1, "undelivered": 0}
    assert found["last_7_days"] == {"delivered": 2, "undelivered": 1}
    assert found["last_hour"] == {"attempts": 100, "p50_ms": 505, "p99_ms": pytest.approx(990.1)}
    assert found["complete"] is True


Ask = Callable[[httpx.AsyncClient, UUID], Awaitable[httpx.Response]]
ASKED: dict[str, Ask] = {
    "ping": lambda client, endpoint: client.post(f"/v1/endpoints/{endpoint}/pings"),
    "log": lambda client, endpoint: client.get(f"/v1/endpoints/{endpoint}/deliveries"),
    "one": lambda client, endpoint: client.get(f"/v1/endpoints/{endpoint}/deliveries/{new_id()}"),
    "health": lambda client, endpoint: client.get(f"/v1/endpoints/{endpoint}/health"),
    "replay": lambda client, endpoint: client.post(
        f"/v1/endpoints/{endpoint}/replays", json={"event_id": str(new_id())}
    ),
    "recover": lambda client, endpoint: client.post(
        f"/v1/endpoints/{endpoint}/recoveries", json={"since": clock.now().isoformat()}
    ),
    "progress": lambda client, endpoint: client.get(f"/v1/endpoints/{endpoint}/replays/{new_id()}"),
}


@pytest.mark.parametrize("name", ASKED)
async def test_an_endpoint_is_its_partners_and_the_organizations(kit: Kit, tenant: Tenant, name: str) -> None:
    endpoint = await tenant.endpoint()
    neighbour = await Tenant.founded(kit)
    ask = ASKED[name]
    for stranger in (neighbour.staff, neighbour.program(), tenant.program(new_id())):
        assert (await ask(stranger, endpoint)).status_code == 404
    for barred in (kit.person(tenant.organization), tenant.program(tenant.client, "members:read")):
        assert (await ask(barred, endpoint)).status_code == 403
    assert (await ask(kit.client(), endpoint)).status_code == 401
    assert await tenant.deliveries() == []
    allowed = await ask(tenant.program(tenant.client, WEBHOOKS_SCOPE), endpoint)
    assert "endpoint" not in allowed.json().get("detail", "")
