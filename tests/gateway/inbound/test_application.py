"""Applying messages: each thing once, in the order of its versions, whatever is away meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from tests.gateway.inbound.partner import FakeMembers, Partner, apply_all, applying, partner_of
from tests.gateway.servers import serving

from chassis import clock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.base import Origin
from contracts.partners import PartnerOrderRecorded, PartnerOrderRefunded
from gateway.inbound.application.worker import Applier


@pytest.fixture
async def partner(kit: Kit) -> Partner:
    return await partner_of(kit)


@pytest.fixture
async def members() -> FakeMembers:
    return FakeMembers()


@pytest.fixture
async def applier(kit: Kit, members: FakeMembers) -> AsyncIterator[Applier]:
    async with serving(members) as port, applying(kit, f"http://127.0.0.1:{port}") as one:
        yield one


def order(version: int, total: str = "199.00", **more: Any) -> dict[str, Any]:
    return {"order": {"id": "SO-1", "v": version, "total": total} | more}


def refunds(*ids: str, order_id: str = "SO-1", total: str = "9.90") -> dict[str, Any]:
    return {"refunds": [{"id": one, "order": order_id, "total": total} for one in ids]}


async def told(partner: Partner) -> list[Any]:
    """The events of the partner's orders, oldest first."""
    every = await partner.kit.events(PartnerOrderRecorded, PartnerOrderRefunded)
    return [event for event in every if event.organization == partner.organization]


async def orders(partner: Partner) -> list[dict[str, Any]]:
    read = await partner.staff.get("/v1/orders")
    return list(read.json()["data"])


async def test_versions_count_in_their_order_and_not_in_that_of_arrival(partner: Partner, applier: Applier) -> None:
    answers = [await partner.send(order(version, f"{version}.00")) for version in (2, 1, 2, 3)]
    assert await apply_all(applier) == 4
    assert [await partner.outcomes(answer) for answer in answers] == [["applied"], ["stale"], ["repeated"], ["applied"]]
    assert [(one["amount_fen"], one["order_version"]) for one in await orders(partner)] == [(300, 3)]
    assert [(e.type, e.data["amount_fen"], e.aggregateversion) for e in await told(partner)] == [
        ("partners.order.recorded.v1", 200, 1),
        ("partners.order.recorded.v1", 300, 2),
    ]


async def test_events_tell_when_it_happened_and_are_live(partner: Partner, applier: Applier) -> None:
    await partner.send(order(1) | refunds("RF-1"))
    await apply_all(applier)
    recorded, refunded = await told(partner)
    assert (recorded.origin, recorded.time.isoformat()) == (Origin.LIVE, "2026-11-22T07:30:00+00:00")
    assert (refunded.origin, refunded.time.isoformat()) == (Origin.LIVE, "2026-11-23T07:30:00+00:00")
    assert (refunded.data["refunded_fen"], refunded.data["amount_fen"]) == (990, 19900)


async def test_a_refund_before_its_order_waits_for_it_and_one_told_again_counts_once(
    partner: Partner, applier: Applier
) -> None:
    early = await partner.send(refunds("RF-1", "RF-2"))
    await apply_all(applier)
    assert await partner.outcomes(early) == ["applied", "applied"]
    assert await told(partner) == []
    await partner.send(order(1))
    again = await partner.send(refunds("RF-1"))
    await apply_all(applier)
    assert await partner.outcomes(again) == ["repeated"]
    assert [one["refunded_fen"] for one in await orders(partner)] == [1980]
    assert [e.type for e in await told(partner)] == ["partners.order.recorded.v1", "partners.order.refunded.v1"]


async def test_what_an_order_cannot_take_is_shown_and_the_rest_of_the_message_counts(
    partner: Partner, applier: Applier
) -> None:
    await partner.send(order(1))
    await apply_all(applier)
    other = await partner.send(order(1, "10.00") | refunds("RF-1"))
    await apply_all(applier)
    receipt = await partner.receipt(other)
    assert (receipt["state"], receipt["reason"]) == ("failed", "items-failed")
    assert [(one["state"], one["reason"]) for one in receipt["items"]] == [
        ("failed", "version-reused"),
        ("applied", None),
    ]
    assert [(one["amount_fen"], one["refunded_fen"]) for one in await orders(partner)] == [(19900, 990)]


