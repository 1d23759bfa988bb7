"""What content knows of groups: the newest that members told, told twice or late, and each organization's own."""

from typing import Any
from uuid import UUID

from tests.content.conftest import Place

from chassis.ids import new_id
from chassis.testing.kit import envelope
from contracts.members import (
    GroupCreated,
    GroupDimension,
    GroupMemberJoined,
    GroupMemberLeft,
    GroupState,
    GroupUpdated,
)


def told(place: Place, group: UUID, version: int, hosts: list[UUID], state: GroupState = GroupState.OPEN) -> Any:
    kind = GroupCreated if version == 1 else GroupUpdated
    event = kind(
        group_id=group,
        community_id=place.community,
        series_id=group,
        ordinal=1,
        dimension=GroupDimension.INTEREST,
        hosts=hosts,
        capacity=None,
        state=state,
    )
    return envelope(event, place.organization, group, version=version, community_id=place.community)


async def test_the_newest_of_a_group_stands_however_it_comes(place: Place) -> None:
    group, host = new_id(), new_id()
    newest = told(place, group, 3, [host], GroupState.CLOSED)
    await place.kit.deliver(newest, told(place, group, 1, []), newest)
    await place.kit.deliver(told(place, group, 2, []))
    [row] = await place.kit.sql("SELECT * FROM standing_group WHERE group_id = $1", group)
    assert (row["organization_id"], row["community_id"]) == (place.organization, place.community)
    assert (row["state"], row["hosts"]) == ("closed", [host])


async def test_a_members_groups_are_those_told_last(place: Place) -> None:
    membership, account, groups = new_id(), new_id(), [new_id(), new_id()]
    here = {"membership_id": membership, "community_id": place.community, "account_id": account}
    steps = [
        GroupMemberJoined(group_id=groups[0], group_ids=groups[:1], **here),
        GroupMemberJoined(group_id=groups[1], group_ids=groups, **here),
        GroupMemberLeft(group_id=groups[0], group_ids=groups[1:], **here),
    ]
    sent = [
        envelope(event, place.organization, membership, version=number, community_id=place.community)
        for number, event in enumerate(steps, 1)
    ]
    await place.kit.deliver(sent[2], sent[0])
    await place.kit.deliver(sent[1], sent[2])
    [row] = await place.kit.sql("SELECT * FROM standing_group_member WHERE account_id = $1", account)
    assert row["group_ids"] == groups[1:]
