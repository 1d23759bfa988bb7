"""What a card shows of content: the announcement pinned first, and what comes next, of the community and of a group."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.content.conftest import code, if_match, make_place
from tests.content.desk import Desk, make_desk

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.engagement import ActivityChanged, ActivityPublished, ActivityState
from contracts.members import (
    CommunityState,
    CommunityUpdated,
    GroupCreated,
    GroupDimension,
    GroupMemberJoined,
    GroupState,
)


@pytest.fixture
async def desk(kit: Kit, movable_clock: MovableClock) -> Desk:
    assert movable_clock() == datetime(2026, 3, 2, 9, tzinfo=UTC)
    return await make_desk(kit)


async def make_group(desk: Desk, *members: UUID, hosts: tuple[UUID, ...] = ()) -> UUID:
    place, group_id = desk.place, new_id()
    born = GroupCreated(
        group_id=group_id,
        community_id=place.community,
        series_id=group_id,
        ordinal=1,
        dimension=GroupDimension.INTEREST,
        hosts=list(hosts),
        capacity=None,
        state=GroupState.OPEN,
    )
    joined = [
        GroupMemberJoined(
            membership_id=new_id(),
            group_id=group_id,
            community_id=place.community,
            account_id=member,
            group_ids=[group_id],
        )
        for member in members
    ]
    envelopes = [envelope(born, place.organization, group_id, community_id=place.community)]
    envelopes += [envelope(one, place.organization, new_id(), community_id=place.community) for one in joined]
    await desk.kit.deliver(*envelopes)
    return group_id


async def announce(desk: Desk, title: str, rank: int | None, **fields: Any) -> dict[str, Any]:
    new = {"kind": "announcement", "title": title, "body": "请看", **fields}
    post = await desk.place.post(desk.editor, **new)
    if rank is None:
        return post
    answer = await desk.editor.put(
        f"{desk.path}/posts/{post['id']}/pin", json={"rank": rank}, headers=if_match(post["version"])
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def activity(desk: Desk, starts: int, ends: int | None, **fields: Any) -> UUID:
    """An activity that starts and ends so many minutes from the desk's first moment."""
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    state = fields.pop("state", ActivityState.PUBLISHED)
    event = (ActivityPublished if state is ActivityState.PUBLISHED else ActivityChanged)(
        activity_id=new_id(),
        community_id=desk.place.community,
        group_id=fields.pop("group_id", None),
        state=state,
        starts_at=now + timedelta(minutes=starts),
        ends_at=None if ends is None else now + timedelta(minutes=ends),
    )
    await desk.kit.deliver(envelope(event, desk.place.organization, event.activity_id, community_id=event.community_id))
    return event.activity_id


async def programme(desk: Desk, client: httpx.AsyncClient, group_id: UUID | None = None) -> dict[str, Any]:
    middle = "" if group_id is None else f"/groups/{group_id}"
    answer = await client.get(f"{desk.path}{middle}/programme")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_quiet_community_has_nothing_to_show(desk: Desk) -> None:
    _, member = await desk.place.member()
    assert await programme(desk, member) == {
        "community_id": str(desk.place.community),
        "group_id": None,
        "community_state": "open",
        "zone": "Asia/Shanghai",
        "announcement": None,
        "slots": [],
        "activities": [],
    }


async def test_each_slot_is_shown_once_with_its_next_hour(desk: Desk, movable_clock: MovableClock) -> None:
    account, member = await desk.place.member()
    inner, other = await make_group(desk), await make_group(desk)
    daily = await desk.slot()
    article = await desk.slot(kind="article", rrule="FREQ=WEEKLY;BYDAY=TU,FR", at="20:00")
    of_group = await desk.slot(kind="daily_topic", rrule="FREQ=WEEKLY;BYDAY=WE", at="12:30", group_id=str(inner))
    await desk.slot(group_id=str(other))
    held = await activity(desk, 60 * 24, None)
    second = next(one for one in await desk.calendar(slot_id=article["id"]))
    assert (await desk.fill(second, activity_id=str(held))).status_code == 200

    def hours(found: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one["slot_id"], one["due_at"]) for one in found["slots"]]

    tomorrow = (daily["id"], "2026-03-02T23:30:00Z"), (article["id"], "2026-03-03T12:00:00Z")
    found = await programme(desk, member)
    assert hours(found) == [*tomorrow]
    assert [(one["kind"], one["activity_id"], one["group_id"]) for one in found["slots"]] == [
        ("greeting", None, None),
        ("article", str(held), None),
    ]
    assert hours(await programme(desk, member, inner)) == [*tomorrow, (of_group["id"], "2026-03-04T04:30:00Z")]
    # What an editor leaves out, and what is past, comes no more.
    (first, *_) = await desk.calendar(slot_id=daily["id"])
    skip = {"json": {"skipped": True}, "headers": if_match(first["version"])}
    assert (await desk.editor.patch(f"{desk.path}/occurrences/{first['id']}", **skip)).status_code == 200
    movable_clock.instant = datetime(2026, 3, 3, 12, 0, 1, tzinfo=UTC)
    later = desk.kit.person(desk.place.organization, account)
    assert hours(await programme(desk, later)) == [
        (daily["id"], "2026-03-03T23:30:00Z"),
        (article["id"], "2026-03-06T12:00:00Z"),
    ]


