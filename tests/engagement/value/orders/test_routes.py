"""Orders over HTTP: the list, its pages and filters, what they come to, one member's, the file; who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.chassis.workbooks import read_rows
from tests.engagement.value.orders.told import PLACED, order

from chassis import sheets
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.base import Envelope
from contracts.engagement import EngagementExportStarted
from contracts.members import CommunityRole, MembershipState
from engagement.value.orders.sheets import ORDERS


@dataclass
class Shop:
    """A community in which people buy, and its analyst."""

    kit: Kit
    organization: UUID
    community: UUID
    analyst: httpx.AsyncClient
    events: dict[str, Envelope]
    buyers: list[UUID]

    @property
    def url(self) -> str:
        return f"/v1/communities/{self.community}"

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.analyst.get(self.url + path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, path: str = "/orders", **params: Any) -> list[str]:
        """What the list has, page by page."""
        known = {str(event.aggregateid): name for name, event in self.events.items()}
        found, cursor = [], None
        while True:
            page = await self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            found += [known[one["id"]] for one in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


@pytest.fixture
async def shop(kit: Kit) -> Shop:
    organization = new_id()
    community = await kit.community(organization)
    elsewhere = await kit.community(organization)
    analyst = await kit.member(organization, community, roles=[CommunityRole.ANALYST])
    ann, ben = [await kit.member(organization, community) for _ in range(2)]

    def of(days: int, account: UUID | None, place: UUID | None = community, **said: Any) -> Envelope:
        at = PLACED + timedelta(days=days)
        return order(organization, account_id=account, community_id=place, placed_at=at, **said)

    events = {
        "first": of(0, ann),
        "second": of(1, ben, amount_fen=500, refunded_fen=200),
        "same instant": of(1, ann, amount_fen=1000),
        "dollars": of(2, ann, currency="USD", amount_fen=7),
        "cancelled": of(3, ben, cancelled=True),
        "nobody's": of(4, None, amount_fen=0),
        "elsewhere": of(5, ann, elsewhere),
        "nowhere": of(6, ann, None),
    }
    await kit.deliver(*events.values())
    return Shop(kit, organization, community, kit.person(organization, analyst), events, [ann, ben])


LISTED = ["nobody's", "cancelled", "dollars", "same instant", "second", "first"]


async def test_the_list_and_its_pages(shop: Shop) -> None:
    assert await shop.names() == LISTED
    for limit in (1, 2, 5, 6, 7):
        assert await shop.names(limit=limit) == LISTED
    assert await shop.names(account_id=str(shop.buyers[1])) == ["cancelled", "second"]
    assert await shop.names(account_id=str(new_id())) == []
    [second] = [one for one in (await shop.get("/orders"))["data"] if one["amount_fen"] == 500]
    event = shop.events["second"]
    assert second == {
        "id": str(event.aggregateid),
        "account_id": str(shop.buyers[1]),
        "community_id": str(shop.community),
        "post_id": None,
        "client_id": str(UUID(int=7)),
        "source": "crm",
        "external_id": event.data["external_id"],
        "placed_at": "2026-11-03T16:30:00Z",
        "currency": "CNY",
        "amount_fen": 500,
        "reversed_fen": 200,
        "net_fen": 300,
        "cancelled": False,
        "version": 2,
    }


async def test_days_are_the_communitys(shop: Shop) -> None:
    # 16:30 in London is half past midnight in Shanghai.
    assert await shop.names(until="2026-11-02") == []
    assert await shop.names(until="2026-11-03") == ["first"]
    assert await shop.names(since="2026-11-04", until="2026-11-04") == ["same instant", "second"]
    assert await shop.names(since="2026-11-06") == ["nobody's", "cancelled"]
    assert await shop.names(since="2026-11-04", account_id=str(shop.buyers[0]), limit=1) == ["dollars", "same instant"]


async def test_totals(shop: Shop) -> None:
    dollars = {
        "currency": "USD",
        "orders": 1,
        "standing": 1,
        "buyers": 1,
        "amount_fen": 7,
        "reversed_fen": 0,
        "net_fen": 7,
    }
    assert (await shop.get("/orders/totals"))["data"] == [
        {
            "currency": "CNY",
            "orders": 5,
            "standing": 4,
            "buyers": 2,
            "amount_fen": 19900 + 500 + 1000 + 19900,
            "reversed_fen": 200 + 19900,
            "net_fen": 19900 + 300 + 1000,
        },
        dollars,
    ]
    found = await shop.get("/orders/totals", since="2026-11-05", account_id=str(shop.buyers[0]))
    assert found == {"data": [dollars]}
    assert await shop.get("/orders/totals", until="2000-01-01") == {"data": []}
    huge = order(shop.organization, community_id=shop.community, amount_fen=2**63 - 1, currency="JPY")
    twin = order(shop.organization, community_id=shop.community, amount_fen=2**63 - 1, currency="JPY")
    await shop.kit.deliver(huge, twin)
    assert [one["net_fen"] for one in (await shop.get("/orders/totals"))["data"]] == [21200, 2**64 - 2, 7]


async def test_one_members_orders(shop: Shop) -> None:
    path = f"/members/{shop.buyers[0]}/orders"
    assert await shop.names(path, limit=2) == ["dollars", "same instant", "first"]
    gone = await shop.kit.member(shop.organization, shop.community, state=MembershipState.LEFT)
    assert await shop.names(f"/members/{gone}/orders") == []
    answer = await shop.analyst.get(f"{shop.url}/members/{new_id()}/orders")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such member.")


async def test_the_file_is_the_list(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    known = {str(event.aggregateid): name for name, event in shop.events.items()}

    async def rows(**params: Any) -> list[list[Any]]:
        answer = await shop.analyst.get(f"{shop.url}/orders/export.xlsx", params=params)
        assert answer.status_code == 200, answer.text
        header, *found = read_rows(answer.content)
        assert header == sheets.header(ORDERS, "Asia/Shanghai", "en")
        return [list(one) for one in found]

    every = await rows()
    assert sorted(known[row[0]] for row in every) == sorted(LISTED)
    assert [row[1] for row in every] == sorted(row[1] for row in every)
    assert every[0][1:4] == [datetime(2026, 11, 3, 0, 30), "crm", shop.events["first"].data["external_id"]]  # noqa: DTZ001  cells know no zone
    assert every[0][7:] == ["CNY", 19900, 0, 19900, False]
    filters = {"since": "2026-11-04", "until": "2026-11-06", "account_id": str(shop.buyers[0])}
    assert sorted(known[row[0]] for row in await rows(**filters)) == sorted(await shop.names(**filters))
    assert len(await rows(**filters)) == 2
    told = [one for one in await shop.kit.events(EngagementExportStarted) if one.organization == shop.organization]
    assert [(one.data["list_name"], one.data["rows"]) for one in told] == [("orders", 6), ("orders", 2), ("orders", 2)]


PATHS = ("/orders", "/orders/totals", "/orders/export.xlsx", "/members/{account}/orders")


@pytest.mark.parametrize("path", PATHS)
async def test_who_may_see_them(shop: Shop, path: str) -> None:
    url = shop.url + path.format(account=shop.buyers[0])
    kit, organization = shop.kit, shop.organization
    people = {
        role: kit.person(organization, await kit.member(organization, shop.community, roles=[role] if role else []))
        for role in (None, *CommunityRole)
    }
    for client, status in (
        (people[CommunityRole.MANAGER], 200),
        (people[CommunityRole.ANALYST], 200),
        (kit.staff(organization), 200),
        (people[CommunityRole.MODERATOR], 403),
        (people[CommunityRole.EDITOR], 403),
        (people[None], 403),
        (kit.person(organization, shop.buyers[0]), 403),
        (kit.person(organization), 403),
        (kit.partner(organization, "orders:write"), 403),
        (kit.staff(new_id()), 404),
        (kit.person(new_id()), 404),
        (kit.client(), 401),
    ):
        answer = await client.get(url)
        assert answer.status_code == status, answer.text
        if status != 200:
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", PATHS[:3])
@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"since": "2026-02-30"}, "/query/since"),
        ({"until": "9999-12-31"}, "/query/until"),
        ({"since": "0001-01-01"}, "/query/since"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "/query/until"),
        ({"account_id": "\0"}, "/query/account_id"),
    ],
)
async def test_what_cannot_be_asked(shop: Shop, path: str, params: dict[str, str], pointer: str) -> None:
    answer = await shop.analyst.get(shop.url + path, params=params)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_cursors_are_of_one_list(shop: Shop) -> None:
    cursor = (await shop.get("/orders", limit=1))["next_cursor"]
    for params in ({"account_id": str(shop.buyers[0])}, {"since": "2026-01-01"}):
        answer = await shop.analyst.get(f"{shop.url}/orders", params={"cursor": cursor, **params})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "cursor-invalid"
    answer = await shop.analyst.get(f"{shop.url}/members/{shop.buyers[0]}/orders", params={"cursor": cursor})
    assert answer.status_code == 422


async def test_orders_move_between_communities(shop: Shop) -> None:
    event = shop.events["elsewhere"]
    said = {**event.data, "community_id": shop.community, "placed_at": PLACED - timedelta(days=1)}
    await shop.kit.deliver(order(shop.organization, 2, **said))
    assert await shop.names() == [*LISTED, "elsewhere"]
    said["community_id"] = None
    await shop.kit.deliver(order(shop.organization, 3, **said))
    assert await shop.names() == LISTED
