"""What doors and channels brought: looks, moments of value and orders, whatever the order in which these are told."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chassis.workbooks import read_rows
from tests.members.screening.scene import AUTOMATIC, applicant, apply, screening, url
from tests.members.screening.test_links import link
from tests.members.town import Town, found_town

from chassis import clock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.inbox import Received
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope
from contracts.engagement import OrderEvent, OrderRecorded, OrderReversed
from contracts.members import AccountMerged, ValueMomentReached
from members.screening.figures import commands
from members.screening.sheets import ENTRY_LINKS


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def moment(town: Town, community: dict[str, Any], account: UUID, moment_id: UUID | None = None) -> Envelope:
    identifier, place = moment_id or new_id(), UUID(community["id"])
    event = ValueMomentReached(
        value_moment_id=identifier,
        membership_id=new_id(),
        community_id=place,
        account_id=account,
        definition_id=new_id(),
        definition_version=1,
    )
    return envelope(event, town.organization, identifier, community_id=place)


def order(
    town: Town,
    community: dict[str, Any] | None,
    account: UUID | None,
    amount: int,
    *,
    order_id: UUID | None = None,
    version: int = 1,
    back: int = 0,
    cancelled: bool = False,
    currency: str = "CNY",
) -> Envelope:
    identifier = order_id or new_id()
    place = UUID(community["id"]) if community else None
    event: OrderEvent = (OrderReversed if back or cancelled else OrderRecorded)(
        order_id=identifier,
        account_id=account,
        community_id=place,
        source="crm",
        external_id=f"SO-{identifier}",
        placed_at=clock.now(),
        currency=currency,
        amount_fen=amount,
        reversed_fen=back,
        cancelled=cancelled,
    )
    return envelope(event, town.organization, identifier, version=version, community_id=place)


async def figures(town: Town, community: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    answer = await town.owner.get(url(community, f"/entry-links/{made['id']}/figures"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def cny(orders: int, buyers: int, amount: int) -> dict[str, Any]:
    return {"currency": "CNY", "orders": orders, "buyers": buyers, "amount_fen": amount}


async def test_looks_are_counted_and_misses_are_not(town: Town) -> None:
    community = await screening(town)
    made = await link(town, community)
    for _ in range(3):
        assert (await town.kit.client().get(made["path"])).status_code == 200
    assert (await town.kit.client().get("/v1/entry-links/" + "A" * 22)).status_code == 404
    assert (await figures(town, community, made))["opens"] == 3


async def test_moments_and_orders_count_once_and_what_is_reversed_counts_down(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    made = await link(town, community)
    _, _, rain = await applicant(town, community, link_token=made["token"])
    _, _, snow = await applicant(town, community, link_token=made["token"])
    _, _, nobody = await applicant(town, community)
    known = moment(town, community, rain)
    first, second, third = new_id(), new_id(), new_id()
    told = [
        known,
        known,
        moment(town, community, rain),
        moment(town, community, nobody),
        order(town, community, rain, 19_900, order_id=first),
        order(town, community, rain, 5_000, order_id=second),
        order(town, community, snow, 100, order_id=third, currency="USD"),
        order(town, community, nobody, 777),
        order(town, None, rain, 888),
        order(town, community, None, 999),
    ]
    await town.kit.deliver(*told)
    assert await town.kit.deliver(*told) == 0
    found = await figures(town, community, made)
    assert found["value_reached"] == 1
    usd = {"currency": "USD", "orders": 1, "buyers": 1, "amount_fen": 100}
    assert found["orders"] == [cny(2, 1, 24_900), usd]
    await town.kit.deliver(
        order(town, community, rain, 19_900, order_id=first, version=2, back=900),
        order(town, community, rain, 5_000, order_id=second, version=2, cancelled=True),
        order(town, community, snow, 100, order_id=third, version=2, back=100, currency="USD"),
    )
    # Told late, an older version takes nothing back.
    await town.kit.deliver(order(town, community, rain, 5_000, order_id=second))
    assert (await figures(town, community, made))["orders"] == [cny(1, 1, 19_000)]


async def test_who_came_through_two_doors_counts_for_the_last(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    old, new = await link(town, community), await link(town, community, channel="booth")
    _, client, account = await applicant(town, community, link_token=old["token"])
    own = (await client.get(url(community, "/memberships/me"))).json()
    left = await client.post(
        url(community, f"/memberships/{own['id']}/leave"), headers={"If-Match": f'"{own["version"]}"'}
    )
    assert left.status_code == 200, left.text
    await apply(client, community, link_token=new["token"])
    await town.kit.deliver(moment(town, community, account), order(town, community, account, 300))
    before, after = await figures(town, community, old), await figures(town, community, new)
    assert (before["joins"], before["value_reached"], before["orders"]) == (1, 0, [])
    assert (after["joins"], after["value_reached"], after["orders"]) == (1, 1, [cny(1, 1, 300)])


async def test_channels_are_compared(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    first, second = await link(town, community), await link(town, community)
    booth = await link(town, community, channel="booth")
    _, _, rain = await applicant(town, community, link_token=first["token"])
    _, _, snow = await applicant(town, community, link_token=second["token"])
    await town.kit.client().get(booth["path"])
    await town.kit.deliver(
        moment(town, community, rain),
        order(town, community, rain, 100),
        order(town, community, snow, 200),
    )
    listed = url(community, "/entry-links/channels")
    page = (await town.owner.get(listed, params={"limit": 1})).json()
    rest = (await town.owner.get(listed, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert rest["next_cursor"] is None
    told = {
        one["channel"]: (one["links"], one["opens"], one["joins"], one["value_reached"], one["orders"])
        for one in [*page["data"], *rest["data"]]
    }
    assert told == {"article": (2, 0, 2, 1, [cny(2, 2, 300)]), "booth": (1, 1, 0, 0, [])}
    other = await screening(town)
    assert (await town.owner.get(url(other, "/entry-links/channels"))).json()["data"] == []


async def test_a_merged_account_leaves_what_it_brought_to_the_living_one(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    made = await link(town, community)
    _, _, living = await applicant(town, community, link_token=made["token"])
    gone = await town.account()
    await town.kit.deliver(moment(town, community, gone), order(town, community, gone, 100))
    assert (await figures(town, community, made))["orders"] == []
    await town.kit.sql("UPDATE account SET merged_into = $2 WHERE id = $1", gone, living)
    merge = AccountMerged(account_id=living, merged_account_id=gone)
    await town.kit.deliver(envelope(merge, town.organization, living, version=2))
    # What is told of the merged account later is the living one's too.
    await town.kit.deliver(order(town, community, gone, 200))
    found = await figures(town, community, made)
    assert (found["value_reached"], found["orders"]) == (1, [cny(2, 1, 300)])


async def test_a_backfill_starts_from_nothing(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    made = await link(town, community)
    _, _, account = await applicant(town, community, link_token=made["token"])
    told = [moment(town, community, account), order(town, community, account, 100)]
    await town.kit.deliver(*told)
    before = await figures(town, community, made)
    await town.kit.runtime.consumers["entry_figures"].clear(town.kit.runtime.worker_engine)
    assert (await figures(town, community, made))["orders"] == []
    assert await town.kit.deliver(*told) == 2
    assert await figures(town, community, made) == before


VERSIONS = st.permutations(range(1, 6)).flatmap(
    lambda versions: st.tuples(st.just(versions), st.lists(st.integers(0, 4), max_size=3))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(versions=VERSIONS)
async def test_an_order_stands_as_its_newest_version_says_in_any_order(
    kit: Kit, versions: tuple[list[int], list[int]]
) -> None:
    arrival, cuts = versions
    town = Town(kit, new_id(), new_id())
    identifier, buyer = new_id(), new_id()
    events = [
        order(town, None, buyer, 100 * n, order_id=identifier, version=n, back=n, cancelled=n == 3) for n in arrival
    ]
    batches = [events[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 5], strict=True)]
    async with transaction(kit.runtime.worker_engine, town.organization) as session:
        for batch in batches:
            received = [Received(OrderReversed.read(one.data), one) for one in batch]
            await commands.note_orders(session, received)
    rows = await kit.sql(
        "SELECT amount_fen, reversed_fen, cancelled, version FROM entry_order WHERE order_id = $1", identifier
    )
    assert [tuple(row) for row in rows] == [(500, 5, False, 5)]


async def test_the_file_of_doors_has_the_figures_of_each(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    first, second, empty = [await link(town, community) for _ in range(3)]
    _, _, rain = await applicant(town, community, link_token=first["token"])
    _, _, snow = await applicant(town, community, link_token=first["token"])
    _, _, hail = await applicant(town, community, link_token=second["token"])
    await town.kit.client().get(first["path"])
    await town.kit.deliver(
        moment(town, community, rain),
        moment(town, community, snow),
        order(town, community, rain, 19_900),
        order(town, community, snow, 5_000, back=1_000),
        order(town, community, snow, 100, currency="USD"),
        order(town, community, hail, 300, cancelled=True),
    )
    await town.kit.sql(
        "UPDATE application SET decided_at = decided_at - interval '10 days' WHERE account_id = ANY($1)", [rain, hail]
    )
    await town.kit.sql(
        "UPDATE membership SET state = 'left', ended_at = now() - interval '9 days' WHERE account_id = $1", hail
    )
    answer = await town.owner.get(url(community, "/exports/entry-links.xlsx"))
    assert answer.status_code == 200, answer.text
    header, *rows = read_rows(answer.content)
    names = [column.name for column in ENTRY_LINKS.columns]
    assert len(header) == len(names)
    listed = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert listed.keys() == {one["id"] for one in (first, second, empty)}
    for one in (first, second, empty):
        found, row = await figures(town, community, one), listed[one["id"]]
        for name in ("opens", "applications", "joins", "members", "active", "value_reached"):
            assert row[name] == found[name], (name, row)
        for period in found["still_here"]:
            assert {name: row[f"{name}_{period['days']}"] for name in ("joined", "here", "active")} == {
                name: period[name] for name in ("joined", "here", "active")
            }
        assert row["orders"] == sum(each["orders"] for each in found["orders"])
        assert (row["buyers"] or "") == "; ".join(f"{each['currency']} {each['buyers']}" for each in found["orders"])
        assert (row["amounts"] or "") == "; ".join(
            f"{each['currency']} {each['amount_fen']}" for each in found["orders"]
        )
    told = listed[first["id"]]
    assert (told["value_reached"], told["orders"], told["amounts"]) == (2, 3, "CNY 23900; USD 100")
    assert (told["joined_7"], told["here_7"], listed[second["id"]]["joined_7"], listed[second["id"]]["here_7"]) == (
        1,
        1,
        1,
        0,
    )
    assert (listed[empty["id"]]["joined_7"], listed[empty["id"]]["orders"], listed[empty["id"]]["amounts"]) == (
        0,
        0,
        None,
    )