async def test_activities_are_those_under_way_and_those_to_come(desk: Desk) -> None:
    _, member = await desk.place.member()
    inner, other = await make_group(desk), await make_group(desk)
    running, soon, later = await activity(desk, -30, 30), await activity(desk, 10, None), await activity(desk, 90, 120)
    of_group = await activity(desk, 20, 50, group_id=inner)
    for starts, ends, state, group_id in (
        (-90, -30, ActivityState.PUBLISHED, None),
        (-90, None, ActivityState.PUBLISHED, None),
        (15, 30, ActivityState.DRAFT, None),
        (15, 30, ActivityState.CANCELLED, None),
        (15, 30, ActivityState.PUBLISHED, other),
    ):
        await activity(desk, starts, ends, state=state, group_id=group_id)
    found = (await programme(desk, member))["activities"]
    assert [(one["activity_id"], one["running"]) for one in found] == [
        (str(running), True),
        (str(soon), False),
        (str(later), False),
    ]
    assert (found[0]["starts_at"], found[0]["ends_at"]) == ("2026-03-02T08:30:00Z", "2026-03-02T09:30:00Z")
    found = (await programme(desk, member, inner))["activities"]
    assert [one["activity_id"] for one in found] == [str(one) for one in (running, soon, of_group, later)]
    assert found[2]["group_id"] == str(inner)


async def test_the_announcement_pinned_first_stands_on_the_card(desk: Desk) -> None:
    _, member = await desk.place.member()
    await announce(desk, "not pinned", None)
    await announce(desk, "second", 2)
    article = await desk.place.post(desk.editor, "长文", kind="article", title="an article")
    pin = {"json": {"rank": 1}, "headers": if_match(article["version"])}
    assert (await desk.editor.put(f"{desk.path}/posts/{article['id']}/pin", **pin)).status_code == 200
    assert (await programme(desk, member))["announcement"]["title"] == "second"
    first = await announce(desk, "first", 1, acknowledge=True)
    shown = (await programme(desk, member))["announcement"]
    assert (shown["title"], shown["acknowledge"], shown["acknowledged_at"]) == ("first", True, None)
    assert shown["can"] == ["comment", "react"]
    assert (await member.put(f"{desk.path}/posts/{first['id']}/acknowledgement")).status_code == 200
    assert (await programme(desk, member))["announcement"]["acknowledged_at"] is not None
    down = await desk.editor.delete(f"{desk.path}/posts/{first['id']}/pin", headers=if_match(first["version"]))
    assert down.status_code == 200
    assert (await programme(desk, member))["announcement"]["title"] == "second"


async def test_a_groups_announcement_is_for_those_who_are_in_it(desk: Desk) -> None:
    inside_id, inside = await desk.place.member()
    host_id, host = await desk.place.member()
    _, outside = await desk.place.member()
    group = await make_group(desk, inside_id, hosts=(host_id,))
    await announce(desk, "of the community", 1)
    await announce(desk, "of the group", 50, group_id=str(group))
    for client in (inside, host, desk.editor, desk.kit.staff(desk.place.organization)):
        assert (await programme(desk, client, group))["announcement"]["title"] == "of the group"
        assert (await programme(desk, client))["announcement"]["title"] == "of the community"
    assert (await programme(desk, outside, group))["announcement"]["title"] == "of the community"
    assert (await programme(desk, inside, await make_group(desk)))["announcement"]["title"] == "of the community"


async def test_an_archived_community_has_no_more_hours(desk: Desk) -> None:
    _, member = await desk.place.member()
    await announce(desk, "goodbye", 1)
    await desk.slot()
    await activity(desk, 10, 20)
    place = desk.place
    end = CommunityUpdated(community_id=place.community, slug="x", zone="UTC", state=CommunityState.ARCHIVED)
    await desk.kit.deliver(envelope(end, place.organization, place.community, community_id=place.community, version=2))
    found = await programme(desk, member)
    assert (found["community_state"], found["slots"], found["activities"]) == ("archived", [], [])
    assert found["announcement"]["title"] == "goodbye"


async def test_who_sees_a_programme(desk: Desk) -> None:
    group = await make_group(desk)
    kit, organization = desk.kit, desk.place.organization
    foreign = await make_place(kit)
    paths = (f"{desk.path}/programme", f"{desk.path}/groups/{group}/programme")
    for path in paths:
        assert (await kit.person(organization).get(path)).status_code == 403
        assert (await kit.partner(organization, "contacts:write").get(path)).status_code == 403
        assert (await kit.staff(foreign.organization).get(path)).status_code == 404
        assert (await kit.staff(organization).get(path)).status_code == 200
    _, member = await desk.place.member()
    elsewhere = await kit.community(organization)
    nowhere = await member.get(f"{desk.path}/groups/{new_id()}/programme")
    assert (nowhere.status_code, code(nowhere)) == (404, "not-found")
    through = await kit.staff(organization).get(f"/v1/communities/{elsewhere}/groups/{group}/programme")
    assert (through.status_code, code(through)) == (404, "not-found")