async def test_an_order_whose_refunds_cannot_count_is_kept_and_says_so(partner: Partner, applier: Applier) -> None:
    await partner.send(refunds("RF-1"))
    await apply_all(applier)
    message = await partner.send({"order": {"id": "SO-1", "v": 1, "total": "199.00", "currency": "USD"}})
    await apply_all(applier)
    receipt = await partner.receipt(message)
    assert (receipt["state"], receipt["reason"]) == ("applied", None)
    assert [(one["state"], one["reason"]) for one in receipt["items"]] == [("applied", "refund-currency-mismatch")]
    assert [(one["amount_fen"], one["refunded_fen"]) for one in await orders(partner)] == [(19900, 0)]


async def test_refunds_never_exceed_the_order_and_cancelling_is_told(partner: Partner, applier: Applier) -> None:
    await partner.send(order(1, "10.00"))
    await partner.send(refunds("RF-1", "RF-2"))
    await partner.send(order(2, "10.00", cancelled=True))
    await apply_all(applier)
    assert [(one["refunded_fen"], one["cancelled"]) for one in await orders(partner)] == [(1000, True)]
    last = (await told(partner))[-1]
    assert (last.type, last.data["cancelled"]) == ("partners.order.refunded.v1", True)


async def test_refund_and_order_at_once_are_added_up(partner: Partner) -> None:
    """Neither sees what the other has not committed; the amounts are right all the same."""
    for number in range(8):
        body = {"order": {"id": f"SO-{number}", "v": 1, "total": "50.00"}}
        await partner.send(body)
        await partner.send(refunds("RF-1", order_id=f"SO-{number}"))
    async with applying(partner.kit) as one, applying(partner.kit) as other:
        assert sum(await asyncio.gather(apply_all(one), apply_all(other))) == 16
    assert {order["refunded_fen"] for order in await orders(partner)} == {990}
    assert len(await orders(partner)) == 8


CONTACT = {"contact": {"id": "C 1%", "v": 5, "name": "林悦"}}


async def test_contacts_go_to_members_and_their_orders_are_put_down_to_them(
    partner: Partner, applier: Applier, members: FakeMembers
) -> None:
    await partner.send(order(1, contact="C 1%"))
    await apply_all(applier)
    assert [one["account_id"] for one in await orders(partner)] == [None]
    answer = await partner.send(CONTACT)
    await apply_all(applier)
    assert await partner.outcomes(answer) == ["applied"]
    assert members.calls == [("/v1/contacts/C%201%25", {"version": 5, "name": "林悦"})]
    [account] = members.accounts.values()
    assert [one["account_id"] for one in await orders(partner)] == [str(account)]
    assert [e.data["account_id"] for e in await told(partner)] == [None, str(account)]
    # Known from now on, without members being asked.
    await partner.send({"order": {"id": "SO-2", "v": 1, "total": "1", "contact": "C 1%"}})
    await apply_all(applier)
    assert {one["account_id"] for one in await orders(partner)} == {str(account)}


async def test_merged_accounts_take_their_orders_along(
    partner: Partner, applier: Applier, members: FakeMembers
) -> None:
    await partner.send(order(1, contact="C 1%") | CONTACT)
    await apply_all(applier)
    [account] = members.accounts.values()
    survivor, last = new_id(), new_id()
    await partner.merged(account, survivor)
    assert [one["account_id"] for one in await orders(partner)] == [str(survivor)]
    assert (await told(partner))[-1].data["account_id"] == str(survivor)
    # Members' answer may have been under way while the accounts became one.
    await partner.merged(survivor, last)
    await partner.send({"contact": {"id": "C 1%", "v": 6}})
    await apply_all(applier)
    assert [one["account_id"] for one in await orders(partner)] == [str(last)]


async def test_an_erased_person_is_nobody_and_no_late_news_brings_them_back(
    partner: Partner, applier: Applier, members: FakeMembers
) -> None:
    await partner.send(order(1, contact="C 1%") | CONTACT)
    await apply_all(applier)
    [account] = members.accounts.values()
    await partner.erased(account)
    [kept] = await orders(partner)
    assert (kept["account_id"], kept["contact"], kept["amount_fen"]) == (None, None, 19900)
    assert (await told(partner))[-1].data["account_id"] is None
    # Whose it was is forgotten, and so no difference.
    again = await partner.send(order(1, contact="C 1%"))
    await apply_all(applier)
    assert await partner.outcomes(again) == ["repeated"]
    await partner.send({"contact": {"id": "C 1%", "v": 6}})
    await partner.send(order(2, contact="C 1%"))
    await apply_all(applier)
    assert [one["account_id"] for one in await orders(partner)] == [None]
    assert not await partner.kit.sql("SELECT FROM partner_contact WHERE organization_id = $1", partner.organization)


