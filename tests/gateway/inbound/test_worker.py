"""Receipts in the hands of several workers, of one that dies, and of one that has to give way."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from tests.gateway.inbound.partner import FakeMembers, Partner, apply_all, applying, partner_of
from tests.gateway.servers import serving

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import contact_id_of
from contracts.partners import PartnerOrderRecorded
from gateway.inbound.application import commands
from gateway.inbound.orders import commands as orders

MANY = """
version: 1
items:
  - kind: order
    each: $.orders
    fields:
      external_id: "@.id"
      version: "@.v"
      contact: "@.contact"
      placed_at: {value: "2026-11-22T07:30:00Z"}
      currency: {value: CNY}
      amount_fen: {path: "@.total", as: fen}
"""
PATIENCE = 20


@pytest.fixture
async def partner(kit: Kit) -> Partner:
    return await partner_of(kit)


def many(prefix: str, contacts: list[str]) -> dict[str, Any]:
    return {
        "orders": [
            {"id": f"{prefix}{number:03}", "v": 1, "contact": contact, "total": "5.00"}
            for number, contact in enumerate(contacts)
        ]
    }


async def kept(partner: Partner) -> list[str]:
    rows = await partner.kit.sql("SELECT external_id FROM partner_order WHERE client_id = $1", partner.client_id)
    return sorted(row["external_id"] for row in rows)


async def test_a_receipt_whose_worker_died_is_taken_up_by_another_and_applied_once(partner: Partner, kit: Kit) -> None:
    message = {"order": {"id": "SO-1", "v": 1, "total": "199.00"}, "contact": {"id": "C-1", "v": 5}}
    answer = await partner.send(message)
    engine = kit.runtime.worker_engine
    async with serving(FakeMembers()) as port, applying(kit, f"http://127.0.0.1:{port}") as applier:
        async with transaction(engine) as session:
            claimed = await commands.claim(session)
        assert claimed is not None
        async with transaction(engine, claimed.organization_id) as session:
            remaining = await commands.begin(session, applier._vault, claimed)
        assert remaining is not None
        async with transaction(engine, claimed.organization_id) as session:
            # It got as far as the order, and died before members were called.
            await commands.apply(session, claimed, remaining.client_id, *remaining.items[0])
        assert await applier.apply_one() is False
        await kit.sql("UPDATE inbound_queue SET held_until = now() - interval '1 second'")
        assert await apply_all(applier) == 1
    assert await partner.outcomes(answer) == ["applied", "applied"]
    told = [one for one in await kit.events(PartnerOrderRecorded) if one.organization == partner.organization]
    assert len(told) == 1


async def test_a_message_of_many_orders_holds_none_while_it_waits_for_another(partner: Partner, kit: Kit) -> None:
    await partner.map(MANY)
    contacts = [f"K{number}" for number in range(3)]
    answer = await partner.send(many("A", contacts))
    contact = contact_id_of(partner.client_id, "K2")
    async with applying(kit) as applier:
        async with transaction(kit.runtime.engine, partner.organization) as session:
            # The lock that whoever knows the contact begins with.
            await session.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": f"contact\x1f{contact}"}
            )
            applying_it = asyncio.create_task(applier.apply_one())
            async with asyncio.timeout(PATIENCE):
                while not applying_it.done() and await kept(partner) != ["A000", "A001"]:  # noqa: ASYNC110  the database tells nobody
                    await asyncio.sleep(0.01)
            await orders.know_contact(
                session, partner.organization, partner.client_id, contact_id_of(partner.client_id, "K0"), new_id()
            )
            assert not applying_it.done()
        assert await applying_it
    assert await partner.outcomes(answer) == ["applied"] * 3


async def test_messages_of_the_same_buyers_in_opposite_order_are_applied_at_once(partner: Partner, kit: Kit) -> None:
    await partner.map(MANY)
    contacts = [f"K{number}" for number in range(40)]
    answers = [await partner.send(many("A", contacts)), await partner.send(many("B", contacts[::-1]))]
    async with applying(kit) as one, applying(kit) as two:
        assert await asyncio.gather(one.apply_one(), two.apply_one()) == [True, True]
    for answer in answers:
        assert await partner.outcomes(answer) == ["applied"] * 40


async def test_a_receipt_that_had_to_give_way_is_taken_up_at_once(
    partner: Partner, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await partner.map(MANY)
    answer = await partner.send(many("A", ["K0", "K1"]))
    record, turns = orders.record, iter([True, False])

    async def give_way(*given: Any) -> Any:
        told = await record(*given)
        if not next(turns, True):
            raise asyncpg.DeadlockDetectedError
        return told

    monkeypatch.setattr(orders, "record", give_way)
    async with applying(kit) as applier:
        assert await applier.apply_one()
        assert await partner.outcomes(answer) == ["applied", "waiting"]
        assert await apply_all(applier) == 1
    assert await partner.outcomes(answer) == ["applied", "applied"]
