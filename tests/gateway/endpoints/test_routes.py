"""Endpoints over HTTP: who may have which, what they may be, and what is never shown."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.gateway.endpoints.town import URL, Town, faults, found

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.base import Envelope
from contracts.partners import EndpointChanged, EndpointDisabled

BOTH = ("staff", "program")


def caller(town: Town, who: str) -> httpx.AsyncClient:
    return town.staff if who == "staff" else town.program()


async def events(town: Town, *types: Any) -> list[Envelope]:
    return [one for one in await town.kit.events(*types) if one.organization == town.organization]


@pytest.mark.parametrize("who", BOTH)
async def test_an_endpoint_is_put_up_with_its_keys_and_read_without_them(town: Town, who: str) -> None:
    body = {
        "url": "HTTPS://Crm.Example.COM/hooks",
        "description": " Shop ",
        "event_types": ["content.*", "content.*"],
        "ordering": "fifo",
        "headers": {"X-Key": "s3cret"},
        "v1a": True,
    }
    mine = caller(town, who)
    made = await mine.post("/v1/endpoints", json=body | ({"client_id": str(town.client)} if who == "staff" else {}))
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    keys = made.json().pop("secrets")
    assert [(key["scheme"], key["secret"] is None, key["public_key"] is None) for key in keys] == [
        ("v1a", True, False),
        ("v1", False, True),
    ]
    read = await mine.get(f"/v1/endpoints/{made.json()['id']}")
    assert read.json() == {name: value for name, value in made.json().items() if name != "secrets"}
    assert read.headers["etag"] == made.headers["etag"] == '"1"'
    shown = read.json()
    assert (shown["url"], shown["description"], shown["client_id"]) == (URL, "Shop", str(town.client))
    assert (shown["event_types"], shown["ordering"], shown["schemes"]) == (["content.*"], "fifo", ["v1", "v1a"])
    assert (shown["header_names"], shown["enabled"], shown["failing_since"]) == (["X-Key"], True, None)
    assert "s3cret" not in read.text
    assert "whs" not in read.text
    stored = await town.kit.sql("SELECT endpoint::text, secret::text FROM endpoint, endpoint_secret AS secret")
    assert "s3cret" not in str(stored)
    assert keys[1]["secret"].removeprefix("whsec_") not in str(stored)
    [told] = await events(town, EndpointChanged)
    assert (told.data["enabled"], told.data["deleted"], told.aggregateversion) == (True, False, 1)
    assert await town.kit.sql("SELECT 1 FROM lane WHERE endpoint_id = $1", UUID(shown["id"])) != []


async def test_a_partner_sees_its_own_and_staff_every_one(town: Town) -> None:
    mine, theirs = await town.endpoint(), await town.endpoint()
    other = town.program(town.other)
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/enabling"),
        ("POST", "/disabling"),
        ("GET", "/secrets"),
        ("POST", "/secrets"),
    ):
        body = {"json": {}} if method == "PATCH" or (method, path) == ("POST", "/secrets") else {}
        for stranger in (other, town.kit.staff(new_id())):
            answer = await stranger.request(
                method, f"/v1/endpoints/{mine['id']}{path}", headers={"If-Match": '"1"'}, **body
            )
            assert answer.status_code == 404, (method, path, answer.text)
    ids = [mine["id"], theirs["id"]]
    for who, query, expected in (
        (town.program(), {}, ids),
        (town.staff, {}, ids),
        (town.staff, {"client_id": str(town.client)}, ids),
        (town.staff, {"client_id": str(town.other)}, []),
        (town.staff, {"enabled": "false"}, []),
        (other, {}, []),
        (other, {"client_id": str(town.client)}, []),
        (town.kit.staff(new_id()), {}, []),
    ):
        answer = await who.get("/v1/endpoints", params=query)
        assert [one["id"] for one in answer.json()["data"]] == expected, query


async def test_people_and_programs_without_the_scope_are_refused(town: Town) -> None:
    endpoint = f"/v1/endpoints/{(await town.endpoint())['id']}"
    for stranger in (town.kit.person(town.organization), town.program(town.client, "contacts:write", "members:read")):
        for method, path in (
            ("GET", "/v1/endpoints"),
            ("POST", "/v1/endpoints"),
            ("GET", endpoint),
            ("GET", endpoint + "/secrets"),
        ):
            body = {"json": {"url": URL}} if method == "POST" else {}
            assert (await stranger.request(method, path, **body)).status_code == 403
    assert (await town.kit.client().get("/v1/endpoints")).status_code == 401


async def test_pages_hold_every_endpoint_once(town: Town) -> None:
    made = [(await town.endpoint())["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await town.program().get("/v1/endpoints", params=query)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        foreign = await town.staff.get("/v1/endpoints", params=query | {"cursor": cursor})
        assert faults(foreign) == [("/query/cursor", "cursor-invalid")]
    assert seen == made


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"url": "http://crm.example.com"}, ("/url", "scheme-refused")),
        ({"url": "https://u:p@crm.example.com"}, ("/url", "credentials-refused")),
        ({"url": "https://crm.example.com:22"}, ("/url", "port-refused")),
        ({"url": "https://169.254.169.254/latest"}, ("/url", "address-refused")),
        ({"url": "https://[::ffff:10.0.0.1]/"}, ("/url", "address-refused")),
        ({"url": "https://2130706433/"}, ("/url", "host-malformed")),
        ({"url": "https://localhost/"}, ("/url", "host-refused")),
        ({"url": "x" * 2001}, ("/url", "string-too-long")),
        ({"url": "https://crm.example.com/\x00"}, ("/url", "control-character")),
        ({"headers": {"Host": "x"}}, ("/headers/Host", "name-reserved")),
        ({"headers": {"webhook-id": "x"}}, ("/headers/webhook-id", "name-reserved")),
        ({"headers": {"a/b": "x"}}, ("/headers/a~1b", "name-malformed")),
        ({"headers": {"X": "a\nb"}}, ("/headers/X", "value-malformed")),
        ({"headers": {"X" * 5000: "a"}}, ("/headers", "name-malformed")),
        ({"headers": {f"X{n}": "a" for n in range(21)}}, ("/headers", "too-many-headers")),
        ({"event_types": ["content.post.published.v9"]}, ("/event_types/0", "event-type-unknown")),
        ({"event_types": ["*", "con*"]}, ("/event_types/1", "event-type-unknown")),
        ({"event_types": ["*"] * 101}, ("/event_types", "too-long")),
        ({"community_ids": ["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]}, ("/community_ids/0", "community-unknown")),
        ({"ordering": "random"}, ("/ordering", "literal-error")),
        ({"secret": "whsec_c2hvcnQ="}, ("/secret", "key-too-short")),
        ({"secret": "hunter2"}, ("/secret", "key-unknown")),
        ({"secret": "whsk_" + "A" * 43 + "="}, ("/scheme", "scheme-other")),
        ({"description": "x" * 501}, ("/description", "string-too-long")),
        ({"v1a": "yes"}, ("/v1a", "bool-type")),
        ({"nonsense": 1}, ("/nonsense", "extra-forbidden")),
    ],
)
async def test_what_an_endpoint_may_not_be(town: Town, change: dict[str, Any], expected: tuple[str, str]) -> None:
    answer = await town.program().post("/v1/endpoints", json={"url": URL} | change)
    assert expected in faults(answer)
    assert len(answer.content) < 2000
    assert await events(town) == []
    assert (await town.staff.get("/v1/endpoints")).json()["data"] == []


async def test_everything_that_is_wrong_is_told_at_once(town: Town) -> None:
    body = {"url": "https://localhost", "headers": {"Host": "x"}, "event_types": ["nothing"]}
    assert [place for place, _ in faults(await town.program().post("/v1/endpoints", json=body))] == [
        "/url",
        "/headers/Host",
        "/event_types/0",
    ]


async def test_whose_endpoint_it_is(town: Town) -> None:
    gone = new_id()
    await town.tell(gone)
    await town.tell(gone, 2, active=False)
    foreign = await found(town.kit)
    for who, client_id, code in (
        (town.staff, None, "missing"),
        (town.staff, new_id(), "client-unknown"),
        (town.staff, foreign.client, "client-unknown"),
        (town.staff, gone, "client-withdrawn"),
        (town.program(), town.other, "client-foreign"),
        (town.program(gone), None, "client-withdrawn"),
    ):
        named = {} if client_id is None else {"client_id": str(client_id)}
        answer = await who.post("/v1/endpoints", json={"url": URL} | named)
        assert faults(answer) == [("/client_id", code)]


async def test_a_community_that_is_known_may_be_asked_for(town: Town) -> None:
    community = await town.kit.community(town.organization)
    elsewhere = await town.kit.community(new_id())
    made = await town.endpoint(community_ids=[str(community)])
    assert made["community_ids"] == [str(community)]
    body = {"community_ids": [str(community), str(elsewhere)]}
    answer = await town.program().patch(f"/v1/endpoints/{made['id']}", json=body, headers={"If-Match": '"1"'})
    assert faults(answer) == [("/community_ids/1", "community-unknown")]


async def test_a_change_is_told_and_one_that_changes_nothing_is_none(town: Town) -> None:
    made = await town.endpoint(headers={"X-Key": "one"})
    path = f"/v1/endpoints/{made['id']}"
    await town.kit.sql("UPDATE endpoint SET failing_since = now() WHERE id = $1", UUID(made["id"]))
    for body, version, failing in (
        ({}, 1, True),
        ({"url": URL, "headers": {"X-Key": "one"}}, 1, True),
        ({"headers": {"X-Key": "two"}}, 2, True),
        ({"event_types": ["content.*"], "ordering": "fifo", "description": "x"}, 3, True),
        ({"url": URL + "/new", "headers": {}}, 4, False),
    ):
        read = await town.program().get(path)
        answer = await town.program().patch(path, json=body, headers={"If-Match": read.headers["etag"]})
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{version}"'
        assert (answer.json()["failing_since"] is not None) is failing
    shown = (await town.program().get(path)).json()
    assert (shown["url"], shown["header_names"], shown["event_types"]) == (URL + "/new", [], ["content.*"])
    assert (await town.program().patch(path, json={})).status_code == 428
    stale = await town.program().patch(path, json={}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"4"')
    assert [one.aggregateversion for one in await events(town, EndpointChanged)] == [1, 2, 3, 4]


async def test_disabling_and_enabling_by_hand(town: Town) -> None:
    made = await town.endpoint()
    path = f"/v1/endpoints/{made['id']}"
    for _ in range(2):
        stopped = await town.program().post(path + "/disabling")
        assert (stopped.json()["enabled"], stopped.json()["disabled_reason"]) == (False, "by_hand")
        assert "enable" in stopped.json()["can"]
    listed = await town.staff.get("/v1/endpoints", params={"enabled": "false"})
    assert [one["id"] for one in listed.json()["data"]] == [made["id"]]
    assert (
        await town.kit.sql("SELECT 1 FROM lane WHERE endpoint_id = $1 AND due_at IS NOT NULL", UUID(made["id"])) == []
    )
    for _ in range(2):
        going = await town.program().post(path + "/enabling")
        assert (going.json()["enabled"], going.json()["disabled_reason"], going.json()["version"]) == (True, None, 3)
    await town.kit.work()
    assert (
        await town.kit.sql("SELECT 1 FROM lane WHERE endpoint_id = $1 AND due_at IS NOT NULL", UUID(made["id"])) != []
    )
    assert [(one.type, one.aggregateversion) for one in await events(town, EndpointChanged, EndpointDisabled)] == [
        (EndpointChanged.type, 1),
        (EndpointDisabled.type, 2),
        (EndpointChanged.type, 3),
    ]


async def test_a_deleted_endpoint_is_gone_its_secrets_destroyed_and_the_rest_settled(town: Town) -> None:
    made = await town.endpoint(headers={"X-Key": "one"})
    path = f"/v1/endpoints/{made['id']}"
    assert (await town.program().post(path + "/secrets", json={})).status_code == 201
    assert (await town.program().delete(path)).status_code == 204
    for method, more in (("GET", ""), ("DELETE", ""), ("POST", "/enabling"), ("GET", "/secrets")):
        assert (await town.staff.request(method, path + more)).status_code == 404
    [row] = await town.kit.sql("SELECT * FROM endpoint WHERE id = $1", UUID(made["id"]))
    assert (row["headers"], row["header_names"], row["deleted_at"] is None) == (None, [], False)
    assert await town.kit.sql("SELECT 1 FROM endpoint_secret WHERE endpoint_id = $1", row["id"]) == []
    work = await town.kit.sql("SELECT kind FROM due_work WHERE key = $1", made["id"])
    assert [one["kind"] for one in work] == ["deliveries.settle"]
    told = (await events(town, EndpointChanged))[-1]
    assert (told.data["deleted"], told.data["enabled"], told.aggregateversion) == (True, False, 3)


async def test_an_organization_has_so_many_endpoints_and_no_more(town: Town) -> None:
    made = await town.endpoint()
    await town.kit.sql(
        """INSERT INTO endpoint (id, organization_id, client_id, url, event_types, community_ids, ordering, enabled, created_at,
            created_by, updated_at, version)
        SELECT gen_random_uuid(), organization_id, client_id, url, event_types, community_ids, ordering, enabled, created_at,
            created_by, updated_at, version FROM endpoint, generate_series(2, 20000) WHERE id = $1""",
        UUID(made["id"]),
    )
    refused = await town.program().post("/v1/endpoints", json={"url": URL})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:too-many-endpoints")
    page = (await town.staff.get("/v1/endpoints", params={"limit": 200})).json()
    assert (len(page["data"]), page["next_cursor"] is None) == (200, False)
    assert (await town.program().delete(f"/v1/endpoints/{made['id']}")).status_code == 204
    await town.endpoint()


async def test_a_repeated_request_puts_one_endpoint_up(town: Town) -> None:
    key = {"Idempotency-Key": new_id().hex}
    first, again = [await town.program().post("/v1/endpoints", json={"url": URL}, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert len((await town.staff.get("/v1/endpoints")).json()["data"]) == 1


async def test_hostile_ids_are_refused(kit: Kit, town: Town) -> None:
    for odd in ("%00", "x" * 500, "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a1g"):
        assert (await town.staff.get(f"/v1/endpoints/{odd}")).status_code == 422
    assert (await kit.staff(new_id()).post("/v1/endpoints", content=b'{"url": "\xff"}')).status_code in {400, 415}