async def test_older_contacts_are_stale_without_asking_and_members_compare_what_the_same_version_says(
    partner: Partner, applier: Applier, members: FakeMembers
) -> None:
    answers = [await partner.send({"contact": {"id": "C", "v": version}}) for version in (5, 4, 5)]
    await apply_all(applier)
    assert [await partner.outcomes(answer) for answer in answers] == [["applied"], ["stale"], ["repeated"]]
    assert len(members.calls) == 2
    members.answers = [(409, {"type": "urn:hearth:problem:version-reused"})]
    other = await partner.send({"contact": {"id": "C", "v": 5}})
    await apply_all(applier)
    assert [(one["state"], one["reason"]) for one in (await partner.receipt(other))["items"]] == [
        ("failed", "version-reused")
    ]
    members.answers = [(200, {"outcome": "stale", "version": 9})]
    late = await partner.send({"contact": {"id": "C", "v": 6}})
    await apply_all(applier)
    assert await partner.outcomes(late) == ["stale"]


async def test_what_members_refuse_fails_with_a_reason_and_without_what_it_said(
    partner: Partner, applier: Applier, members: FakeMembers
) -> None:
    problem = {
        "type": "urn:hearth:problem:invalid",
        "detail": "林悦 is no name",
        "errors": [{"pointer": "/phone", "code": "x", "detail": "+86138"}],
    }
    members.answers = [(422, problem)]
    answer = await partner.send(CONTACT)
    await apply_all(applier)
    receipt = await partner.receipt(answer)
    assert (receipt["state"], receipt["reason"], receipt["can"]) == ("failed", "items-failed", ["retry"])
    assert [item["reason"] for item in receipt["items"]] == ["invalid /phone"]
    retried = await partner.staff.post(f"{partner.url}/receipts/{receipt['id']}/retries")
    assert (retried.status_code, retried.json()["state"]) == (202, "waiting")
    await apply_all(applier)
    assert (await partner.receipt(answer))["state"] == "applied"
    assert (await partner.staff.post(f"{partner.url}/receipts/{receipt['id']}/retries")).status_code == 409


async def test_members_away_are_waited_for_and_orders_do_not_wait_with_them(partner: Partner, kit: Kit) -> None:
    moving = clock.MovableClock(clock.now())
    with clock.use(moving):
        answer = await partner.send(order(1, contact="C") | {"contact": {"id": "C", "v": 1}})
        async with applying(kit) as alone:
            assert await apply_all(alone) == 1
            assert sorted(await partner.outcomes(answer)) == ["applied", "waiting"]
            assert await alone.apply_one() is False
        members = FakeMembers()
        members.answers = [(503, {}), (500, {}), (429, {})]
        async with serving(members) as port, applying(kit, f"http://127.0.0.1:{port}") as applier:
            for hours in (1, 1, 1, 1):
                moving.move(hours=hours)
                assert await apply_all(applier) == 1
        assert len(members.calls) == 4
        receipt = await partner.receipt(answer)
        assert (receipt["state"], receipt["tries"]) == ("applied", 5)


async def test_after_three_days_it_is_given_up_and_can_be_tried_again(partner: Partner, kit: Kit) -> None:
    moving = clock.MovableClock(clock.now())
    with clock.use(moving):
        answer = await partner.send(CONTACT)
        async with applying(kit) as alone:
            await apply_all(alone)
            moving.move(hours=71)
            await apply_all(alone)
            assert (await partner.receipt(answer))["state"] == "waiting"
            moving.move(hours=2)
            await apply_all(alone)
        receipt = await partner.receipt(answer)
        assert (receipt["state"], receipt["reason"]) == ("failed", "given-up")
        assert [item["reason"] for item in receipt["items"]] == ["members-unavailable"]
        retried = await partner.staff.post(f"{partner.url}/receipts/{receipt['id']}/retries")
        assert retried.status_code == 202
        async with serving(FakeMembers()) as port, applying(kit, f"http://127.0.0.1:{port}") as applier:
            await apply_all(applier)
        assert (await partner.receipt(answer))["state"] == "applied"


async def test_tags_wait_for_their_contact(partner: Partner, applier: Applier, members: FakeMembers) -> None:
    moving = clock.MovableClock(clock.now())
    with clock.use(moving):
        community = new_id()
        members.answers = [(404, {})]
        answer = await partner.send({"tags": {"contact": "C", "v": 1, "community": str(community), "add": ["vip"]}})
        await apply_all(applier)
        assert [item["reason"] for item in (await partner.receipt(answer))["items"]] == ["contact-unknown"]
        moving.move(minutes=1)
        await apply_all(applier)
        assert await partner.outcomes(answer) == ["applied"]
        assert members.calls[-1] == (f"/v1/contacts/C/tags/{community}", {"version": 1, "add": ["vip"]})


