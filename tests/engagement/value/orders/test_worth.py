"""A partner's order counts for the piece that it is put down to: from the partner's event through engagement to content's worth."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tests.content.conftest import Place
from tests.engagement.value.orders.told import erased, merged, order

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from content.app import service
from contracts.engagement import OrderEvent
from contracts.members import CommunityRole


@pytest.fixture
async def content(cluster: Cluster) -> AsyncIterator[Kit]:
    async with running_kit(service, cluster) as running:
        yield running


async def test_an_order_counts_where_it_is_put_down(kit: Kit, content: Kit, movable_clock: MovableClock) -> None:
    organization = new_id()
    place = Place(content, organization, await content.community(organization))
    _, editor = await place.member(CommunityRole.EDITOR)
    buyer, other, staff = [(await place.member(staff=works))[0] for works in (False, False, True)]
    pieces = [(await place.post(editor, kind="article"))["id"] for _ in range(2)]
    seen: set[UUID] = set()

    async def orders() -> list[int]:
        """Carry engagement's events over, as the broker would, and count."""
        events = [one for one in await kit.events() if one.aggregate == OrderEvent.aggregate and one.id not in seen]
        seen.update(one.id for one in events)
        await content.deliver(*(one for one in events if one.organization == organization))
        movable_clock.move(minutes=1)
        await content.work()
        found = [(await editor.get(f"{place.path}/posts/{piece}/worth")).json() for piece in pieces]
        return [one["figures"]["orders"] for one in found]

    identifier = new_id()
    said = {"order_id": identifier, "community_id": place.community, "post_id": pieces[0]}
    await kit.deliver(order(organization, 1, account_id=buyer, **said))
    assert await orders() == [1, 0]
    await kit.deliver(order(organization, 2, account_id=staff, **said))
    assert await orders() == [0, 0], "the brand's own people are not moved by a piece"
    await kit.deliver(order(organization, 3, account_id=other, **said | {"post_id": pieces[1]}))
    assert await orders() == [0, 1]
    await kit.deliver(
        order(organization, 4, account_id=other, refund=True, refunded_fen=100, **said | {"post_id": pieces[1]})
    )
    assert await orders() == [0, 1], "in part is not in whole"
    await kit.deliver(
        order(organization, 5, account_id=other, refund=True, cancelled=True, **said | {"post_id": pieces[1]})
    )
    assert await orders() == [0, 0]
    await kit.deliver(order(organization, 6, account_id=other, **said | {"post_id": pieces[1]}))
    await kit.deliver(merged(organization, other, staff))
    assert await orders() == [0, 0], "who is one of the staff in truth"
    await kit.deliver(erased(organization, staff))
    assert await orders() == [0, 1], "an order stays that nobody is known to have placed"
    await kit.deliver(order(organization, 7, account_id=buyer, **said | {"community_id": None, "post_id": None}))
    assert await orders() == [0, 0]
