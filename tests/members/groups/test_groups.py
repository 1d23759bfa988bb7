"""Groups: made, filled by many at once, overflowing into the next, left, and ended with the membership."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import (
    MEMBERSHIP_EVENTS,
    AccountMerged,
    CardChanged,
    GroupCreated,
    GroupMemberJoined,
    GroupMemberLeft,
    GroupUpdated,
)


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


NEW: dict[str, Any] = {"dimension": "interest", "name": {"zh": "口语角", "en": "Speaking"}}


def base(community: dict[str, Any]) -> str:
    return f"/v1/communities/{community['id']}/groups"


async def make(town: Town, community: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await town.owner.post(base(community), json={**NEW, **more})
    assert answer.status_code == 201, answer.text
    group: dict[str, Any] = answer.json()
    return group


async def crowd(town: Town, community: dict[str, Any], count: int) -> list[UUID]:
    """Members without the ceremony of applying."""
    accounts = [await town.account(f"成员{n}") for n in range(count)]
    await town.kit.sql(
        """INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, version)
        SELECT uuidv7(), $1, $2, account, 'approved', '{}', false, false, now(), now(), 1 FROM unnest($3::uuid[]) AS account""",
        town.organization,
        UUID(community["id"]),
        accounts,
    )
    return accounts


def of(town: Town, account: UUID) -> httpx.AsyncClient:
    return town.kit.person(town.organization, account)


async def add(town: Town, community: dict[str, Any], group: dict[str, Any], *accounts: UUID) -> list[dict[str, Any]]:
    url = f"{base(community)}/{group['id']}/members"
    answer = await town.owner.post(url, json={"account_ids": [str(account) for account in accounts]})
    assert answer.status_code == 200, answer.text
    placed: list[dict[str, Any]] = answer.json()["data"]
    return placed


async def at_once(*requests: Awaitable[httpx.Response]) -> list[httpx.Response]:
    """Send requests together, ten in flight: more would only wait for a connection, on a busy machine for too long."""
    gate = asyncio.Semaphore(10)

    async def send(request: Awaitable[httpx.Response]) -> httpx.Response:
        async with gate:
            return await request

    return await asyncio.gather(*(send(request) for request in requests))


async def test_a_group_is_made_changed_and_seen(town: Town) -> None:
    community = await town.community()
    (host,) = await crowd(town, community, 1)
    group = await make(town, community, hosts=[str(host)], capacity=3)
    assert (group["ordinal"], group["series_id"], group["members"], group["version"]) == (1, group["id"], 0, 1)
    assert [one["id"] for one in group["hosts"]] == [str(host)]
    assert group["can"] == ["edit", "add", "remove", "write_card", "join"]
    url = f"{base(community)}/{group['id']}"
    assert (await town.owner.patch(url, json={"capacity": 5})).status_code == 428
    changed = await town.owner.patch(url, json={"capacity": None, "self_join": True}, headers={"If-Match": '"1"'})
    assert (changed.json()["capacity"], changed.json()["self_join"], changed.headers["etag"]) == (None, True, '"2"')
    same = await town.owner.patch(url, json={"self_join": True}, headers={"If-Match": '"2"'})
    assert same.headers["etag"] == '"2"', "nothing new, no new version"
    assert (await town.owner.patch(url, json={}, headers={"If-Match": '"1"'})).status_code == 412
    seen = (await of(town, host).get(url)).json()
    assert seen["can"] == ["add", "remove", "write_card", "join"]
    events = [one for one in await town.kit.events(GroupCreated, GroupUpdated) if str(one.aggregateid) == group["id"]]
    assert [(one.aggregateversion, one.data["capacity"]) for one in events] == [(1, 3), (2, None)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"dimension": "colour"}, "/dimension"),
        ({"name": {}}, "/name"),
        ({"capacity": 0}, "/capacity"),
        ({"capacity": 10**9}, "/capacity"),
        ({"hosts": [str(new_id())]}, "/hosts/0"),
        ({"hosts": [str(new_id())] * 21}, "/hosts"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_input_says_where(town: Town, change: dict[str, object], pointer: str) -> None:
    community = await town.community(state="draft")
    answer = await town.owner.post(base(community), json={**NEW, **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_who_may_do_what(town: Town) -> None:
    community = await town.community()
    host, member, other = await crowd(town, community, 3)
    group = await make(town, community, hosts=[str(host)])
    closed_door = await make(town, community)
    url = f"{base(community)}/{group['id']}"
    body = {"account_ids": [str(other)]}
    _, stranger = await town.person()
    assert (await of(town, member).post(base(community), json=NEW)).status_code == 403
    assert (await of(town, member).post(f"{url}/members", json=body)).status_code == 403
    assert (await of(town, member).post(f"{url}/join")).status_code == 403, "not of one's own accord unless it says so"
    assert (await of(town, host).patch(url, json={}, headers={"If-Match": '"1"'})).status_code == 403
    assert (await stranger.get(base(community))).status_code == 403
    assert (await town.kit.partner(town.organization).get(base(community))).status_code == 403
    assert (await town.kit.client().get(base(community))).status_code == 401
    assert (await of(town, host).post(f"{url}/members", json=body)).json()["data"][0]["outcome"] == "joined"
    move = f"{url}/members/{other}/move"
    refused = await of(town, host).post(move, json={"to": closed_door["id"]})
    assert refused.status_code == 403, "a host moves only between groups of theirs"
    assert (await of(town, host).delete(f"{url}/members/{other}")).status_code == 204
    assert (await of(town, host).delete(f"{url}/members/{other}")).status_code == 404
    elsewhere = (await found_town(town.kit)).owner
    for path in ("", f"/{group['id']}", f"/{group['id']}/members", f"/{group['id']}/card", "/rules", "/assignments"):
        assert (await elsewhere.get(f"{base(community)}{path}")).status_code == 404
    assert (await elsewhere.post(f"{url}/members", json=body)).status_code == 404
    another = await town.community(state="draft")
    assert (await town.owner.get(f"{base(another)}/{group['id']}")).status_code == 404


async def test_join_leave_and_move(town: Town) -> None:
    community = await town.community()
    (member,) = await crowd(town, community, 1)
    one, two = await make(town, community, self_join=True), await make(town, community, dimension="product")
    person = of(town, member)
    joined = (await person.post(f"{base(community)}/{one['id']}/join")).json()
    assert joined == {"account_id": str(member), "outcome": "joined", "group_id": one["id"]}
    assert (await person.post(f"{base(community)}/{one['id']}/join")).json()["outcome"] == "existing"
    seen = (await person.get(f"{base(community)}/{one['id']}")).json()
    assert (seen["joined"], seen["members"], seen["can"]) == (True, 1, ["leave"])
    mine = (await person.get(base(community), params={"mine": True})).json()["data"]
    assert [group["id"] for group in mine] == [one["id"]]
    move = await town.owner.post(f"{base(community)}/{one['id']}/members/{member}/move", json={"to": two["id"]})
    assert (move.status_code, move.json()["group_id"]) == (200, two["id"])
    people = (await person.get(f"{base(community)}/{two['id']}/members")).json()["data"]
    assert [(p["member"]["id"], p["host"]) for p in people] == [(str(member), False)]
    assert (await person.post(f"{base(community)}/{two['id']}/leave")).status_code == 204
    assert (await person.post(f"{base(community)}/{two['id']}/leave")).status_code == 404
    events = [
        (one_.type.split(".")[2], one_.aggregateversion, one_.data["group_id"], one_.data["group_ids"])
        for one_ in await town.kit.events(GroupMemberJoined, GroupMemberLeft)
        if one_.data["account_id"] == str(member)
    ]
    assert events == [
        ("joined", 1, one["id"], [one["id"]]),
        ("left", 2, one["id"], []),
        ("joined", 3, two["id"], [two["id"]]),
        ("left", 4, two["id"], []),
    ]
    why = (await town.owner.get(f"{base(community)}/assignments", headers={"Accept-Language": "zh"})).json()["data"]
    assert [(w["code"], w["group_id"]) for w in why] == [("group-moved", two["id"]), ("group-self", one["id"])]
    assert why[1]["reason"] == "自行加入。"


async def test_a_full_group_opens_its_next_with_its_card(town: Town) -> None:
    community = await town.community()
    host, *people = await crowd(town, community, 6)
    group = await make(town, community, capacity=2, hosts=[str(host)])
    card = {"purpose": {"zh": "开口", "en": "Speak"}, "rules": [{"text": {"en": "Be kind"}, "interpretation": {}}]}
    url = f"{base(community)}/{group['id']}/card"
    assert (await of(town, host).patch(url, json=card, headers={"If-Match": '"0"'})).status_code == 200
    placed = await add(town, community, group, *people)
    assert [one["outcome"] for one in placed] == ["joined"] * 5
    groups = (await town.owner.get(base(community))).json()["data"]
    assert [(one["name"]["zh"], one["members"], one["ordinal"]) for one in groups] == [
        ("口语角", 2, 1),
        ("口语角 2", 2, 2),
        ("口语角 3", 1, 3),
    ]
    assert {(one["series_id"], one["dimension"], one["capacity"], one["hosts"][0]["id"]) for one in groups} == {
        (group["id"], "interest", 2, str(host))
    }
    copied = (await of(town, people[0]).get(f"{base(community)}/{groups[2]['id']}/card")).json()
    assert (copied["purpose"], copied["rules"], copied["version"]) == (card["purpose"], card["rules"], 1)
    again = await add(town, community, groups[1], people[0])
    assert again == [{"account_id": str(people[0]), "outcome": "existing", "group_id": group["id"]}]
    changed = [one for one in await town.kit.events(CardChanged) if one.data["community_id"] == community["id"]]
    assert [one.data["group_id"] for one in changed] == [one["id"] for one in groups]


async def test_a_closed_group_takes_nobody_and_capacity_does_not_shrink_below_its_members(town: Town) -> None:
    community = await town.community()
    one, two, three = await crowd(town, community, 3)
    group = await make(town, community, capacity=2)
    await add(town, community, group, one, two)
    url = f"{base(community)}/{group['id']}"
    small = await town.owner.patch(url, json={"capacity": 1}, headers={"If-Match": '"1"'})
    assert (small.status_code, small.json()["errors"][0]["pointer"]) == (409, "/capacity")
    assert (await town.owner.patch(url, json={"state": "closed"}, headers={"If-Match": '"1"'})).status_code == 200
    placed = await add(town, community, group, three, new_id())
    assert [p["outcome"] for p in placed] == ["closed", "not_a_member"]
    assert len((await town.owner.get(base(community))).json()["data"]) == 1


async def test_capacities_hold_when_a_hundred_join_at_once(town: Town) -> None:
    community = await town.community()
    people = await crowd(town, community, 100)
    group = await make(town, community, capacity=7, self_join=True)
    joins = (of(town, account).post(f"{base(community)}/{group['id']}/join") for account in people)
    answers = await at_once(*joins)
    assert Counter(answer.status_code for answer in answers) == {200: 100}
    groups = (await town.owner.get(base(community))).json()["data"]
    assert [one["members"] for one in groups] == [7] * 14 + [2], "no group over, none opened too early"
    rows = await town.kit.sql(
        "SELECT group_id, count(*) FROM group_member WHERE community_id = $1 GROUP BY 1", UUID(community["id"])
    )
    assert {str(row["group_id"]): row["count"] for row in rows} == {one["id"]: one["members"] for one in groups}
    told = [one for one in await town.kit.events(GroupMemberJoined) if one.data["community_id"] == community["id"]]
    assert len(told) == 100


async def test_moves_in_circles_and_joins_do_not_wait_for_each_other(town: Town) -> None:
    community = await town.community()
    people = await crowd(town, community, 24)
    one, two = await make(town, community, capacity=5), await make(town, community, capacity=5)
    await add(town, community, one, *people[:8])
    await add(town, community, two, *people[8:16])
    held = {
        row["account_id"]: row["group_id"]
        for row in await town.kit.sql("SELECT * FROM group_member WHERE community_id = $1", UUID(community["id"]))
    }
    url = base(community)
    moves = [
        town.owner.post(f"{url}/{held[account]}/members/{account}/move", json={"to": target["id"]})
        for accounts, target in ((people[:8], two), (people[8:16], one))
        for account in accounts
    ]
    joins = [
        town.owner.post(f"{url}/{target['id']}/members", json={"account_ids": [str(account)]})
        for account in people[16:]
        for target in (one, two)
    ]
    edit = town.owner.patch(f"{url}/{one['id']}", json={"name": {"en": "New"}}, headers={"If-Match": '"1"'})
    answers = await at_once(*moves, *joins, edit)
    assert Counter(answer.status_code for answer in answers) == {200: 33}
    groups = (await town.owner.get(url)).json()["data"]
    assert sum(group["members"] for group in groups) == 32
    assert all(group["members"] <= 5 for group in groups)


async def test_who_leaves_or_is_removed_is_in_no_group_and_hosts_none(town: Town) -> None:
    community = await town.community()
    membership, person = await town.member(community)
    removed, _ = await town.member(community)
    stays = (await crowd(town, community, 1))[0]
    group = await make(town, community, hosts=[membership["account_id"], str(stays)])
    await add(town, community, group, UUID(membership["account_id"]), UUID(removed["account_id"]), stays)
    url = f"/v1/communities/{community['id']}/memberships"
    for who, one, step in ((person, membership, "leave"), (town.owner, removed, "remove")):
        etag = {"If-Match": f'"{one["version"]}"'}
        assert (await who.post(f"{url}/{one['id']}/{step}", headers=etag)).status_code == 200
    ended = [one for one in await town.kit.events(*MEMBERSHIP_EVENTS) if str(one.community) == community["id"]]
    await town.kit.deliver(*ended)
    await town.kit.deliver(*ended)
    seen = (await of(town, stays).get(f"{base(community)}/{group['id']}")).json()
    assert (seen["members"], [host["id"] for host in seen["hosts"]], seen["joined"]) == (1, [str(stays)], True)
    left = [one for one in await town.kit.events(GroupMemberLeft) if one.data["community_id"] == community["id"]]
    assert {one.data["account_id"] for one in left} == {membership["account_id"], removed["account_id"]}
    assert len(left) == 2, "delivered twice, told once"


async def test_a_merged_account_leaves_its_seat_to_the_living_one(town: Town) -> None:
    community = await town.community()
    gone, living = (await crowd(town, community, 1))[0], await town.account("Living")
    group = await make(town, community, hosts=[str(gone)])
    await add(town, community, group, gone)
    await town.kit.sql("UPDATE group_member SET rule_key = 'aa' WHERE account_id = $1", gone)
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = $2", living, gone)
    event = AccountMerged(account_id=living, merged_account_id=gone)
    await town.kit.deliver(sealed(event, town, living))
    told = [one for one in await town.kit.events(*MEMBERSHIP_EVENTS) if str(one.community) == community["id"]]
    await town.kit.deliver(*told)
    seen = (await of(town, living).get(f"{base(community)}/{group['id']}")).json()
    assert (seen["joined"], seen["members"], [host["id"] for host in seen["hosts"]]) == (True, 1, [str(living)])
    held = await town.kit.sql("SELECT rule_key FROM group_member WHERE account_id = $1", living)
    assert [row["rule_key"] for row in held] == ["aa"], "by the same rule as before"


def sealed(event: AccountMerged, town: Town, aggregate: UUID) -> Any:
    return envelope(event, town.organization, aggregate)


async def test_lists_are_paged_and_filtered(town: Town) -> None:
    community = await town.community()
    people = await crowd(town, community, 7)
    made = [await make(town, community, dimension=d) for d in ("interest", "product", "interest", "other", "interest")]
    seen, cursor = [], None
    while True:
        params = {"dimension": "interest", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await town.owner.get(base(community), params=params)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [made[0]["id"], made[2]["id"], made[4]["id"]]
    await add(town, community, made[0], *people)
    url = f"{base(community)}/{made[0]['id']}/members"
    first = (await town.owner.get(url, params={"limit": 4})).json()
    second = (await town.owner.get(url, params={"limit": 4, "cursor": first["next_cursor"]})).json()
    assert second["next_cursor"] is None
    listed = [one["member"]["id"] for one in first["data"] + second["data"]]
    assert sorted(listed) == sorted(str(one) for one in people)
    wrong = await town.owner.get(base(community), params={"dimension": "product", "cursor": first["next_cursor"]})
    assert wrong.status_code == 422


async def test_an_archived_community_changes_no_groups(town: Town) -> None:
    community = await town.community()
    (member,) = await crowd(town, community, 1)
    group = await make(town, community)
    await add(town, community, group, member)
    version = (await town.owner.get(f"/v1/communities/{community['id']}")).headers["etag"]
    await town.owner.post(f"/v1/communities/{community['id']}/archive", headers={"If-Match": version})
    url = f"{base(community)}/{group['id']}"
    assert (await town.owner.post(base(community), json=NEW)).status_code == 409
    assert (await town.owner.patch(url, json={}, headers={"If-Match": '"1"'})).status_code == 409
    assert (await town.owner.post(f"{url}/members", json={"account_ids": [str(member)]})).status_code == 409
    assert (await of(town, member).post(f"{url}/leave")).status_code == 409
    assert (await town.owner.patch(f"{url}/card", json={}, headers={"If-Match": '"0"'})).status_code == 409
    assert (await town.owner.get(url)).json()["can"] == []


async def test_segments_know_groups(town: Town) -> None:
    community = await town.community()
    one, two, _ = await crowd(town, community, 3)
    group = await make(town, community)
    await add(town, community, group, one, two)
    url = f"/v1/communities/{community['id']}/segments/previews"
    answer = await town.owner.post(url, json={"filter": {"field": "group", "op": "in", "value": [group["id"]]}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == 2
