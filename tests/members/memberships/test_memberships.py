"""Memberships: apply, decide, leave, come back, roles; and what others see of it."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import (
    MEMBERSHIP_EVENTS,
    AccountMerged,
    CommunityRole,
    MembershipState,
    OrganizationRoleChanged,
)
from members.memberships import policy


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def base(community: dict[str, Any]) -> str:
    return f"/v1/communities/{community['id']}/memberships"


async def step(
    client: httpx.AsyncClient, community: dict[str, Any], membership: dict[str, Any], name: str, **body: Any
) -> httpx.Response:
    url = f"{base(community)}/{membership['id']}/{name}"
    return await client.post(url, json=body or None, headers={"If-Match": f'"{membership["version"]}"'})


async def test_apply_be_approved_leave_and_come_back(town: Town) -> None:
    community = await town.community()
    account, person = await town.person("小雨 Rain")
    applied = (await person.post(base(community), json={"message": "想学口语"})).json()
    assert (applied["state"], applied["message"], applied["can"]) == ("applied", "想学口语", ["leave"])
    assert applied["member"] == {"id": str(account), "display_name": "小雨 Rain", "avatar_url": None}
    approved = (await step(town.owner, community, applied, "approve", reason="欢迎")).json()
    assert (approved["state"], approved["reason"], approved["version"]) == ("approved", "欢迎", 2)
    joined = approved["joined_at"]
    left = (await step(person, community, approved, "leave")).json()
    assert (left["state"], left["can"]) == ("left", ["apply"])
    again = (await person.post(base(community))).json()
    assert (again["id"], again["state"], again["version"]) == (applied["id"], "applied", 4)
    back = (await step(town.owner, community, again, "approve")).json()
    assert (back["state"], back["joined_at"]) == ("approved", joined)
    events = [one for one in await town.kit.events(*MEMBERSHIP_EVENTS) if str(one.aggregateid) == applied["id"]]
    assert [one.type.split(".")[2] for one in events] == ["applied", "approved", "left", "applied", "approved"]
    assert [one.aggregateversion for one in events] == [1, 2, 3, 4, 5]
    assert not {"小雨", "想学口语", "欢迎"} & set(str([one.data for one in events]).split("'"))


async def test_a_rejected_person_reads_why_and_may_apply_again(town: Town) -> None:
    community = await town.community()
    _, person = await town.person()
    applied = (await person.post(base(community))).json()
    await step(town.owner, community, applied, "reject", reason="人满了")
    own = (await person.get(f"{base(community)}/me")).json()
    assert (own["state"], own["reason"]) == ("rejected", "人满了")
    assert (await person.post(base(community))).json()["state"] == "applied"


async def test_who_was_removed_comes_back_only_by_approval(town: Town) -> None:
    community = await town.community()
    membership, member = await town.member(community)
    removed = (await step(town.owner, community, membership, "remove", reason="广告")).json()
    assert removed["state"] == "removed"
    refused = await member.post(base(community))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:transition-refused")
    assert (await step(town.owner, community, removed, "approve")).json()["state"] == "approved"


@pytest.mark.parametrize("state", ["draft", "paused", "archived"])
async def test_only_open_communities_take_applications(town: Town, state: str) -> None:
    community = await town.community(state=state)
    answer = await town.kit.staff(town.organization, await town.account(role="admin")).post(base(community))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:community-not-open")


async def test_an_archived_community_lets_in_and_refuses_nobody_and_lets_go(town: Town) -> None:
    community = await town.community()
    membership, _ = await town.member(community)
    _, person = await town.person()
    applied = (await person.post(base(community))).json()
    url = f"/v1/communities/{community['id']}"
    archived = await town.owner.post(f"{url}/archive", headers={"If-Match": f'"{community["version"]}"'})
    assert archived.json()["state"] == "archived"
    for name in ("approve", "reject"):
        answer = await step(town.owner, community, applied, name)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:community-archived")
    assert (await person.get(f"{base(community)}/me")).json()["state"] == "applied"
    assert (await step(town.owner, community, membership, "remove")).json()["state"] == "removed"


async def test_fifty_applications_of_one_person_make_one_membership(town: Town) -> None:
    community = await town.community()
    _, person = await town.person()
    answers = await asyncio.gather(*(person.post(base(community)) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49


async def test_of_parallel_decisions_one_counts(town: Town) -> None:
    community = await town.community()
    _, person = await town.person()
    applied = (await person.post(base(community))).json()
    answers = await asyncio.gather(*(step(town.owner, community, applied, name) for name in ["approve", "reject"] * 5))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_roles_decide_who_decides(town: Town) -> None:
    community = await town.community()
    plain, member = await town.member(community)
    _, moderator = await town.member(community, roles=["moderator"])
    managing, manager = await town.member(community, roles=["manager"])
    _, person = await town.person()
    applied = (await person.post(base(community))).json()
    for client in (member, moderator, person):
        assert (await step(client, community, applied, "approve")).status_code == 403
    assert (await step(member, community, plain, "remove")).status_code == 403
    assert (await step(moderator, community, managing, "remove")).status_code == 403
    assert (await step(moderator, community, plain, "leave")).status_code == 403
    assert (await step(moderator, community, plain, "remove")).json()["state"] == "removed"
    assert (await step(manager, community, applied, "approve")).json()["state"] == "approved"
    url = f"{base(community)}/{applied['id']}/roles"
    assert (await moderator.put(url, json={"roles": ["manager"]}, headers={"If-Match": '"2"'})).status_code == 403
    assert (await manager.put(url, json={"roles": ["king"]}, headers={"If-Match": '"2"'})).status_code == 422
    given_ = await manager.put(url, json={"roles": ["editor", "analyst", "editor"]}, headers={"If-Match": '"2"'})
    assert given_.json()["roles"] == ["analyst", "editor"]


async def test_members_see_members_and_staff_see_applications(town: Town) -> None:
    community = await town.community()
    plain, member = await town.member(community)
    _, person = await town.person()
    applied = (await person.post(base(community), json={"message": "private"})).json()
    listed = (await member.get(base(community))).json()["data"]
    assert {one["state"] for one in listed} == {"approved"}
    assert len(listed) == 2
    assert (await member.get(base(community), params={"state": "applied"})).json()["data"] == []
    assert [
        one["id"] for one in (await town.owner.get(base(community), params={"state": "applied"})).json()["data"]
    ] == [applied["id"]]
    assert (await member.get(f"{base(community)}/{applied['id']}")).status_code == 404
    assert (await person.get(f"{base(community)}/{plain['id']}")).status_code == 404
    assert (await person.get(base(community))).status_code == 403
    assert (await person.get(f"{base(community)}/{applied['id']}")).json()["message"] == "private"
    stranger = (await found_town(town.kit)).owner
    for path in ("", "/me", f"/{plain['id']}"):
        assert (await stranger.get(base(community) + path)).status_code == 404


async def test_the_list_is_paged(town: Town) -> None:
    community = await town.community()
    items = [{"external_id": f"x:{n}", "display_name": f"N{n}"} for n in range(9)]
    await town.owner.post(f"{base(community)}/imports", json={"source": "test", "items": items})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await town.owner.get(base(community), params={"limit": 4, **cursor})).json()
        seen += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 10
    other = await town.community()
    assert (await town.owner.get(base(other), params={"limit": 4, **cursor})).status_code == 422


async def test_staff_of_the_organization_are_marked(town: Town) -> None:
    community = await town.community()
    membership, _ = await town.member(community)
    account = membership["account_id"]
    for version, role in ((2, "admin"), (3, None)):
        event = OrganizationRoleChanged(account_id=account, role=role)
        await town.kit.deliver(envelope(event, town.organization, event.account_id, version=version))
        seen = (await town.owner.get(f"{base(community)}/{membership['id']}")).json()
        assert seen["staff"] is (role is not None)


async def test_a_merge_hands_memberships_over(town: Town) -> None:
    both, only = await town.community(), await town.community()
    kept, _ = await town.member(both)
    gone_account, gone = await town.person()
    for community in (both, only):
        applied = (await gone.post(base(community))).json()
        await step(town.owner, community, applied, "approve")
    event = AccountMerged(account_id=kept["account_id"], merged_account_id=gone_account)
    await town.kit.deliver(envelope(event, town.organization, event.account_id, version=2))
    for community in (both, only):
        accounts = [one["account_id"] for one in (await town.owner.get(base(community))).json()["data"]]
        assert sorted(accounts) == sorted([str(town.owner_id), kept["account_id"]])
    assert (await gone.get(f"{base(both)}/me")).json()["state"] == "left"


@given(st.lists(st.sampled_from(sorted(policy.STEPS)), max_size=15))
def test_nobody_belongs_without_an_approval(steps: list[str]) -> None:
    state, approved = MembershipState.APPLIED, False
    for name in steps:
        after = policy.next_state(name, state)
        if after is None:
            continue
        approved = name == "approve"
        state = after
        assert (state is MembershipState.APPROVED) == approved
        # Who was removed cannot apply: only an approval brings back.
        assert state is not MembershipState.REMOVED or policy.next_state("apply", state) is None


@given(
    state=st.sampled_from(MembershipState),
    own=st.booleans(),
    manages=st.booleans(),
    roles=st.frozensets(st.sampled_from(CommunityRole)),
)
def test_what_one_may_do_is_what_the_steps_allow(
    *, state: MembershipState, own: bool, manages: bool, roles: frozenset[CommunityRole]
) -> None:
    can = policy.allowed(state, own=own, manages=manages, moderates=True, roles=roles)
    for name in set(can) - {"roles"}:
        assert policy.next_state(name, state) is not None
    if not manages:
        assert not {"approve", "reject", "roles"} & set(can)
        assert "remove" not in can or not roles
    if own:
        assert "remove" not in can


# --- imports ---------------------------------------------------------------------------------------------------------


async def bring(
    town: Town, community: dict[str, Any], items: list[Any], client: httpx.AsyncClient | None = None
) -> httpx.Response:
    return await (client or town.owner).post(f"{base(community)}/imports", json={"source": "slack", "items": items})


PEOPLE: list[dict[str, Any]] = [
    {"external_id": "slack:U1", "display_name": "Ann", "joined_at": "2018-01-03T09:00:00.000028Z"},
    {"external_id": "slack:U2", "display_name": "Bot", "bot": True},
    {"external_id": "slack:U3", "display_name": "Gone", "deleted": True},
]


async def test_an_import_makes_members_without_credential_and_again_changes_nothing(town: Town) -> None:
    community = await town.community(state="draft")
    first = await bring(town, community, PEOPLE)
    assert first.status_code == 200, first.text
    assert (first.json()["created"], first.json()["existing"], first.json()["rejected"]) == (3, 0, [])
    ids = {item["external_id"]: item for item in first.json()["items"]}
    assert set(first.headers["hearth-position"].split(", ")) == {
        f"membership/{item['membership_id']}@1" for item in ids.values()
    }
    events = [
        one
        for one in await town.kit.events(*MEMBERSHIP_EVENTS)
        if one.organization == town.organization and one.origin == "import"
    ]
    states = {one.data["account_id"]: (one.data["state"], one.data["bot"]) for one in events}
    assert states == {
        ids["slack:U1"]["account_id"]: ("approved", False),
        ids["slack:U2"]["account_id"]: ("approved", True),
        ids["slack:U3"]["account_id"]: ("left", False),
    }
    [ann] = [one for one in events if one.data["account_id"] == ids["slack:U1"]["account_id"]]
    assert ann.time.isoformat() == "2018-01-03T09:00:00.000028+00:00"
    before = len(await town.kit.events())
    second = await bring(town, community, PEOPLE)
    assert (second.json()["created"], second.json()["existing"]) == (0, 3)
    assert {item["external_id"]: item["account_id"] for item in second.json()["items"]} == {
        k: v["account_id"] for k, v in ids.items()
    }
    assert second.headers["hearth-position"] == first.headers["hearth-position"]
    assert len(await town.kit.events()) == before


async def test_parallel_imports_agree(town: Town) -> None:
    community = await town.community()
    answers = await asyncio.gather(*(bring(town, community, PEOPLE) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["created"] for answer in answers) == 3


async def test_one_person_in_two_communities_is_one_account(town: Town) -> None:
    one, two = await town.community(), await town.community()
    first, second = (await bring(town, one, PEOPLE)).json(), (await bring(town, two, PEOPLE)).json()
    assert second["created"] == 3
    assert [item["account_id"] for item in first["items"]] == [item["account_id"] for item in second["items"]]


async def test_bad_items_are_told_one_by_one_and_the_rest_is_taken(town: Town) -> None:
    community = await town.community()
    bad: list[tuple[Any, str]] = [
        ({"external_id": "", "display_name": "x"}, "string-too-short"),
        ({"display_name": "x"}, "missing"),
        ({"external_id": "a", "display_name": "  "}, "string-too-short"),
        ({"external_id": "b", "display_name": "x" * 201}, "string-too-long"),
        ({"external_id": "c", "display_name": "x\u0000y"}, "control-character"),
        ({"external_id": "d", "display_name": "x", "joined_at": "2999-01-01T00:00:00Z"}, "time-invalid"),
        ({"external_id": "e", "display_name": "x", "joined_at": "2018-01-01T00:00:00"}, "time-invalid"),
        ({"external_id": "f", "display_name": "x", "colour": 1}, "extra-forbidden"),
        ({"external_id": "g", "display_name": ["x"]}, "string-type"),
    ]
    answer = await bring(town, community, [*(item for item, _ in bad), PEOPLE[0], PEOPLE[0]])
    assert answer.status_code == 200, answer.text
    assert [(one["index"], one["code"]) for one in answer.json()["rejected"]] == [
        (n, code) for n, (_, code) in enumerate(bad)
    ]
    assert (answer.json()["created"], answer.json()["existing"]) == (1, 1)


async def test_imports_are_for_managers_and_bounded(town: Town) -> None:
    community = await town.community()
    _, member = await town.member(community)
    assert (await bring(town, community, PEOPLE, member)).status_code == 403
    many = [{"external_id": str(n), "display_name": "x"} for n in range(101)]
    for items in ([], many, ["x"], "x"):
        assert (await bring(town, community, items)).status_code == 422  # type: ignore[arg-type]
    archived = await town.community(state="archived")
    assert (await bring(town, archived, PEOPLE)).status_code == 409
    assert (await bring(town, {"id": str(new_id())}, PEOPLE)).status_code == 404
