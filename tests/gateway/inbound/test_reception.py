"""Taking webhooks: verified on their bytes, kept once, and nothing that a stranger sends is a failure of ours."""

import asyncio
import hashlib
import hmac
import json
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.gateway.inbound.partner import Partner, apply_all, applying, partner_of

from chassis import clock
from chassis.ids import new_id
from chassis.testing.kit import Kit

ORDER = {"order": {"id": "SO-1", "v": 1, "total": "19.90"}}
SECRET = "a secret of twenty-four bytes or more"
CUSTOM: dict[str, Any] = {
    "kind": "custom",
    "signature_header": "X-Sign",
    "algorithm": "hmac-sha256",
    "encoding": "hex",
    "prefix": "sha256=",
    "signed": "{timestamp}.{body}",
    "timestamp": {"header": "X-Time", "unit": "s"},
    "message_id": {"header": "X-Id"},
}


@pytest.fixture
async def partner(kit: Kit) -> Partner:
    return await partner_of(kit)


async def receipts(partner: Partner) -> int:
    [row] = await partner.kit.sql(
        "SELECT count(*) FROM inbound_receipt WHERE organization_id = $1", partner.organization
    )
    return int(row["count"])


async def test_a_signed_message_is_kept_sealed_before_it_is_answered(partner: Partner) -> None:
    answer = await partner.send(ORDER, "m1")
    assert answer.status_code == 202, answer.text
    assert answer.json()["duplicate"] is False
    [row] = await partner.kit.sql("SELECT body, state FROM inbound_receipt WHERE id = $1", answer.json()["receipt_id"])
    assert row["state"] == "waiting"
    assert b"SO-1" not in bytes(row["body"])


async def test_a_hundred_identical_messages_at_once_are_one(partner: Partner) -> None:
    body = json.dumps(ORDER).encode()
    headers = partner.signed(body, "twin")
    answers = await asyncio.gather(*(partner.post(body, headers) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["receipt_id"] for answer in answers}) == 1
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    async with applying(partner.kit) as one, applying(partner.kit) as other:
        assert sum(await asyncio.gather(apply_all(one), apply_all(other))) == 1
    orders = (await partner.staff.get("/v1/orders")).json()["data"]
    assert [(order["external_id"], order["amount_fen"], order["version"]) for order in orders] == [("SO-1", 1990, 1)]
    assert (
        len([e for e in await partner.kit.events() if e.organization == partner.organization and "order" in e.type])
        == 1
    )
    assert await receipts(partner) == 1


async def test_an_id_with_other_bytes_is_refused(partner: Partner) -> None:
    assert (await partner.send(ORDER, "same")).status_code == 202
    other = await partner.send({"order": None}, "same")
    assert (other.status_code, other.json()["type"]) == (409, "urn:hearth:problem:message-id-reused")
    assert await receipts(partner) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "a", "webhook-timestamp": "x", "webhook-signature": "v1,x"},
        {"webhook-id": "a", "webhook-timestamp": "9" * 300, "webhook-signature": "v1,x"},
        {"webhook-id": "a", "webhook-timestamp": "-1", "webhook-signature": "v1," + "A" * 9000},
        {"webhook-id": "a.b", "webhook-timestamp": "1795332600", "webhook-signature": "v1a,AAAA v1,===="},
    ],
)
async def test_malformed_signatures_are_401(partner: Partner, headers: dict[str, str]) -> None:
    answer = await partner.post(b"{}", headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:hearth:problem:signature-invalid")
    raw = await partner.kit.client().post(
        f"/v1/inbound/{partner.source['id']}", content=b"{}", headers=[(b"webhook-signature", b"v1,\xff\xfe\x80")]
    )
    assert raw.status_code == 401
    assert await receipts(partner) == 0


@pytest.mark.parametrize("late", [301, 3600, -302, -3600])
async def test_a_clock_that_is_off_is_refused(partner: Partner, late: int) -> None:
    body = json.dumps(ORDER).encode()
    assert (await partner.post(body, partner.signed(body, late=late))).status_code == 401
    assert (await partner.post(body, partner.signed(body, late=290 if late > 0 else -290))).status_code == 202


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ('{"a": "é"}'.encode("latin-1"), "not-utf-8", ""),
        (b'{"a": [{"b": 1, "b": 2}]}', "name-twice", "/a/0/b"),
        (b'{"a": NaN}', "number-not-finite", ""),
        (b'{"a": 1e400}', "number-out-of-range", ""),
        (b'{"a": ' + b"9" * 5000 + b"}", "number-too-long", ""),
        (b'{"a": "\\ud800"}', "half-a-character", "/a"),
        (b"[" * 33 + b"]" * 33, "nested-too-deep", "/0" * 32),
        (b"[" * 200_000, "nested-too-deep", ""),
        (b"\xef\xbb\xbf{}", "json-invalid", ""),
        (b"", "json-invalid", ""),
        (b"{} {}", "json-invalid", ""),
    ],
)
async def test_signed_bytes_that_are_no_strict_json_are_refused(
    partner: Partner, body: bytes, code: str, pointer: str
) -> None:
    answer = await partner.post(body, partner.signed(body))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:hearth:problem:malformed-json")
    assert [(one["code"], one["pointer"]) for one in answer.json()["errors"]] == [(code, pointer)]
    assert await receipts(partner) == 0


