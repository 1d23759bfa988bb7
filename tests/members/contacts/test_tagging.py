"""Contacts' tags: in the order of versions, where they belong, told of once."""

import asyncio
from typing import Any

import pytest
from tests.members.accounts.people import code, faults
from tests.members.contacts.partners import Partner, partner
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import MembershipTagsChanged


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


@pytest.fixture
async def crm(town: Town) -> Partner:
    return await partner(town)


@pytest.fixture
async def membership(town: Town, crm: Partner) -> dict[str, Any]:
    """The contact C-1 is this member."""
    community = await town.community()
    found, _ = await town.member(community)
    await crm.known(account_id=found["account_id"])
    return found


async def tags(town: Town, membership: dict[str, Any]) -> list[str]:
    url = f"/v1/communities/{membership['community_id']}/memberships/{membership['id']}/tags"
    held: list[str] = (await town.owner.get(url)).json()["tags"]
    return held


async def told(town: Town, membership: dict[str, Any]) -> list[int]:
    events = await town.kit.events(MembershipTagsChanged)
    return [one.aggregateversion for one in events if str(one.aggregateid) == membership["id"]]


async def test_tags_come_and_go_in_the_order_of_versions(town: Town, crm: Partner, membership: dict[str, Any]) -> None:
    community = membership["community_id"]
    done = await crm.tag(community, version=2, add=["老用户", "vip", "vip"])
    assert done.json() == {
        "membership_id": membership["id"],
        "outcome": "applied",
        "version": 2,
        "added": 2,
        "removed": 0,
    }
    late = await crm.tag(community, version=1, add=["trial"], remove=["vip"])
    assert (late.json()["outcome"], late.json()["version"]) == ("stale", 2)
    again = await crm.tag(community, version=2, add=["vip", "老用户"])
    assert (again.json()["outcome"], again.json()["added"]) == ("applied", 0)
    assert code(await crm.tag(community, version=2, add=["vip"])) == "version-reused"
    assert await tags(town, membership) == ["vip", "老用户"]
    done = await crm.tag(community, version=3, add=["gold"], remove=["vip", "never"])
    assert (done.json()["added"], done.json()["removed"]) == (1, 1)
    assert await tags(town, membership) == ["gold", "老用户"]
    # One event for each change, whatever the number of tags.
    assert await told(town, membership) == [1, 2]
    nothing = await crm.tag(community, version=4, add=["gold"])
    assert (nothing.json()["outcome"], nothing.json()["added"], await told(town, membership)) == ("applied", 0, [1, 2])


async def test_at_once_the_newest_is_left(town: Town, crm: Partner, membership: dict[str, Any]) -> None:
    community = membership["community_id"]
    news = [{"version": n, "add": [f"level-{n}"], "remove": [f"level-{m}" for m in range(n)]} for n in range(1, 21)]
    answers = await asyncio.gather(*(crm.tag(community, **one) for one in news for _ in range(2)))
    assert {answer.status_code for answer in answers} == {200}
    assert await tags(town, membership) == ["level-20"]


async def test_where_a_contact_does_not_belong(town: Town, crm: Partner, membership: dict[str, Any]) -> None:
    elsewhere = (await town.community())["id"]
    for community in (elsewhere, new_id()):
        assert code(await crm.tag(str(community), add=["vip"])) == "not-found"
    assert code(await crm.tag(membership["community_id"], "C-2", add=["vip"])) == "not-found"
    other = await partner(town)
    assert code(await other.tag(membership["community_id"], add=["vip"])) == "not-found"
    assert await tags(town, membership) == []


async def test_who_has_left_gets_no_tags_and_may_lose_them(
    town: Town, crm: Partner, membership: dict[str, Any]
) -> None:
    community = membership["community_id"]
    await crm.tag(community, version=1, add=["vip"])
    url = f"/v1/communities/{community}/memberships/{membership['id']}"
    removed = await town.owner.post(f"{url}/remove", headers={"If-Match": f'"{membership["version"]}"'})
    assert removed.status_code == 200, removed.text
    refused = await crm.tag(community, version=2, add=["gold"])
    assert (refused.status_code, code(refused)) == (409, "membership-ended")
    assert (await crm.tag(community, version=2, remove=["vip"])).json()["outcome"] == "applied"


async def test_too_many_tags_are_refused_whole(town: Town, crm: Partner, membership: dict[str, Any]) -> None:
    community = membership["community_id"]
    for version, start in ((1, 0), (2, 50)):
        await crm.tag(community, version=version, add=[f"t{start + n}" for n in range(50)])
    refused = await crm.tag(community, version=3, add=["one more"], remove=[])
    assert (refused.status_code, code(refused)) == (409, "too-many-tags")
    swapped = await crm.tag(community, version=3, add=["one more"], remove=["t0"])
    assert (swapped.json()["added"], swapped.json()["removed"]) == (1, 1)
    assert len(await tags(town, membership)) == 100


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"add": ["a"], "remove": ["a"]}, ("", "value-error")),
        ({"add": ["a/b"]}, ("/add/0", "value-error")),
        ({"add": [f"t{n}" for n in range(51)]}, ("/add", "too-long")),
        ({"version": 0}, ("/version", "greater-than-equal")),
    ],
)
async def test_what_are_no_tags(
    crm: Partner, membership: dict[str, Any], body: dict[str, Any], fault: tuple[str, str]
) -> None:
    answer = await crm.tag(membership["community_id"], **body)
    assert (answer.status_code, faults(answer)) == (422, [fault])
