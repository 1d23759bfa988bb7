"""Communities: made, changed, opened, paused, archived, and seen by those who may."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import CommunityCreated, CommunityState, CommunityUpdated, MembershipApproved
from members.communities import policy


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


NEW = {"name": {"zh": "英语", "en": "English"}, "slug": "english", "zone": "Asia/Shanghai"}


async def test_a_new_community_is_a_draft_with_its_maker_as_manager(town: Town) -> None:
    answer = await town.owner.post("/v1/communities", json=NEW)
    assert answer.status_code == 201, answer.text
    community = answer.json()
    assert (community["state"], community["version"], community["name"]) == ("draft", 1, NEW["name"])
    assert {"edit", "import", "open"} <= set(community["can"])
    own = (await town.owner.get(f"/v1/communities/{community['id']}/memberships/me")).json()
    assert (own["state"], own["roles"], own["staff"]) == ("approved", ["manager"], True)
    events = [
        one
        for one in await town.kit.events(CommunityCreated, MembershipApproved)
        if one.organization == town.organization
    ]
    assert [one.type for one in events] == [CommunityCreated.type, MembershipApproved.type]
    assert f"membership/{own['id']}@1" in answer.headers["hearth-position"]


async def test_a_slug_is_one_communitys(town: Town) -> None:
    first, second = await asyncio.gather(*(town.owner.post("/v1/communities", json=NEW) for _ in range(2)))
    assert sorted([first.status_code, second.status_code]) == [201, 409]
    other = await found_town(town.kit)
    assert (await other.owner.post("/v1/communities", json=NEW)).status_code == 201


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"slug": "Über"}, "/slug"),
        ({"slug": "-x"}, "/slug"),
        ({"name": {}}, "/name"),
        ({"name": {"zh": ""}}, "/name/zh"),
        ({"name": {"not a tag": "x"}}, "/name"),
        ({"name": "plain"}, "/name"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_input_says_where(town: Town, change: dict[str, object], pointer: str) -> None:
    answer = await town.owner.post("/v1/communities", json={**NEW, **change})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_only_staff_make_communities(town: Town) -> None:
    _, person = await town.person()
    assert (await person.post("/v1/communities", json=NEW)).status_code == 403
    assert (await town.kit.partner(town.organization).post("/v1/communities", json=NEW)).status_code == 403
    assert (await town.kit.client().post("/v1/communities", json=NEW)).status_code == 401


async def test_drafts_are_for_their_staff_until_they_open(town: Town) -> None:
    community = await town.community(state="draft")
    url = f"/v1/communities/{community['id']}"
    _, person = await town.person()
    assert (await person.get(url)).status_code == 403
    assert (await person.get("/v1/communities")).json()["data"] == []
    await town.make_ready(community["id"])
    opened = await town.owner.post(f"{url}/open", headers={"If-Match": '"1"'})
    assert (opened.status_code, opened.json()["state"], opened.headers["etag"]) == (200, "open", '"2"')
    seen = await person.get(url)
    assert (seen.status_code, seen.json()["can"]) == (200, ["apply"])
    assert [one["id"] for one in (await person.get("/v1/communities")).json()["data"]] == [community["id"]]


async def test_states_move_along_their_transitions_only(town: Town) -> None:
    community = await town.community()
    url = f"/v1/communities/{community['id']}"
    assert (await town.owner.post(f"{url}/open", headers={"If-Match": '"2"'})).status_code == 409
    assert (await town.owner.post(f"{url}/pause", headers={"If-Match": '"1"'})).status_code == 412
    assert (await town.owner.post(f"{url}/pause", headers={"If-Match": '"2"'})).json()["state"] == "paused"
    assert (await town.owner.post(f"{url}/archive", headers={"If-Match": '"3"'})).json()["state"] == "archived"
    assert (await town.owner.patch(url, json={"zone": "UTC"}, headers={"If-Match": '"4"'})).status_code == 409
    states = [
        one.data["state"] for one in await town.kit.events(CommunityUpdated) if str(one.aggregateid) == community["id"]
    ]
    assert states == ["open", "paused", "archived"]


async def test_settings_change_by_managers(town: Town) -> None:
    community = await town.community()
    url = f"/v1/communities/{community['id']}"
    _, member = await town.member(community)
    _, manager = await town.member(community, roles=["manager"])
    body = {"zone": "Europe/Berlin", "description": {"en": "New"}}
    assert (await member.patch(url, json=body, headers={"If-Match": '"2"'})).status_code == 403
    assert (await manager.patch(url, json=body)).status_code == 428
    answer = await manager.patch(url, json=body, headers={"If-Match": '"2"'})
    assert (answer.json()["zone"], answer.json()["description"], answer.json()["name"]) == (
        "Europe/Berlin",
        {"en": "New"},
        community["name"],
    )
    other = await town.community(slug="taken")
    taken = await town.owner.patch(
        f"/v1/communities/{other['id']}", json={"slug": community["slug"]}, headers={"If-Match": '"2"'}
    )
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:hearth:problem:slug-taken")


async def test_another_tenant_sees_nothing(town: Town) -> None:
    community = await town.community()
    stranger = (await found_town(town.kit)).owner
    url = f"/v1/communities/{community['id']}"
    assert (await stranger.get(url)).status_code == 404
    assert (await stranger.post(f"{url}/pause", headers={"If-Match": '"2"'})).status_code == 404
    assert (await stranger.get("/v1/communities", params={"slug": community["slug"]})).json()["data"] == []
    assert (await town.owner.get(f"/v1/communities/{new_id()}")).status_code == 404


async def test_the_list_is_paged_without_gaps_or_repeats(town: Town) -> None:
    made = [(await town.community(state="draft"))["id"] for _ in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await town.owner.get("/v1/communities", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if len(seen) == 3:
            await town.community(state="draft")  # a newcomer at the head disturbs nobody
    assert seen == made[::-1]
    assert (await town.owner.get("/v1/communities", params={"cursor": "tampered"})).status_code == 422
    assert (await town.owner.get("/v1/communities", params={"limit": 201})).status_code == 422


@given(st.lists(st.sampled_from(sorted(policy.TRANSITIONS)), max_size=12))
def test_what_is_archived_stays_archived(steps: list[str]) -> None:
    state, archived = CommunityState.DRAFT, False
    for step in steps:
        after = policy.next_state(step, state)
        can = policy.allowed(state, manages=True, member=True)
        assert (after is not None) == (step in can)
        assert not (archived and after)
        state = after or state
        archived = state is CommunityState.ARCHIVED