async def test_a_large_body_is_413(partner: Partner) -> None:
    body = b'"' + b"a" * 10_000_000 + b'"'
    assert (await partner.post(body, partner.signed(body))).status_code == 413


async def test_unknown_closed_and_deleted_sources_and_withdrawn_clients_are_404(partner: Partner) -> None:
    assert (await partner.kit.client().post(f"/v1/inbound/{new_id()}", content=b"{}")).status_code == 404
    closed = await partner.staff.post(f"{partner.url}/close", headers={"If-Match": '"2"'})
    assert closed.status_code == 200, closed.text
    assert closed.json()["open"] is False
    assert (await partner.send(ORDER)).status_code == 404
    assert (await partner.staff.post(f"{partner.url}/open", headers={"If-Match": '"3"'})).status_code == 200
    assert (await partner.send(ORDER)).status_code == 202
    await partner.told(active=False, version=2)
    assert (await partner.send(ORDER)).status_code == 404
    await partner.told(active=True, version=3)
    assert (await partner.staff.delete(partner.url, headers={"If-Match": '"4"'})).status_code == 204
    assert (await partner.send(ORDER)).status_code == 404


async def test_the_old_secret_verifies_for_a_day_more(partner: Partner) -> None:
    start = clock.now()
    moving = clock.MovableClock(start)
    old = dict(partner.source)
    rotated = await partner.staff.post(f"{partner.url}/secrets", json={})
    assert rotated.status_code == 201, rotated.text
    assert rotated.json()["secret"] != old["secret"]
    with clock.use(moving):
        moving.move(hours=23, minutes=59)
        assert (await partner.send(ORDER)).status_code == 202
        moving.move(minutes=2)
        assert (await partner.send(ORDER)).status_code == 401
        partner.source = rotated.json()
        assert (await partner.send(ORDER)).status_code == 202


def custom_headers(body: bytes, key: str, *, digest: str = "sha256", message_id: str = "x1") -> dict[str, str]:
    at = str(int(clock.now().timestamp()))
    signature = hmac.new(key.encode(), at.encode() + b"." + body, digest).hexdigest()
    return {"X-Sign": f"sha256={signature}", "X-Time": at, "X-Id": message_id}


