"""Orders that are told while their buyer becomes somebody else: neither is lost, and neither waits for the other in a circle."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.gateway.inbound.partner import Partner, partner_of

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import contact_id_of
from gateway.inbound.orders import commands
from gateway.inbound.orders.policy import OrderName, OrderNews

WAITING = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
PATIENCE = 20


@pytest.fixture
async def partner(kit: Kit) -> Partner:
    return await partner_of(kit)


def _news(version: int) -> OrderNews:
    return OrderNews(version, datetime(2026, 11, 22, tzinfo=UTC), "CNY", 19900, "C-1")


async def _known(partner: Partner) -> tuple[OrderName, UUID]:
    """Know who the buyer is; return the name of an order and the buyer's account."""
    account = new_id()
    contact = contact_id_of(partner.client_id, "C-1")
    async with transaction(partner.kit.runtime.engine, partner.organization) as session:
        await commands.know_contact(session, partner.organization, partner.client_id, contact, account)
    return OrderName(partner.client_id, "crm", "SO-1"), account


async def _waits(kit: Kit, other: asyncio.Task[None]) -> None:
    """Wait until the other transaction waits for ours, or did not need to."""
    async with asyncio.timeout(PATIENCE):
        while not other.done() and not (await kit.sql(WAITING))[0][0]:  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("erased", [False, True])
async def test_an_order_that_is_told_during_a_merge_or_an_erasure_is_heeded_by_it(
    partner: Partner, *, erased: bool
) -> None:
    kit = partner.kit
    name, account = await _known(partner)
    survivor = new_id()

    async def change() -> None:
        async with transaction(kit.runtime.engine, partner.organization) as session:
            if erased:
                await commands.erase_account(session, partner.organization, account)
            else:
                await commands.merge_accounts(session, partner.organization, account, survivor)

    async with transaction(kit.runtime.engine, partner.organization) as session:
        await commands.record(session, partner.organization, name, _news(1))
        changing = asyncio.create_task(change())
        await _waits(kit, changing)
    await changing
    (order,) = await kit.sql("SELECT account_id FROM partner_order WHERE client_id = $1", partner.client_id)
    assert order["account_id"] == (None if erased else survivor)


async def test_an_order_that_waits_for_its_contact_holds_nothing_that_others_need(partner: Partner) -> None:
    kit = partner.kit
    name, _ = await _known(partner)
    contact = contact_id_of(partner.client_id, "C-1")

    async def tell(version: int) -> None:
        async with transaction(kit.runtime.engine, partner.organization) as session:
            await commands.record(session, partner.organization, name, _news(version))

    await tell(1)
    somebody = new_id()
    async with transaction(kit.runtime.engine, partner.organization) as session:
        # The lock that `know_contact` begins with, taken a moment before the order comes.
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": f"contact\x1f{contact}"}
        )
        telling = asyncio.create_task(tell(2))
        await _waits(kit, telling)
        assert not telling.done()
        await commands.know_contact(session, partner.organization, partner.client_id, contact, somebody)
    await telling
    (order,) = await kit.sql("SELECT account_id, order_version FROM partner_order WHERE client_id = $1", name.client_id)
    assert (order["account_id"], order["order_version"]) == (somebody, 2)


async def test_a_merge_that_is_heard_after_the_erasure_of_who_lives_on_names_nobody(partner: Partner) -> None:
    crm, wei, lin = partner.program("orders:write"), new_id(), new_id()
    body = {"version": 1, "contact": "C-1", "placed_at": "2026-11-22T07:30:00Z", "currency": "CNY", "amount_fen": 19900}
    await partner.linked("C-1", wei, 2)
    await crm.put("/v1/orders/before", json=body)
    await partner.erased(lin)
    await partner.merged(wei, lin)
    # What was linked before the merge may be heard of after it.
    await partner.linked("C-2", wei, 1)
    await crm.put("/v1/orders/after", json=body)
    await crm.put("/v1/orders/late", json=body | {"contact": "C-2"})
    for name in ("before", "after", "late"):
        assert (await crm.get(f"/v1/orders/{name}")).json()["account_id"] is None, name
    assert [
        row["survivor_id"] for row in await partner.kit.sql("SELECT * FROM partner_gone WHERE account_id = $1", wei)
    ] == [None]


async def test_a_merge_waits_for_the_erasure_of_who_lives_on(partner: Partner) -> None:
    kit = partner.kit
    name, account = await _known(partner)
    survivor = new_id()
    async with transaction(kit.runtime.engine, partner.organization) as session:
        await commands.record(session, partner.organization, name, _news(1))

    async def merge() -> None:
        async with transaction(kit.runtime.engine, partner.organization) as session:
            await commands.merge_accounts(session, partner.organization, account, survivor)

    async with transaction(kit.runtime.engine, partner.organization) as session:
        await commands.erase_account(session, partner.organization, survivor)
        merging = asyncio.create_task(merge())
        await _waits(kit, merging)
    await merging
    (order,) = await kit.sql("SELECT account_id FROM partner_order WHERE client_id = $1", partner.client_id)
    assert order["account_id"] is None
