"""Orders by the API for partners' programs: the same as their webhooks would do."""

import asyncio
from typing import Any

import pytest
from tests.gateway.inbound.partner import Partner, apply_all, applying, partner_of

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.partners import PartnerOrderRecorded, PartnerOrderRefunded

ORDER: dict[str, Any] = {
    "version": 3,
    "contact": "C-1",
    "placed_at": "2026-11-22T07:30:00Z",
    "currency": "CNY",
    "amount_fen": 19900,
}
REFUND: dict[str, Any] = {
    "external_id": "RF-1",
    "amount_fen": 900,
    "currency": "CNY",
    "refunded_at": "2026-11-23T07:30:00Z",
}


@pytest.fixture
async def partner(kit: Kit) -> Partner:
    return await partner_of(kit)


async def told(partner: Partner) -> list[Any]:
    every = await partner.kit.events(PartnerOrderRecorded, PartnerOrderRefunded)
    return [event for event in every if event.organization == partner.organization]


async def test_an_order_is_told_corrected_and_refunded(partner: Partner) -> None:
    crm = partner.program("orders:write")
    url = "/v1/orders/SO%201%25"
    answers = [(await crm.put(url, json=ORDER | {"version": version})).json() for version in (3, 3, 2)]
    assert [answer["outcome"] for answer in answers] == ["applied", "repeated", "stale"]
    refunds = [(await crm.post(f"{url}/refunds", json=REFUND)).json() for _ in range(2)]
    assert [(one["outcome"], one["order"]["refunded_fen"]) for one in refunds] == [("applied", 900), ("repeated", 900)]
    corrected = await crm.post(f"{url}/refunds", json=REFUND | {"version": 2, "amount_fen": 1000})
    assert corrected.json()["order"]["refunded_fen"] == 1000
    read = await crm.get(url)
    assert (read.json()["external_id"], read.json()["version"], read.headers["etag"]) == ("SO 1%", 3, '"3"')
    assert [(e.type.split(".")[2], e.data["refunded_fen"]) for e in await told(partner)] == [
        ("recorded", 0),
        ("refunded", 900),
        ("refunded", 1000),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"amount_fen": 1},
        {"contact": "C-2"},
        {"cancelled": True},
        {"placed_at": "2026-11-22T07:30:01Z"},
        {"currency": "USD"},
    ],
)
async def test_a_version_told_otherwise_is_refused_and_changes_nothing(partner: Partner, other: dict[str, Any]) -> None:
    crm = partner.program("orders:write")
    url = "/v1/orders/SO-1"
    before = (await crm.put(url, json=ORDER)).json()["order"]
    refused = await crm.put(url, json=ORDER | other)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:version-reused")
    assert (await crm.get(url)).json() == before
    assert len(await told(partner)) == 1


async def test_a_buyer_who_comes_to_be_told_needs_a_version(partner: Partner) -> None:
    crm, lin = partner.program("orders:write"), new_id()
    await partner.linked("C-1", lin, 2)
    await crm.put("/v1/orders/SO-1", json=ORDER | {"contact": None})
    refused = await crm.put("/v1/orders/SO-1", json=ORDER)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:version-reused")
    named = await crm.put("/v1/orders/SO-1", json=ORDER | {"version": 4})
    assert named.json()["order"]["account_id"] == str(lin)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"amount_fen": 1}, "version-reused"),
        ({"refunded_at": "2026-11-24T07:30:00Z"}, "version-reused"),
        ({"version": 2, "currency": "USD"}, "currency-mismatch"),
        ({"external_id": "RF-2", "currency": "USD"}, "currency-mismatch"),
    ],
)
async def test_a_refund_that_cannot_count_is_refused_and_changes_nothing(
    partner: Partner, other: dict[str, Any], code: str
) -> None:
    crm = partner.program("orders:write")
    await crm.put("/v1/orders/SO-1", json=ORDER)
    before = (await crm.post("/v1/orders/SO-1/refunds", json=REFUND)).json()["order"]
    refused = await crm.post("/v1/orders/SO-1/refunds", json=REFUND | other)
    assert (refused.status_code, refused.json()["type"]) == (409, f"urn:hearth:problem:{code}")
    assert (await crm.get("/v1/orders/SO-1")).json() == before
    assert len(await told(partner)) == 2
    # What was refused left nothing behind that would count later.
    corrected = await crm.put("/v1/orders/SO-1", json=ORDER | {"version": 4, "currency": "USD"})
    assert corrected.json()["order"]["refunded_fen"] == 0