async def test_a_scheme_of_the_partners_own(kit: Kit) -> None:
    partner = await partner_of(kit, verification=CUSTOM, secret=SECRET)
    body = json.dumps(ORDER).encode()
    headers = custom_headers(body, SECRET)
    assert (await partner.post(body, headers)).json()["duplicate"] is False
    assert (await partner.post(body, headers)).json()["duplicate"] is True
    for broken in (
        headers | {"X-Sign": headers["X-Sign"][:-1]},
        headers | {"X-Sign": headers["X-Sign"].removeprefix("sha256=")},
        headers | {"X-Sign": "sha256=zz"},
        headers | {"X-Time": str(int(headers["X-Time"]) - 1)},
        headers | {"X-Time": "²"},
        headers | {"X-Id": ""},
        {},
    ):
        encoded = {name: value.encode() for name, value in broken.items()}
        answer = await kit.client().post(f"/v1/inbound/{partner.source['id']}", content=body, headers=encoded)
        assert answer.status_code == 401, broken
    twice = [*headers.items(), ("X-Sign", headers["X-Sign"])]
    assert (
        await kit.client().post(f"/v1/inbound/{partner.source['id']}", content=body, headers=twice)
    ).status_code == 401
    early = datetime.fromtimestamp(int(headers["X-Time"]), clock.now().tzinfo) - timedelta(seconds=301)
    with clock.use(lambda: early):
        assert (await partner.post(body, headers)).status_code == 401


async def test_ed25519_and_ids_from_the_body(kit: Kit) -> None:
    key = Ed25519PrivateKey.generate()
    scheme = {
        "kind": "custom",
        "signature_header": "X-Sign",
        "algorithm": "ed25519",
        "encoding": "hex",
        "signed": "{body}",
        "message_id": {"pointer": "/event/id"},
    }
    partner = await partner_of(kit, verification=scheme, secret=key.public_key().public_bytes_raw().hex())
    assert partner.source["secret"] is None
    body = json.dumps({"event": {"id": 7}}).encode()
    headers = {"X-Sign": key.sign(body).hex()}
    assert (await partner.post(body, headers)).json()["duplicate"] is False
    assert (await partner.post(body, headers)).json()["duplicate"] is True
    [row] = await kit.sql("SELECT message_id FROM inbound_receipt WHERE organization_id = $1", partner.organization)
    assert row["message_id"] == "7"
    nameless = b'{"event": {}}'
    answer = await partner.post(nameless, {"X-Sign": key.sign(nameless).hex()})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:hearth:problem:message-id-missing")
    assert (await partner.post(body, {"X-Sign": "00" * 64})).status_code == 401
    assert (await partner.post(body, {"X-Sign": "00"})).status_code == 401


async def test_without_an_id_equal_bodies_count_once(kit: Kit) -> None:
    scheme = CUSTOM | {"signed": "{body}", "timestamp": None, "message_id": None, "encoding": "base64", "prefix": ""}
    partner = await partner_of(kit, verification=scheme, secret=SECRET)
    body = json.dumps(ORDER).encode()
    headers = {"X-Sign": b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()}
    answers = [(await partner.post(body, headers)).json() for _ in range(2)]
    assert [answer["duplicate"] for answer in answers] == [False, True]


async def test_bodies_are_forgotten_after_a_month_and_ids_after_half_a_year(partner: Partner) -> None:
    moving = clock.MovableClock(clock.now())
    with clock.use(moving):
        answer = await partner.send(ORDER, "m1")
        async with applying(partner.kit) as applier:
            await apply_all(applier)
        kept = "SELECT body IS NOT NULL AS body FROM inbound_receipt WHERE organization_id = $1"
        moving.move(days=29, hours=23)
        await partner.kit.work()
        assert [row["body"] for row in await partner.kit.sql(kept, partner.organization)] == [True]
        moving.move(hours=2)
        await partner.kit.work()
        assert [row["body"] for row in await partner.kit.sql(kept, partner.organization)] == [False]
        again = await partner.send(ORDER, "m1")
        assert again.json() == answer.json() | {"duplicate": True}
        moving.move(days=149)
        await partner.kit.work()
        assert (await partner.send(ORDER, "m1")).json()["duplicate"] is True
        moving.move(days=1, hours=1)
        await partner.kit.work()
        assert await partner.kit.sql(kept, partner.organization) == []
