"""The list of types of events over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from chassis.testing.kit import Kit
from contracts.catalogue import FOR_PARTNERS, matches
from gateway.catalogue.messages import messages

URL = "/v1/event-types"


async def every(client: Any, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await client.get(f"{URL}?{query}{cursor}")).json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_people_and_programs_read_the_list(kit: Kit) -> None:
    organization = uuid4()
    for client in (
        kit.person(organization),
        kit.staff(organization),
        kit.partner(organization),
        kit.partner(organization, "contacts:write"),
    ):
        listed = await every(client, "limit=30")
        assert [one["type"] for one in listed] == sorted(FOR_PARTNERS)
    one = listed[0]
    assert one["body_schema"] == messages()[one["type"]].schema
    assert one["example"] == messages()[one["type"]].example
    assert (await kit.client().get(URL)).status_code == 401


@pytest.mark.parametrize("pattern", ["*", "content.*", "content.post.*", "content.post.published.v1"])
async def test_a_filter_shows_what_it_lets_through(kit: Kit, pattern: str) -> None:
    listed = await every(kit.person(uuid4()), f"limit=7&filter={pattern}")
    assert [one["type"] for one in listed] == [name for name in sorted(FOR_PARTNERS) if matches(pattern, name)]


async def test_refusals(kit: Kit) -> None:
    client = kit.person(uuid4())
    answer = await client.get(f"{URL}?filter=content.posts.*")
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/query/filter", "event-type-unknown")
    assert "content.post.*" in fault["detail"]
    for query in ("filter=", "filter=" + "x" * 201, "limit=0", "limit=201", "cursor=abc", "filter=%00"):
        assert (await client.get(f"{URL}?{query}")).status_code == 422, query
    cursor = (await client.get(f"{URL}?limit=1")).json()["next_cursor"]
    assert (await client.get(f"{URL}?limit=1&filter=content.*&cursor={cursor}")).status_code == 422
    assert (await kit.person(uuid4()).get(f"{URL}?limit=1&cursor={cursor}")).status_code == 422