async def test_a_token_is_kept_and_replaced_when_it_is_refused(
    partner: Partner, applier: Applier, members: FakeMembers
) -> None:
    for version in (1, 2):
        await partner.send({"contact": {"id": "C", "v": version}})
    await apply_all(applier)
    assert members.tokens == 1
    members.answers = [(401, {})]
    moving = clock.MovableClock(clock.now())
    with clock.use(moving):
        answer = await partner.send({"contact": {"id": "C", "v": 3}})
        await apply_all(applier)
        moving.move(minutes=1)
        await apply_all(applier)
        assert members.tokens == 2
        assert await partner.outcomes(answer) == ["applied"]


async def test_a_token_that_is_refused_is_waited_for(partner: Partner, applier: Applier, members: FakeMembers) -> None:
    members.refuses = True
    moving = clock.MovableClock(clock.now())
    with clock.use(moving):
        answer = await partner.send(CONTACT)
        await apply_all(applier)
        assert [item["reason"] for item in (await partner.receipt(answer))["items"]] == ["token-refused"]
        members.refuses = False
        moving.move(minutes=1)
        await apply_all(applier)
        assert await partner.outcomes(answer) == ["applied"]


async def test_a_message_that_does_not_fit_fails_whole_and_can_be_read_anew(partner: Partner, applier: Applier) -> None:
    answer = await partner.send({"order": {"id": "SO-1", "v": 1, "total": "1.999"}} | refunds("RF-1"))
    await apply_all(applier)
    receipt = await partner.receipt(answer)
    assert (receipt["state"], receipt["reason"], receipt["items"]) == ("failed", "unmappable", [])
    assert [(f["pointer"], f["code"]) for f in receipt["faults"]] == [("/items/2/fields/amount_fen", "too-fine")]
    mapping = """
version: 1
items:
  - kind: order
    fields:
      external_id: $.order.id
      version: $.order.v
      placed_at: {value: "2026-11-22T07:30:00Z"}
      currency: {value: KWD}
      amount_fen: {path: $.order.total, as: fen}
"""
    await partner.map(mapping)
    assert (await partner.staff.post(f"{partner.url}/receipts/{receipt['id']}/retries")).status_code == 202
    await apply_all(applier)
    receipt = await partner.receipt(answer)
    assert (receipt["state"], receipt["mapping"], receipt["faults"]) == ("applied", 2, [])
    assert [one["amount_fen"] for one in await orders(partner)] == [1999]


async def test_without_a_mapping_messages_are_kept_until_there_is_one(kit: Kit, applier: Applier) -> None:
    await kit.sql("DELETE FROM inbound_queue")
    partner = Partner(kit, new_id(), new_id())
    await partner.told()
    await partner.make_source()
    answer = await partner.send(order(1))
    await apply_all(applier)
    receipt = await partner.receipt(answer)
    assert (receipt["state"], receipt["reason"]) == ("failed", "no-mapping")
    await partner.map()
    await partner.staff.post(f"{partner.url}/receipts/{receipt['id']}/retries")
    await apply_all(applier)
    assert await partner.outcomes(answer) == ["applied"]


async def test_receipts_are_listed_by_state_and_page_by_page(partner: Partner, applier: Applier) -> None:
    for version in (1, 2, 3):
        await partner.send(order(version))
    await partner.send({"order": {}})
    await apply_all(applier)
    first = (await partner.staff.get(f"{partner.url}/receipts?limit=2")).json()
    rest = (await partner.staff.get(f"{partner.url}/receipts?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["state"] for one in first["data"] + rest["data"]] == ["failed", "applied", "applied", "applied"]
    assert rest["next_cursor"] is None
    failed = (await partner.staff.get(f"{partner.url}/receipts?state=failed")).json()["data"]
    assert [one["reason"] for one in failed] == ["unmappable"]
    assert UUID(failed[0]["id"])
    other = partner.kit.staff(new_id())
    assert (await other.get(f"{partner.url}/receipts")).status_code == 404
    assert (await other.get(f"{partner.url}/receipts/{failed[0]['id']}")).status_code == 404
    assert (await other.post(f"{partner.url}/receipts/{failed[0]['id']}/retries")).status_code == 404
