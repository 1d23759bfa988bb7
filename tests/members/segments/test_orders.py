"""Orders: any order of arrival and any redelivery gives the figures of the newest versions, for whoever bought in truth."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.members.segments.test_segments import pass_time, set_scene
from tests.members.town import Town, found_town

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope
from contracts.members import AccountMerged, ErasureOrdered
from contracts.partners import PartnerOrderRecorded, PartnerOrderRefunded
from members.segments.orders import policy
from members.segments.orders.consumers import consumers
from members.segments.orders.policy import Figures, Order

PLACED = datetime(2026, 2, 20, 9, tzinfo=UTC)
Found = dict[tuple[UUID, UUID], Figures]


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def told(organization: UUID, order: Order, *, refund: bool = False) -> Envelope:
    """An order as a partner tells it."""
    event = (PartnerOrderRefunded if refund else PartnerOrderRecorded)(
        order_id=order.order_id,
        client_id=UUID(int=7),
        source="crm",
        external_id="SO-1",
        account_id=order.account_id,
        community_id=order.community_id,
        placed_at=order.placed_at,
        currency=order.currency,
        amount_fen=order.amount_fen,
        refunded_fen=order.refunded_fen,
        cancelled=order.cancelled,
    )
    return envelope(event, organization, order.order_id, version=order.version, community_id=order.community_id)


def merge(organization: UUID, gone: UUID, living: UUID) -> Envelope:
    return envelope(AccountMerged(account_id=living, merged_account_id=gone), organization, gone, version=2)


def erasure(organization: UUID, account: UUID) -> Envelope:
    event = ErasureOrdered(erasure_id=new_id(), account_id=account)
    return envelope(event, organization, event.erasure_id)


async def figures(kit: Kit, organization: UUID) -> Found:
    rows = await kit.sql("SELECT * FROM member_orders WHERE organization_id = $1", organization)
    return {
        (row["community_id"], row["account_id"]): Figures(
            row["orders"], row["last_order_at"], json.loads(row["totals"])
        )
        for row in rows
    }


versions = st.lists(
    st.fixed_dictionaries(
        {
            "account": st.none() | st.integers(0, 2),
            "community": st.none() | st.integers(0, 1),
            "days": st.integers(0, 3),
            "currency": st.sampled_from(["CNY", "USD"]),
            "amount_fen": st.integers(0, 3),
            "refunded_fen": st.integers(0, 4),
            "cancelled": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


async def test_any_order_of_arrival_and_any_redelivery_gives_the_newest_figures(town: Town) -> None:
    loop = asyncio.get_running_loop()
    people, places = [await town.account(str(n)) for n in range(3)], [new_id(), new_id()]

    async def check(stories: list[list[dict[str, Any]]], seed: int) -> None:
        organization, kit, dice = town.organization, town.kit, random.Random(seed)
        await kit.sql("DELETE FROM order_kept")
        await kit.sql("DELETE FROM member_orders")
        events, newest = [], []
        for story in stories:
            identifier = new_id()
            for version, said in enumerate(story, 1):
                one = dict(said)
                who, where, days = one.pop("account"), one.pop("community"), one.pop("days")
                order = Order(
                    order_id=identifier,
                    version=version,
                    community_id=None if where is None else places[where],
                    account_id=None if who is None else people[who],
                    placed_at=PLACED + timedelta(days=days),
                    **one,
                )
                events.append(told(organization, order, refund=dice.random() < 0.5))
            newest.append(order)
        arriving = dice.sample(events, len(events)) + dice.choices(events, k=dice.randrange(5))
        while arriving:
            size = dice.randint(1, len(arriving))
            await kit.deliver(*arriving[:size])
            arriving = arriving[size:]
        assert await figures(kit, organization) == policy.figures(newest)

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(versions, min_size=1, max_size=4), st.integers(0, 2**32))
    def run(stories: list[list[dict[str, Any]]], seed: int) -> None:
        asyncio.run_coroutine_threadsafe(check(stories, seed), loop).result()

    await asyncio.to_thread(run)


def order(**said: Any) -> Order:
    fixed = {
        "order_id": new_id(),
        "version": 1,
        "community_id": None,
        "account_id": None,
        "placed_at": PLACED,
        "currency": "CNY",
        "amount_fen": 100,
        "refunded_fen": 0,
        "cancelled": False,
    }
    return Order(**(fixed | said))


@pytest.mark.parametrize(
    ("amount", "refunded", "cancelled", "stands", "net"),
    [
        (100, 0, False, True, 100),
        (100, 99, False, True, 1),
        (100, 100, False, False, 0),
        (100, 101, False, False, 0),
        (0, 0, False, True, 0),
        (0, 1, False, False, 0),
        (100, 0, True, False, 0),
    ],
)
def test_what_stands(*, amount: int, refunded: int, cancelled: bool, stands: bool, net: int) -> None:
    one = order(amount_fen=amount, refunded_fen=refunded, cancelled=cancelled)
    assert (one.stands, one.net_fen) == (stands, net)


async def test_a_merge_and_an_erasure_move_figures_and_late_news(town: Town) -> None:
    organization, community = town.organization, new_id()
    stays, goes, erased = [await town.account(name) for name in ("stays", "goes", "erased")]
    mine, yours, theirs = (order(account_id=one, community_id=community) for one in (stays, goes, erased))
    await town.kit.deliver(*(told(organization, one) for one in (mine, yours, theirs)))
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = $2", stays, goes)
    await town.kit.deliver(merge(organization, goes, stays), erasure(organization, erased))
    assert await figures(town.kit, organization) == {(community, stays): Figures(2, PLACED, {"CNY": 200})}
    later = {"version": 2, "community_id": community, "amount_fen": 7}
    await town.kit.deliver(
        told(organization, order(order_id=yours.order_id, account_id=goes, **later)),
        told(organization, order(order_id=theirs.order_id, account_id=erased, **later)),
        told(organization, order(account_id=erased, community_id=community)),
    )
    assert await figures(town.kit, organization) == {(community, stays): Figures(2, PLACED, {"CNY": 107})}
    # Once more from the beginning: whoever was erased stays so.
    await consumers.clear(town.kit.runtime.worker_engine)
    assert await figures(town.kit, organization) == {}
    await town.kit.deliver(*(told(organization, one) for one in (mine, yours, theirs)))
    assert await figures(town.kit, organization) == {(community, stays): Figures(2, PLACED, {"CNY": 200})}


async def waiting(kit: Kit, blocked: int) -> None:
    """Wait until so many sessions wait for another."""
    query = "SELECT count(*) AS number FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    async with asyncio.timeout(10):
        while True:
            [row] = await kit.sql(query)
            if row["number"] >= blocked:
                return


async def test_two_workers_count_one_buyers_orders_together(town: Town) -> None:
    organization, community, buyer = town.organization, new_id(), await town.account("buyer")
    first, second = (told(organization, order(account_id=buyer, community_id=community)) for _ in range(2))
    async with transaction(town.kit.runtime.worker_engine) as session:
        await consumers.take(session, [first])
        other = asyncio.create_task(town.kit.deliver(second))
        await waiting(town.kit, 1)
    assert await other == 1
    assert await figures(town.kit, organization) == {(community, buyer): Figures(2, PLACED, {"CNY": 200})}


async def test_an_order_under_way_while_its_buyer_is_erased_counts_for_nobody(town: Town) -> None:
    organization, community, buyer = town.organization, new_id(), await town.account("buyer")
    async with transaction(town.kit.runtime.worker_engine) as session:
        await consumers.take(session, [told(organization, order(account_id=buyer, community_id=community))])
        erasing = asyncio.create_task(town.kit.deliver(erasure(organization, buyer)))
        await waiting(town.kit, 1)
    await erasing
    assert await figures(town.kit, organization) == {}
    rows = await town.kit.sql("SELECT account_id FROM order_kept WHERE organization_id = $1", organization)
    assert [row["account_id"] for row in rows] == [None]


async def test_segments_follow_orders(kit: Kit, movable_clock: MovableClock) -> None:
    scene = await set_scene(kit)
    scene.clock = movable_clock  # type: ignore[attr-defined]
    organization, community = scene.town.organization, scene.community
    ann, ben = scene.accounts[:2]
    buyers = await scene.save({"field": "orders", "op": ">=", "value": 1})
    large = await scene.save({"field": "order_total_fen", "op": ">", "value": 150})
    lately = await scene.save({"field": "last_order_at", "op": "within_days", "value": 7})
    await pass_time(scene)
    assert await scene.inside(buyers) == set()
    known = {"community_id": community, "placed_at": movable_clock.instant}
    one, other = order(account_id=ann, **known), order(account_id=ann, **known)
    await kit.deliver(told(organization, one), told(organization, other), told(organization, order(account_id=ann)))
    await pass_time(scene)
    assert [await scene.inside(which) for which in (buyers, large, lately)] == [{ann}, {ann}, {ann}]
    moved = order(order_id=other.order_id, version=2, account_id=ben, **known)
    await kit.deliver(told(organization, moved))
    await pass_time(scene)
    assert [await scene.inside(which) for which in (buyers, large, lately)] == [{ann, ben}, set(), {ann, ben}]
    back = order(order_id=one.order_id, version=2, account_id=ann, refunded_fen=100, **known)
    await kit.deliver(told(organization, back, refund=True))
    await pass_time(scene)
    assert await scene.inside(buyers) == {ben}
    await pass_time(scene, days=8)
    assert [await scene.inside(which) for which in (buyers, lately)] == [{ben}, set()]
