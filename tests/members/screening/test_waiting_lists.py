"""Waiting lists: whoever waits longest moves up when there is room, once."""

import pytest
from tests.members.screening.scene import (
    AUTOMATIC,
    applicant,
    apply,
    match,
    membership,
    persona,
    read,
    screening,
    step,
    url,
)
from tests.members.screening.test_decisions import leave, places, states
from tests.members.town import Town, found_town

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from contracts.members import (
    CommunityUpdated,
    MembershipLeft,
    MembershipRemoved,
)


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def test_whoever_waits_longest_moves_up_when_a_member_leaves(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 1)
    _, member, _ = await applicant(town, community)
    waiting = []
    for _ in range(3):
        movable_clock.move(minutes=1)
        waiting.append(await applicant(town, community))
    first, second, _ = waiting
    assert (first[0]["state"], first[0]["reason"]["code"]) == ("waiting", "screening-persona-full")
    listed = (await town.owner.get(url(community, "/applications"), params={"state": "waiting"})).json()["data"]
    assert [one["id"] for one in listed] == [one[0]["id"] for one in waiting]
    assert (await town.owner.get(url(community, "/personas"))).json()["data"][0]["waiting"] == 3
    await step(first[1], community, first[0], "withdraw")
    await leave(town, member, community)
    await town.kit.work()
    moved = await read(second[1], community, second[0])
    assert (moved["state"], moved["reason"]["code"], moved["automatic"]) == ("approved", "screening-place-freed", True)
    assert (await membership(second[1], community))["state"] == "approved"
    assert await states(town, community) == ["approved", "withdrawn", "approved", "waiting"]
    assert await places(town, kind) == (1, 1)


async def test_a_raised_quota_lets_as_many_move_up(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 0)
    for _ in range(4):
        await applicant(town, community)
    assert await states(town, community) == ["waiting"] * 4
    await town.owner.patch(url(community, f"/personas/{kind['id']}"), json={"quota": 3}, headers=match(1))
    await town.kit.work()
    assert await states(town, community) == ["approved"] * 3 + ["waiting"]
    await town.owner.patch(url(community, f"/personas/{kind['id']}"), json={"quota": None}, headers=match(2))
    await town.kit.work()
    assert await places(town, kind) == (4, 4)


async def test_who_waits_for_a_retired_persona_comes_before_reviewers(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 0)
    made, client, _ = await applicant(town, community)
    await town.owner.delete(url(community, f"/personas/{kind['id']}"), headers=match(1))
    await town.kit.work()
    found = await read(client, community, made)
    assert (found["state"], found["reason"]["code"]) == ("in_review", "screening-persona-retired")


async def test_a_paused_community_lets_nobody_move_up_until_it_opens(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 0)
    await applicant(town, community)
    await town.owner.post(url(community, "/pause"), headers=match(2))
    await town.owner.patch(url(community, f"/personas/{kind['id']}"), json={"quota": 1}, headers=match(1))
    await town.kit.work()
    assert await states(town, community) == ["waiting"]
    await town.owner.post(url(community, "/open"), headers=match(3))
    opened = [e for e in await town.kit.events(CommunityUpdated) if str(e.aggregateid) == community["id"]]
    await town.kit.deliver(*opened)
    await town.kit.work()
    assert await states(town, community) == ["approved"]


async def test_who_waits_moves_up_when_staff_remove_a_member(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 1)
    _, member, _ = await applicant(town, community)
    await applicant(town, community)
    own = await membership(member, community)
    gone = await town.owner.post(url(community, f"/memberships/{own['id']}/remove"), headers=match(own["version"]))
    assert gone.status_code == 200, gone.text
    await town.kit.deliver(*[e for e in await town.kit.events(MembershipRemoved) if str(e.aggregateid) == own["id"]])
    await town.kit.work()
    assert await states(town, community) == ["approved", "approved"]
    assert await places(town, kind) == (1, 1)


async def test_a_quota_lowered_below_its_members_removes_nobody(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 2)
    _, one, _ = await applicant(town, community)
    await applicant(town, community)
    await town.owner.patch(url(community, f"/personas/{kind['id']}"), json={"quota": 1}, headers=match(1))
    waiting, _, _ = await applicant(town, community)
    await leave(town, one, community)
    await town.kit.work()
    assert waiting["state"] == "waiting"
    assert await states(town, community) == ["approved", "approved", "waiting"]
    assert await places(town, kind) == (1, 1)


async def test_the_same_departure_twice_frees_one_place(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 5)
    _, one, _ = await applicant(town, community)
    await applicant(town, community)
    await leave(town, one, community)
    gone = [e for e in await town.kit.events(MembershipLeft) if str(e.community) == community["id"]]
    await town.kit.deliver(*[e.model_copy(update={"id": e.aggregateid}) for e in gone])
    assert await places(town, kind) == (1, 1)
    # And who came back before the event arrived keeps the new place.
    again = await apply(one, community)
    await town.kit.deliver(*[e.model_copy(update={"id": e.organization}) for e in gone])
    assert again["state"] == "approved"
    assert await places(town, kind) == (2, 2)