async def test_each_program_and_each_source_has_orders_of_its_own(partner: Partner) -> None:
    crm, other = partner.program("orders:write"), partner.kit.partner(partner.organization, "orders:write")
    for client, body in ((crm, ORDER), (crm, ORDER | {"source": "shop"}), (other, ORDER)):
        assert (await client.put("/v1/orders/SO-1", json=body)).json()["outcome"] == "applied"
    assert (await crm.get("/v1/orders/SO-1?source=shop")).json()["source"] == "shop"
    assert (await crm.get("/v1/orders/SO-1?source=other")).status_code == 404
    assert (await partner.kit.partner(partner.organization, "orders:write").get("/v1/orders/SO-1")).status_code == 404
    page = (await partner.staff.get("/v1/orders?limit=2")).json()
    rest = (await partner.staff.get(f"/v1/orders?limit=2&cursor={page['next_cursor']}")).json()
    assert (len(page["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)
    mine = (await partner.staff.get(f"/v1/orders?client_id={partner.client_id}")).json()["data"]
    assert len(mine) == 2
    assert (await partner.kit.staff(new_id()).get("/v1/orders")).json()["data"] == []


async def test_who_may_do_what(partner: Partner) -> None:
    for stranger in (partner.staff, partner.kit.person(partner.organization), partner.program("webhooks:manage")):
        assert (await stranger.put("/v1/orders/SO-1", json=ORDER)).status_code == 403
        assert (await stranger.post("/v1/orders/SO-1/refunds", json=REFUND)).status_code == 403
        assert (await stranger.get("/v1/orders/SO-1")).status_code == 403
    for stranger in (partner.program("orders:write"), partner.kit.person(partner.organization)):
        assert (await stranger.get("/v1/orders")).status_code == 403
    assert (await partner.kit.client().put("/v1/orders/SO-1", json=ORDER)).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount_fen": -1}, "/amount_fen"),
        ({"amount_fen": 19.9}, "/amount_fen"),
        ({"amount_fen": "19900"}, "/amount_fen"),
        ({"amount_fen": 10**16}, "/amount_fen"),
        ({"version": 0}, "/version"),
        ({"currency": "cny"}, "/currency"),
        ({"placed_at": "2026-11-22T07:30:00"}, "/placed_at"),
        ({"contact": "a/b"}, "/contact"),
        ({"contact": "a\u0007"}, "/contact"),
        ({"amount": 1}, "/amount"),
    ],
)
async def test_what_is_no_order_is_refused(partner: Partner, body: dict[str, Any], pointer: str) -> None:
    answer = await partner.program("orders:write").put("/v1/orders/SO-1", json=ORDER | body)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert await told(partner) == []


async def test_many_versions_at_once_leave_the_newest(partner: Partner) -> None:
    crm = partner.program("orders:write")
    versions = [5, 1, 9, 3, 7, 2, 8, 4, 6, 10] * 3
    answers = await asyncio.gather(
        *(crm.put("/v1/orders/SO-1", json=ORDER | {"version": one, "amount_fen": one}) for one in versions),
        *(crm.post("/v1/orders/SO-1/refunds", json=REFUND | {"amount_fen": 3}) for _ in range(10)),
    )
    assert {answer.status_code for answer in answers} == {200}
    order = (await crm.get("/v1/orders/SO-1")).json()
    assert (order["order_version"], order["amount_fen"], order["refunded_fen"]) == (10, 10, 3)
    events = await told(partner)
    assert [e.aggregateversion for e in events] == sorted(e.aggregateversion for e in events)
    assert events[-1].data["amount_fen"] == 10
    assert events[-1].data["refunded_fen"] == 3


async def test_a_webhook_and_the_api_tell_of_the_same_order(partner: Partner) -> None:
    await partner.send({"order": {"id": "SO-1", "v": 2, "total": "5.00"}})
    async with applying(partner.kit) as applier:
        await apply_all(applier)
    late = await partner.program("orders:write").put("/v1/orders/SO-1", json=ORDER | {"version": 1})
    assert (late.json()["outcome"], late.json()["order"]["amount_fen"]) == ("stale", 500)


async def test_orders_find_whom_members_know_the_contact_as_before_and_after(partner: Partner) -> None:
    crm, lin = partner.program("orders:write"), new_id()
    await crm.put("/v1/orders/before", json=ORDER)
    # An accent may be one character or two; the contact is the same.
    await crm.put("/v1/orders/accent", json=ORDER | {"contact": "Rene\u0301"})
    await partner.linked("C-1", lin, 6)
    await partner.linked("Ren\u00e9", lin, 2)
    await crm.put("/v1/orders/after", json=ORDER)
    for name in ("before", "accent", "after"):
        assert (await crm.get(f"/v1/orders/{name}")).json()["account_id"] == str(lin), name
    assert {event.data["account_id"] for event in (await told(partner))[-2:]} == {str(lin)}


async def test_a_contact_that_is_nobody_any_more_keeps_what_was_bought_and_older_news_of_it_is_nothing(
    partner: Partner,
) -> None:
    crm, lin, wei = partner.program("orders:write"), new_id(), new_id()

    async def buyer(name: str) -> Any:
        return (await crm.get(f"/v1/orders/{name}")).json()["account_id"]

    await crm.put("/v1/orders/first", json=ORDER)
    await partner.linked("C-1", lin, 2)
    await partner.linked("C-1", None, 3)
    await partner.linked("C-1", lin, 2)
    await crm.put("/v1/orders/second", json=ORDER)
    assert [await buyer(name) for name in ("first", "second")] == [str(lin), None]
    # The partner gives the id to somebody else: what had no buyer is theirs, what had stays.
    await partner.linked("C-1", wei, 4)
    assert [await buyer(name) for name in ("first", "second")] == [str(lin), str(wei)]


async def test_a_correction_keeps_the_buyer_who_gave_up_the_contact_unless_it_names_another(partner: Partner) -> None:
    crm, lin, wei = partner.program("orders:write"), new_id(), new_id()

    async def buyer(**corrected: Any) -> Any:
        if corrected:
            assert (await crm.put("/v1/orders/first", json=ORDER | corrected)).json()["outcome"] == "applied"
        return (await crm.get("/v1/orders/first")).json()["account_id"]

    # An accent may be one character or two; the contact is the same.
    await crm.put("/v1/orders/first", json=ORDER | {"contact": "Ren\u00e9"})
    await partner.linked("Ren\u00e9", lin, 2)
    await partner.linked("Ren\u00e9", None, 3)
    assert await buyer(version=4, contact="Rene\u0301", amount_fen=100) == str(lin)
    await partner.linked("Ren\u00e9", wei, 4)
    assert [await buyer(), await buyer(version=5, contact="Ren\u00e9")] == [str(lin)] * 2
    await partner.linked("C-2", wei, 2)
    assert await buyer(version=6, contact="C-2") == str(wei)
    assert (await told(partner))[-1].data["account_id"] == str(wei)


async def test_a_correction_names_no_erased_buyer_and_nobody_in_their_place(partner: Partner) -> None:
    crm, lin, wei = partner.program("orders:write"), new_id(), new_id()
    await crm.put("/v1/orders/first", json=ORDER)
    await partner.linked("C-1", lin, 2)
    await partner.erased(lin)
    corrected = (await crm.put("/v1/orders/first", json=ORDER | {"version": 4, "amount_fen": 100})).json()["order"]
    assert (corrected["amount_fen"], corrected["contact"], corrected["account_id"]) == (100, None, None)
    await partner.linked("C-1", wei, 3)
    await crm.put("/v1/orders/first", json=ORDER | {"version": 5})
    assert (await crm.get("/v1/orders/first")).json()["account_id"] is None


async def test_refunds_that_waited_in_another_currency_are_shown_until_they_are_corrected(partner: Partner) -> None:
    crm = partner.program("orders:write")

    def standing(answer: dict[str, Any]) -> tuple[Any, ...]:
        order = answer["order"]
        return answer["outcome"], order["refunded_fen"], order["refunds_in_other_currencies"]

    url = "/v1/orders/SO-1"
    early = {"external_id": "RF-2", "amount_fen": 500}
    for refund in (REFUND | {"currency": "USD"}, REFUND | early):
        assert (await crm.post(f"{url}/refunds", json=refund)).json() == {"outcome": "applied", "order": None}
    assert standing((await crm.put(url, json=ORDER)).json()) == ("applied", 500, 1)
    again = await crm.post(f"{url}/refunds", json=REFUND | {"currency": "USD"})
    assert standing(again.json()) == ("repeated", 500, 1)
    [listed] = (await partner.staff.get("/v1/orders")).json()["data"]
    assert listed["refunds_in_other_currencies"] == 1
    corrected = await crm.post(f"{url}/refunds", json=REFUND | {"version": 2})
    assert standing(corrected.json()) == ("applied", 1400, 0)


async def test_a_token_that_outlives_its_client_tells_and_reads_nothing(partner: Partner) -> None:
    crm = partner.program("orders:write", "webhooks:manage")
    made = await crm.post("/v1/endpoints", json={"url": "https://crm.example.com/hooks"})
    keys = f"/v1/endpoints/{made.json()['id']}/secrets"
    assert ((await crm.put("/v1/orders/SO-1", json=ORDER)).status_code, (await crm.get(keys)).status_code) == (200, 200)
    await partner.told(active=False, version=2)
    before = await told(partner)
    answers = [
        await crm.put("/v1/orders/SO-1", json=ORDER | {"version": 4}),
        await crm.post("/v1/orders/SO-1/refunds", json=REFUND),
        await crm.get("/v1/orders/SO-1"),
        await crm.get(keys),
    ]
    assert [(one.status_code, one.json()["type"].rpartition(":")[2]) for one in answers] == [
        (403, "client-withdrawn")
    ] * 4
    assert await told(partner) == before
    assert (await partner.staff.get(keys)).status_code == 200
