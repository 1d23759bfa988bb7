"""Orders from partners' events: the newest version of each is what is known, and what changes is told once."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engagement.value.orders.told import PLACED, erased, merged, order

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.base import Envelope, Origin
from contracts.engagement import OrderEvent, OrderRecorded, OrderReversed
from engagement.value.orders.consumers import consumers


async def kept(kit: Kit, organization: UUID) -> dict[UUID, dict[str, Any]]:
    rows = await kit.sql("SELECT * FROM customer_order WHERE organization_id = $1", organization)
    return {row["order_id"]: dict(row) for row in rows}


async def told(kit: Kit, organization: UUID) -> list[Envelope]:
    return [one for one in await kit.events(OrderRecorded, OrderReversed) if one.organization == organization]


async def test_an_order_is_kept_and_told(kit: Kit) -> None:
    organization, buyer, community, post = (new_id() for _ in range(4))
    said = {"account_id": buyer, "community_id": community, "post_id": post}
    first = order(organization, origin=Origin.IMPORT, **said)
    await kit.deliver(first, first)
    [row] = (await kept(kit, organization)).values()
    assert (row["account_id"], row["amount_fen"], row["reversed_fen"], row["told_version"], row["version"]) == (
        buyer, 19900, 0, 1, 1,
    )  # fmt: skip
    identifier = row["order_id"]
    [event] = await told(kit, organization)
    assert (event.type, event.aggregateid, event.aggregateversion) == (OrderRecorded.type, identifier, 1)
    assert (event.time, event.origin, event.community) == (PLACED, Origin.IMPORT, community)
    assert OrderRecorded.read(event.data) == OrderRecorded(
        order_id=identifier,
        account_id=buyer,
        community_id=community,
        source="crm",
        external_id=row["external_id"],
        placed_at=PLACED,
        currency="CNY",
        amount_fen=19900,
        reversed_fen=0,
        cancelled=False,
        post_id=post,
    )
    # A refund beyond what was paid gives all of it back, and what says nothing new is not told.
    await kit.deliver(order(organization, 2, order_id=identifier, refund=True, refunded_fen=99999, **said))
    await kit.deliver(order(organization, 3, order_id=identifier, refunded_fen=19900, **said))
    await kit.deliver(order(organization, 5, order_id=identifier, cancelled=True, refund=True, **said))
    await kit.deliver(order(organization, 4, order_id=identifier, amount_fen=1))
    events = await told(kit, organization)
    assert [
        (one.type, one.aggregateversion, one.data["reversed_fen"], one.data["cancelled"]) for one in events[1:]
    ] == [
        (OrderReversed.type, 2, 19900, False),
        (OrderReversed.type, 3, 19900, True),
    ]
    [row] = (await kept(kit, organization)).values()
    assert (row["told_version"], row["version"], row["amount_fen"]) == (5, 3, 19900)


async def test_what_was_ordered_and_what_came_back_are_both_told_though_they_come_at_once(kit: Kit) -> None:
    organization, identifier = new_id(), new_id()
    said = {"order_id": identifier, "account_id": new_id(), "community_id": new_id()}
    await kit.deliver(order(organization, 1, **said), order(organization, 2, refund=True, refunded_fen=900, **said))
    await kit.deliver(
        order(organization, 3, refund=True, refunded_fen=1900, **said),
        order(organization, 4, refunded_fen=1900, amount_fen=20000, **said),
    )
    assert [
        (one.type, one.aggregateversion, one.data["amount_fen"], one.data["reversed_fen"])
        for one in await told(kit, organization)
    ] == [
        (OrderRecorded.type, 1, 19900, 0),
        (OrderReversed.type, 2, 19900, 900),
        (OrderRecorded.type, 3, 20000, 900),
        (OrderReversed.type, 4, 20000, 1900),
    ]


async def test_an_order_that_stands_again_is_told_so_before_what_came_back_of_it(kit: Kit) -> None:
    organization, identifier = new_id(), new_id()
    await kit.deliver(order(organization, 1, order_id=identifier, cancelled=True, amount_fen=1000))
    await kit.deliver(order(organization, 2, order_id=identifier, amount_fen=5000, refunded_fen=3000))
    assert [
        (one.type, one.data["amount_fen"], one.data["reversed_fen"], one.data["cancelled"])
        for one in await told(kit, organization)
    ] == [
        (OrderRecorded.type, 1000, 0, False),
        (OrderReversed.type, 1000, 1000, True),
        (OrderRecorded.type, 5000, 1000, False),
        (OrderReversed.type, 5000, 3000, False),
    ]


PEOPLE, PLACES = 4, 2
versions = st.lists(
    st.fixed_dictionaries(
        {
            "account": st.none() | st.integers(0, PEOPLE - 1),
            "community": st.none() | st.integers(0, PLACES - 1),
            "amount": st.integers(0, 3),
            "refunded": st.integers(0, 4),
            "cancelled": st.booleans(),
            "refund": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)
# Who goes: merged into the next, so that there is always somebody in the end, or erased.
partings = st.lists(st.tuples(st.integers(0, PEOPLE - 2), st.booleans()), max_size=3)


async def test_any_order_of_arrival_and_any_redelivery_ends_the_same(kit: Kit) -> None:
    loop = asyncio.get_running_loop()

    async def check(orders: list[list[dict[str, Any]]], gone: list[tuple[int, bool]], seed: int) -> None:
        organization = new_id()
        people, places = [new_id() for _ in range(PEOPLE)], [new_id() for _ in range(PLACES)]
        events, newest = [], {}
        for story in orders:
            identifier = new_id()
            for version, one in enumerate(story, 1):
                event = order(
                    organization,
                    version,
                    order_id=identifier,
                    refund=one["refund"],
                    account_id=None if one["account"] is None else people[one["account"]],
                    community_id=None if one["community"] is None else places[one["community"]],
                    amount_fen=one["amount"],
                    refunded_fen=one["refunded"],
                    cancelled=one["cancelled"],
                )
                events.append(event)
            newest[identifier] = story[-1]
        once = dict(gone)
        events += [
            merged(organization, people[who], people[who + 1]) if merges else erased(organization, people[who])
            for who, merges in once.items()
        ]
        dice = random.Random(seed)
        arriving = dice.sample(events, len(events)) + dice.choices(events, k=dice.randrange(5))
        while arriving:
            size = dice.randint(1, len(arriving))
            await kit.deliver(*arriving[:size])
            arriving = arriving[size:]

        def living(who: int | None) -> UUID | None:
            while who is not None and who in once:
                who = who + 1 if once[who] else None
            return None if who is None else people[who]

        found = await kept(kit, organization)
        assert found.keys() == newest.keys()
        events_by_order: dict[UUID, list[Envelope]] = {identifier: [] for identifier in newest}
        for event in await told(kit, organization):
            events_by_order[event.aggregateid].append(event)
        for identifier, last in newest.items():
            row = found[identifier]
            place = None if last["community"] is None else places[last["community"]]
            back = last["amount"] if last["cancelled"] else min(last["refunded"], last["amount"])
            assert (row["account_id"], row["community_id"], row["amount_fen"], row["reversed_fen"], row["cancelled"]) == (
                living(last["account"]), place, last["amount"], back, last["cancelled"],
            )  # fmt: skip
            said = events_by_order[identifier]
            assert sorted(one.aggregateversion for one in said) == list(range(1, row["version"] + 1))
            final = max(said, key=lambda one: one.aggregateversion)
            assert OrderEvent.read(final.data) == OrderEvent(**{name: row[name] for name in OrderEvent.model_fields})

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(versions, min_size=1, max_size=3), partings, st.integers(0, 2**32))
    def run(orders: list[list[dict[str, Any]]], gone: list[tuple[int, bool]], seed: int) -> None:
        asyncio.run_coroutine_threadsafe(check(orders, gone, seed), loop).result()

    await asyncio.to_thread(run)


async def waits_for_orders(kit: Kit) -> bool:
    rows = await kit.sql("SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return bool(rows[0]["waiting"])


@pytest.mark.parametrize("parting", ["merged", "erased"])
async def test_an_order_under_way_while_its_buyer_goes_is_not_kept_for_them(kit: Kit, parting: str) -> None:
    organization, buyer, living = new_id(), new_id(), new_id()
    event = merged(organization, buyer, living) if parting == "merged" else erased(organization, buyer)
    async with transaction(kit.runtime.worker_engine) as session:
        await consumers.take(session, [order(organization, account_id=buyer)])
        going = asyncio.create_task(kit.deliver(event))
        async with asyncio.timeout(10):
            while not await waits_for_orders(kit):
                assert not going.done(), "it did not wait"
    await going
    [row] = (await kept(kit, organization)).values()
    assert row["account_id"] == (living if parting == "merged" else None)
    assert [one.data["account_id"] for one in await told(kit, organization)] == [
        str(buyer),
        str(living) if parting == "merged" else None,
    ]


async def test_a_backfill_adds_what_is_missing_and_tells_nothing_else(kit: Kit) -> None:
    organization, buyer, gone = new_id(), new_id(), new_id()
    identifier = new_id()
    events = [
        order(organization, 1, order_id=identifier, account_id=gone),
        order(organization, 2, order_id=identifier, account_id=buyer),
        order(organization, account_id=gone),
        erased(organization, gone),
    ]
    await kit.deliver(*events)
    before, said = await kept(kit, organization), await told(kit, organization)
    missing = order(organization)
    await consumers.clear(kit.runtime.worker_engine)
    for event in (*events, missing):
        assert await kit.deliver(event) == 1, "the inbox was emptied"
    after = await kept(kit, organization)
    assert {key: row for key, row in after.items() if key in before} == before
    assert len(after) == len(before) + 1
    assert [one.aggregateid for one in (await told(kit, organization))[len(said) :]] == [missing.aggregateid]


async def test_nobody_is_given_anothers_orders(kit: Kit) -> None:
    """Ids are ours and unique; a tenant that names another's order or account gets nowhere."""
    organization, stranger, buyer = new_id(), new_id(), new_id()
    first = order(organization, account_id=buyer)
    await kit.deliver(first)
    await kit.deliver(merged(stranger, buyer, new_id()), erased(stranger, buyer))
    with pytest.raises(Exception, match="row-level security") as refused:
        await kit.deliver(order(stranger, 2, order_id=first.aggregateid, amount_fen=1))
    assert isinstance(refused.value.__cause__.__cause__, asyncpg.InsufficientPrivilegeError)  # type: ignore[union-attr]
    [row] = (await kept(kit, organization)).values()
    assert (row["account_id"], row["amount_fen"]) == (buyer, 19900)
