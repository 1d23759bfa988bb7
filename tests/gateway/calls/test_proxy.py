"""What the proxy writes down of API clients' calls, and that people are not affected."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.gateway.calls.ledgers import until
from tests.gateway.servers import POSTS, Echo, NotedCalls, Running, running, serving, wire

from chassis.errors import Problem
from chassis.ids import new_id
from gateway.calls.ledger import Call, Unconfigured


class Away(NotedCalls):
    """A ledger whose database is away."""

    async def begin(self, _call: Call) -> None:
        raise Problem(503, "audit-unavailable", headers={"Retry-After": "1"})


def signed(gateway: Running, **claims: Any) -> dict[str, str]:
    """The header of a program's token."""
    token = gateway.issuer.token(gateway.organization, gateway.account, client=True, **claims)
    return {"Authorization": f"Bearer {token}"}


async def test_a_programs_call_is_noted_before_it_is_passed_on_and_ended_after() -> None:
    calls = NotedCalls()
    echo = Echo(status=418)
    async with serving(echo) as port, running(port, calls=calls) as gateway:
        headers = signed(gateway) | {"X-Forwarded-For": "203.0.113.9"}
        reply = await gateway.ask("POST", f"{POSTS}/%E5%AD%A6?phone=1", headers, b"{}")
        assert reply.status == 418
    [(call, status, milliseconds)] = calls.ended
    assert calls.begun == [call]
    assert (status, milliseconds >= 0) == (418, True)
    assert (call.method, call.path) == ("POST", f"{POSTS.partition('?')[0]}/%E5%AD%A6")
    assert (call.organization_id, call.client_id) == (gateway.organization, gateway.account)
    assert call.route == "/v1/communities/{}/posts/**"
    assert (call.address, call.delegated) == ("127.0.0.1", False)
    assert f"-{call.trace_id}-".encode() in echo.last[b"traceparent"]


async def test_what_the_gateway_refuses_after_it_knows_who_asks_is_noted_too() -> None:
    calls = NotedCalls()
    async with running(calls=calls) as gateway:
        too_large = await gateway.ask("POST", POSTS, signed(gateway) | {"Content-Length": 10**9})
        away = await gateway.ask("GET", "/v1/clients/" + "x" * 600, signed(gateway))
        composed = await gateway.ask("POST", f"/v1/communities/{new_id()}/card/page", signed(gateway))
    assert (
        [status for _, status, _ in calls.ended] == [too_large.status, away.status, composed.status] == [413, 503, 405]
    )
    assert len(calls.begun[1].path) == 500


async def test_people_and_strangers_are_not_noted() -> None:
    calls = NotedCalls()
    async with serving(Echo()) as port, running(port, members=port, calls=calls, authenticated_burst=2) as gateway:
        assert (await gateway.ask("GET", POSTS)).status == 200
        assert (await gateway.ask("POST", "/v1/oauth/token", signed(gateway), b"x=1")).status == 200
        assert (await gateway.ask("GET", POSTS, {"Authorization": "Bearer x"})).status == 401
        assert (await gateway.ask("GET", "/v1/nothing", signed(gateway))).status == 404
        assert (await gateway.ask("GET", POSTS, signed(gateway, lifetime=-1))).status == 401
    assert calls.begun == []


async def test_a_flood_of_refused_calls_is_none_in_the_ledger() -> None:
    calls = NotedCalls()
    async with (
        serving(Echo()) as port,
        running(port, calls=calls, authenticated_rate=0.001, authenticated_burst=2) as gateway,
    ):
        statuses = [(await gateway.ask("GET", POSTS, signed(gateway))).status for _ in range(4)]
    assert sorted(statuses) == [200, 200, 429, 429]
    assert [status for _, status, _ in calls.ended] == [200, 200]


@pytest.mark.parametrize("calls", [Away(), Unconfigured()])
async def test_without_a_ledger_programs_are_refused_and_people_served(calls: Any) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port, calls=calls) as gateway:
        refused = await gateway.ask("GET", POSTS, signed(gateway))
        assert (refused.status, refused.code) == (503, "audit-unavailable")
        assert int(refused.get(b"retry-after") or b"0") > 0
        assert echo.requests == []
        assert (await gateway.ask("GET", POSTS)).status == 200
    assert len(echo.requests) == 1


async def test_a_program_that_leaves_before_the_answer_is_noted_as_such() -> None:
    calls, asked = NotedCalls(), asyncio.Event()

    async def never(_scope: Any, receive: Any, _send: Any) -> None:
        asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    async with serving(never) as port, running(port, calls=calls) as gateway:
        async with wire(gateway.port) as connection, asyncio.timeout(30):
            await connection.send(gateway.message("GET", POSTS, signed(gateway)))
            await asked.wait()

        async def ended() -> bool:
            return bool(calls.ended)

        await until(ended)
    assert [status for _, status, _ in calls.ended] == [499]
