"""A partner's order, published by the gateway's user on the broker, seen at the desk, in a segment and in a piece's worth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.engagement.value.orders.told import order
from tests.journeys.callers import Town, found_town
from tests.journeys.test_worth import count, with_roles
from tests.stack_fixture import LiveStack

from contracts.base import Envelope, subject_of


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url)
    yield town
    town.close()


def tell(stack: LiveStack, event: Envelope) -> None:
    """Publish what the gateway would."""
    stack.publish(subject_of(event.type, event.community), event.model_dump_json(exclude_none=True).encode(), "gateway")
    stack.drain()


def test_an_order_is_told_and_given_back(stack: LiveStack, town: Town) -> None:
    editor, analyst, buyer = with_roles(town, "ed", "editor"), with_roles(town, "ana", "analyst"), town.member("lin")
    piece = editor.ask("POST", f"{town.path}/posts", {"kind": "article", "body": "一、读"}, status=201).json()
    filters = {"field": "orders", "op": ">=", "value": 1}
    member = buyer.get(f"{town.path}/memberships/me")
    known = next(one for one in stack.stream("members") if str(one.data.get("membership_id")) == member["id"])
    said = {"account_id": member["account_id"], "community_id": known.community, "post_id": piece["id"]}
    first = order(known.organization, **said)
    tell(stack, first)

    def seen() -> tuple[list[int], int, int]:
        count(stack)
        orders = analyst.get(f"{town.path}/orders")["data"]
        preview = town.owner.ask("POST", f"{town.path}/segments/previews", {"filter": filters}).json()
        worth = analyst.get(f"{town.path}/posts/{piece['id']}/worth")
        return [one["net_fen"] for one in orders], preview["count"], worth["figures"]["orders"]

    assert seen() == ([19900], 1, 1)
    assert analyst.get(f"{town.path}/members/{member['account_id']}/orders")["data"][0]["id"] == str(first.aggregateid)
    tell(stack, order(known.organization, 2, order_id=first.aggregateid, refund=True, refunded_fen=19900, **said))
    assert seen() == ([0], 0, 0)
    assert stack.dead_letters() == []
