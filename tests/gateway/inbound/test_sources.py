"""Sources: whose they are, what they take, and what of them is never shown."""

from typing import Any

import pytest
from tests.gateway.inbound.partner import MAPPING, Partner, partner_of

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.partners import SourceChanged

STANDARD = {"kind": "standard"}
CUSTOM: dict[str, Any] = {
    "kind": "custom",
    "signature_header": "X-Sign",
    "algorithm": "hmac-sha256",
    "encoding": "hex",
}


@pytest.fixture
async def partner(kit: Kit) -> Partner:
    return await partner_of(kit)


async def test_a_secret_is_shown_once_and_kept_sealed(partner: Partner) -> None:
    secret = partner.source["secret"]
    assert secret.startswith("whsec_")
    read = await partner.staff.get(partner.url)
    assert secret not in read.text
    assert read.headers["etag"] == '"2"'
    [row] = await partner.kit.sql("SELECT sealed FROM source_key WHERE organization_id = $1", partner.organization)
    assert secret.encode() not in bytes(row["sealed"])


async def test_a_program_has_sources_of_its_own_and_sees_no_others(partner: Partner) -> None:
    mine = partner.program("webhooks:manage")
    other = partner.kit.partner(partner.organization, "webhooks:manage")
    made = await other.post("/v1/sources", json={"name": "Theirs", "verification": STANDARD})
    assert made.status_code == 201, made.text
    theirs = f"/v1/sources/{made.json()['id']}"
    assert [one["id"] for one in (await mine.get("/v1/sources")).json()["data"]] == [partner.source["id"]]
    for client, url in ((mine, theirs), (other, partner.url), (partner.kit.staff(new_id()), partner.url)):
        assert (await client.get(url)).status_code == 404
        assert (await client.patch(url, json={"name": "x"}, headers={"If-Match": '"1"'})).status_code == 404
        assert (await client.delete(url, headers={"If-Match": '"1"'})).status_code == 404
        assert (await client.post(f"{url}/secrets", json={})).status_code == 404
        assert (await client.post(f"{url}/close", headers={"If-Match": '"1"'})).status_code == 404
        assert (await client.post(f"{url}/mappings", json={"mapping": MAPPING})).status_code == 404
        assert (await client.get(f"{url}/mappings")).status_code == 404
        dry = {"mapping": MAPPING, "sample": {}}
        assert (await client.post(f"{url}/mappings/dry-runs", json=dry)).status_code == 404
    named = {"name": "x", "verification": STANDARD, "client_id": str(partner.client_id)}
    assert (await other.post("/v1/sources", json=named)).status_code == 403
    for stranger in (partner.kit.person(partner.organization), partner.program("orders:write", "contacts:write")):
        assert (await stranger.get(partner.url)).status_code == 403
        assert (await stranger.post("/v1/sources", json=named)).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/client_id"),
        ({"client_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"}, "/client_id"),
        ({"secret": "whsec_c2hvcnQ="}, "/secret"),
        ({"secret": "whsk_" + "A" * 44}, "/secret"),
        ({"secret": "not a key of the standard at all"}, "/secret"),
        ({"verification": CUSTOM, "secret": "short"}, "/secret"),
        ({"verification": CUSTOM | {"algorithm": "ed25519"}}, "/secret"),
        ({"verification": CUSTOM | {"algorithm": "ed25519"}, "secret": "00" * 31}, "/secret"),
        ({"verification": CUSTOM | {"signed": "{timestamp}.{body}"}}, "/verification"),
        ({"verification": CUSTOM | {"timestamp": {"header": "X-T", "unit": "s"}}}, "/verification"),
        ({"verification": CUSTOM | {"signed": "{body}{body}"}}, "/verification"),
        ({"verification": CUSTOM | {"signed": "{id}.{body}"}}, "/verification"),
        ({"verification": CUSTOM | {"signed": "{secret}{body}"}}, "/verification"),
        ({"verification": CUSTOM | {"message_id": {}}}, "/verification/message_id"),
        ({"verification": CUSTOM | {"signature_header": "X Sign\r\n"}}, "/verification/signature_header"),
        ({"verification": CUSTOM | {"algorithm": "md5"}}, "/verification/algorithm"),
        ({"verification": {"kind": "none"}}, "/verification"),
        ({"name": ""}, "/name"),
    ],
)
async def test_what_cannot_verify_is_refused(partner: Partner, body: dict[str, Any], pointer: str) -> None:
    known = {} if pointer == "/client_id" else {"client_id": str(partner.client_id)}
    new = {"name": "CRM", "verification": STANDARD} | known | body
    answer = await partner.staff.post("/v1/sources", json=new)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    secret = str(body.get("secret", "no secret"))
    assert secret not in answer.text


