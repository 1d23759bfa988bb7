"""Reading what API clients asked of the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.gateway.calls.ledgers import call, open_ledger
from tests.gateway.endpoints.town import Town, faults, found

from chassis.ids import new_id
from chassis.testing.kit import Kit

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


@dataclass
class Seen:
    """A town whose first partner called ten times, a minute apart."""

    town: Town
    ids: list[str]

    @property
    def path(self) -> str:
        return f"/v1/clients/{self.town.client}/calls"

    async def listed(self, **query: Any) -> list[int]:
        """Which of the ten are listed."""
        answer = await self.town.staff.get(self.path, params=query)
        assert answer.status_code == 200, answer.text
        return [self.ids.index(one["id"]) for one in answer.json()["data"]]


@pytest.fixture
async def seen(kit: Kit) -> Seen:
    town = await found(kit)
    calls = [call(town.organization, town.client, at=AT + timedelta(minutes=n)) for n in range(10)]
    async with open_ledger(kit.database.application) as ledger:
        for one in [*calls, call(town.organization, town.other, at=AT)]:
            await ledger.begin(one)
        for number, one in enumerate(calls[:9]):
            ledger.end(one, [200, 304, 404, 503][number % 4], number)
    return Seen(town, [str(one.id) for one in calls])


async def test_calls_are_listed_newest_first_and_by_what_became_of_them(seen: Seen) -> None:
    assert await seen.listed() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    for status, expected in (("2xx", [8, 4, 0]), ("3xx", [5, 1]), ("4xx", [6, 2]), ("5xx", [7, 3]), ("none", [9])):
        assert await seen.listed(status=status) == expected
    since, until = (AT + timedelta(minutes=2)).isoformat(), (AT + timedelta(minutes=5)).isoformat()
    assert await seen.listed(since=since, until=until) == [4, 3, 2]
    answer = await seen.town.staff.get(seen.path, params={"limit": 1, "status": "3xx"})
    [shown] = answer.json()["data"]
    assert shown == {
        "id": seen.ids[5],
        "at": "2026-11-22T08:05:00Z",
        "method": "PUT",
        "route": "/v1/contacts/**",
        "path": "/v1/contacts/4711",
        "address": "198.51.100.7",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "delegated": False,
        "status": 304,
        "milliseconds": 5,
    }


async def test_pages_hold_every_call_once(seen: Seen) -> None:
    # Two at one instant are told apart by their ids.
    await seen.town.kit.sql("UPDATE client_call SET at = $1 WHERE client_id = $2", AT, seen.town.client)
    pages: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await seen.town.staff.get(seen.path, params=query)).json()
        pages += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(pages) == sorted(seen.ids)
    assert len(pages) == 10
    foreign = await seen.town.staff.get(f"/v1/clients/{seen.town.other}/calls", params=query)
    assert faults(foreign) == [("/query/cursor", "cursor-invalid")]
    filtered = await seen.town.staff.get(seen.path, params=query | {"status": "2xx"})
    assert faults(filtered) == [("/query/cursor", "cursor-invalid")]


async def test_a_client_is_found_by_either_of_its_names_and_by_nothing_else(seen: Seen) -> None:
    town = seen.town
    named = f"/v1/clients/{town.organization.hex}.{town.client.hex}/calls"
    assert len((await town.staff.get(named)).json()["data"]) == 10
    for odd in (
        new_id(),
        f"{new_id().hex}.{town.client.hex}",
        f"{town.organization.hex}.{town.organization.hex}",
        f"{town.client.hex}.",
        f".{town.client.hex}",
        "x",
        "%FF",
    ):
        assert (await town.staff.get(f"/v1/clients/{odd}/calls")).status_code == 404, odd
    assert (await town.kit.staff(new_id()).get(seen.path)).status_code == 404
    assert (await town.kit.staff(new_id()).get(named)).status_code == 404


async def test_a_withdrawn_clients_calls_can_still_be_read(seen: Seen) -> None:
    await seen.town.tell(seen.town.client, 2, active=False)
    assert len(await seen.listed()) == 10


async def test_staff_only(seen: Seen) -> None:
    town = seen.town
    for who in (town.kit.person(town.organization), town.program(), town.program(town.client, "members:read")):
        assert (await who.get(seen.path)).status_code == 403
    assert (await town.kit.client().get(seen.path)).status_code == 401


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"status": "6xx"}, "/query/status"),
        ({"since": "2026-11-22T08:00:00"}, "/query/since"),
        ({"until": "yesterday"}, "/query/until"),
        ({"limit": "201"}, "/query/limit"),
        ({"cursor": "x"}, "/query/cursor"),
    ],
)
async def test_filters_that_are_none_are_refused(seen: Seen, query: dict[str, str], place: str) -> None:
    answer = await seen.town.staff.get(seen.path, params=query)
    assert place in [where for where, _ in faults(answer)]