async def test_changes_ask_for_the_version_and_are_told(partner: Partner) -> None:
    renamed = await partner.staff.patch(partner.url, json={"name": "CRM, EU"}, headers={"If-Match": '"2"'})
    assert (renamed.status_code, renamed.json()["name"], renamed.headers["etag"]) == (200, "CRM, EU", '"3"')
    assert (await partner.staff.patch(partner.url, json={"name": "x"}, headers={"If-Match": '"2"'})).status_code == 412
    assert (await partner.staff.patch(partner.url, json={"name": "x"})).status_code == 428
    other = {"verification": CUSTOM}
    assert (await partner.staff.patch(partner.url, json=other, headers={"If-Match": '"3"'})).status_code == 422
    assert (await partner.staff.delete(partner.url, headers={"If-Match": '"3"'})).status_code == 204
    assert (await partner.staff.get(partner.url)).status_code == 404
    events = [e for e in await partner.kit.events(SourceChanged) if e.organization == partner.organization]
    assert [(e.aggregateversion, e.data["open"]) for e in events] == [(1, True), (2, True), (3, True), (4, False)]


async def test_five_keys_are_good_at_once_and_no_more(partner: Partner) -> None:
    for _ in range(4):
        assert (await partner.staff.post(f"{partner.url}/secrets", json={})).status_code == 201
    full = await partner.staff.post(f"{partner.url}/secrets", json={})
    assert (full.status_code, full.json()["type"]) == (409, "urn:hearth:problem:too-many-keys")
    keys = (await partner.staff.get(partner.url)).json()["keys"]
    assert [key["expires_at"] is None for key in keys] == [True, False, False, False, False]


async def test_mappings_are_kept_by_number_and_adopted(partner: Partner) -> None:
    kept = await partner.staff.post(f"{partner.url}/mappings", json={"mapping": MAPPING + "# second\n"})
    assert (kept.json()["number"], kept.json()["adopted"]) == (2, False)
    listed = (await partner.staff.get(f"{partner.url}/mappings")).json()["data"]
    assert [(one["number"], one["adopted"]) for one in listed] == [(2, False), (1, True)]
    first = (await partner.staff.get(f"{partner.url}/mappings?limit=1")).json()
    rest = (await partner.staff.get(f"{partner.url}/mappings?limit=1&cursor={first['next_cursor']}")).json()
    assert [one["number"] for one in first["data"] + rest["data"]] == [2, 1]
    assert (await partner.staff.get(f"{partner.url}/mappings/3")).status_code == 404
    adopt = f"{partner.url}/mappings/2/adopt"
    assert (await partner.staff.post(adopt, headers={"If-Match": '"1"'})).status_code == 412
    assert (await partner.staff.post(adopt, headers={"If-Match": '"2"'})).json()["adopted"] is True
    assert (await partner.staff.get(partner.url)).json()["mapping"] == 2


async def test_a_wrong_mapping_is_refused_with_its_places(partner: Partner) -> None:
    wrong = MAPPING.replace("contact: $.order.contact", "contatc: $.order.contact")
    for path in ("mappings", "mappings/dry-runs"):
        body = {"mapping": wrong} | ({"sample": {}} if "dry" in path else {})
        answer = await partner.staff.post(f"{partner.url}/{path}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:hearth:problem:mapping-invalid")
        [fault] = answer.json()["errors"]
        assert fault["pointer"] == "/mapping/items/2/fields/contatc"
        assert "'contact'" in fault["detail"]


async def test_a_dry_run_shows_items_or_faults_and_changes_nothing(partner: Partner) -> None:
    counts = """SELECT (SELECT count(*) FROM inbound_receipt) + (SELECT count(*) FROM partner_order)
        + (SELECT count(*) FROM source_mapping) + (SELECT count(*) FROM outbox) AS rows"""
    before = await partner.kit.sql(counts)
    url = f"{partner.url}/mappings/dry-runs"
    sample = {"order": {"id": "SO-1", "v": 1, "total": "19.90", "contact": "C"}}
    tried = await partner.staff.post(url, json={"mapping": MAPPING, "sample": sample})
    assert tried.status_code == 200, tried.text
    [item] = tried.json()["items"]
    assert (item["kind"], item["external_id"], item["version"]) == ("order", "SO-1", 1)
    assert item["fields"] == {
        "contact": "C",
        "placed_at": "2026-11-22T07:30:00+00:00",
        "currency": "CNY",
        "amount_fen": 1990,
        "cancelled": False,
        "source": "crm",
    }
    # A number that no float can hold, in the words of the partner.
    text = '{"order": {"id": "SO-1", "v": 1, "total": 1234567890123.43}}'
    exact = await partner.staff.post(url, json={"mapping": MAPPING, "sample": text})
    assert exact.json()["items"][0]["fields"]["amount_fen"] == 123456789012343
    missing = await partner.staff.post(url, json={"mapping": MAPPING, "sample": {"order": {"v": 1, "total": 1}}})
    assert missing.json()["items"] == []
    assert [(one["pointer"], one["code"]) for one in missing.json()["faults"]] == [
        ("/mapping/items/2/fields/external_id", "missing")
    ]
    twice = await partner.staff.post(url, json={"mapping": MAPPING, "sample": '{"a": 1, "a": 2}'})
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/sample/a")
    assert await partner.kit.sql(counts) == before
