"""Templates of groups: groups made in many communities at once, changed, previewed and rolled out, with the groups' own edits kept."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.members.communities.test_templates import patch
from tests.members.groups.test_groups import add, base, crowd
from tests.members.statements import counted
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import CardChanged, GroupCreated, GroupUpdated

URL = "/v1/group-templates"
CONTENT: dict[str, Any] = {
    "dimension": "interest",
    "name": {"zh": "口语角", "en": "Speaking"},
    "capacity": 2,
    "self_join": True,
    "card": {"purpose": {"en": "Speak"}, "rules": [{"text": {"en": "Be kind"}, "interpretation": {"en": "Always."}}]},
}


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def template(town: Town, **content: Any) -> dict[str, Any]:
    answer = await town.owner.post(URL, json={"title": {"en": "Speaking"}, "content": {**CONTENT, **content}})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change(town: Town, one: dict[str, Any], **content: Any) -> dict[str, Any]:
    changed: dict[str, Any] = (
        await patch(town, f"{URL}/{one['id']}", {"content": {**one["content"], **content}})
    ).json()
    return changed


async def made_in(town: Town, one: dict[str, Any], *communities: str, **more: Any) -> list[dict[str, Any]]:
    answer = await town.owner.post(f"{URL}/{one['id']}/groups", json={"communities": list(communities), **more})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


async def roll_out(town: Town, one: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    answer = await town.owner.post(f"{URL}/{one['id']}/rollouts", json={"version": one["version"], **more})
    assert answer.status_code == 200, answer.text
    return {result["group_id"]: result for result in answer.json()["results"]}


async def groups(town: Town, community: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await town.owner.get(base(community))).json()["data"]
    return found


async def test_one_call_makes_groups_in_many_communities_and_says_what_became_of_each(town: Town) -> None:
    one = await template(town)
    open_, draft = await town.community(), await town.community(state="draft")
    archived, foreign = await town.community(state="archived"), await (await found_town(town.kit)).community()
    named = [open_["id"], archived["id"], foreign["id"], draft["id"], open_["id"]]
    results = await made_in(town, one, *named)
    assert [(result["community_id"], result["outcome"], result["code"]) for result in results] == [
        (open_["id"], "created", None),
        (archived["id"], "failed", "community-archived"),
        (foreign["id"], "failed", "not-found"),
        (draft["id"], "created", None),
    ]
    [group] = await groups(town, open_)
    assert group["id"] == results[0]["group_id"]
    assert {name: group[name] for name in ("dimension", "name", "capacity", "self_join")} == {
        name: CONTENT[name] for name in ("dimension", "name", "capacity", "self_join")
    }
    card = (await town.owner.get(f"{base(open_)}/{group['id']}/card")).json()
    assert (card["purpose"], card["rules"], card["version"]) == ({"en": "Speak"}, CONTENT["card"]["rules"], 1)
    assert len(await groups(town, draft)) == 1
    assert (await town.owner.get(f"{URL}/{one['id']}")).json()["groups"] == 2
    told = [e for e in await town.kit.events(GroupCreated, CardChanged) if e.organization == town.organization]
    assert sorted({str(e.community) for e in told}) == sorted([open_["id"], draft["id"]]), "who failed told nothing"


async def test_a_preview_of_many_asks_no_more_than_one_of_few(town: Town) -> None:
    one = await template(town)
    asked = []
    for _ in range(2):
        await made_in(town, one, *[(await town.community(state="draft"))["id"] for _ in range(2)])
        with counted(town.kit) as sent:
            page = (await town.owner.get(f"{URL}/{one['id']}/preview")).json()["data"]
        asked.append((len(page), len(sent)))
    assert asked[0][0] == 2
    assert asked[1] == (4, asked[0][1])


async def test_a_change_is_previewed_and_rolled_out_with_own_edits_kept(town: Town) -> None:
    one = await template(town)
    places = [await town.community() for _ in range(3)]
    clean, edited, ended = [result["group_id"] for result in await made_in(town, one, *(c["id"] for c in places))]
    own = {"name": {"en": "Our corner"}, "capacity": 9}
    await patch(town, f"{base(places[1])}/{edited}", own)
    await patch(town, f"{base(places[1])}/{edited}/card", {"times": {"en": "Sundays"}})
    etag = (await town.owner.get(f"/v1/communities/{places[2]['id']}")).headers["etag"]
    await town.owner.post(f"/v1/communities/{places[2]['id']}/archive", headers={"If-Match": etag})
    newer = await change(town, one, capacity=50, card={"purpose": {"en": "Dare to speak"}})
    assert newer["version"] == 2
    preview = f"{URL}/{one['id']}/preview"
    page = (await town.owner.get(preview, params={"limit": 2})).json()
    rest = (await town.owner.get(preview, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    seen = {entry["group_id"]: entry for entry in page["data"] + rest["data"]}
    assert {group: entry["outcome"] for group, entry in seen.items()} == {
        clean: "applied",
        edited: "conflict",
        ended: "failed",
    }
    assert seen[edited]["changes"] == [
        {"field": "capacity", "action": "conflict", "before": 9, "after": 50},
        {"field": "card/purpose", "action": "change", "before": {"en": "Speak"}, "after": {"en": "Dare to speak"}},
        {"field": "name", "action": "kept", "before": own["name"], "after": CONTENT["name"]},
    ]
    assert (await groups(town, places[0]))[0]["capacity"] == 2, "a preview changes nothing"
    own_group = (await town.owner.post(base(places[0]), json={"dimension": "other", "name": {"en": "x"}})).json()["id"]
    before = len(await town.kit.events(GroupUpdated))
    nowhere = str(new_id())
    results = await roll_out(town, newer, targets=[clean, edited, ended, own_group, nowhere])
    assert {group: (result["outcome"], result["code"]) for group, result in results.items()} == {
        clean: ("applied", None),
        edited: ("conflict", None),
        ended: ("failed", "community-archived"),
        own_group: ("failed", "not-of-template"),
        nowhere: ("failed", "not-of-template"),
    }
    assert len(await town.kit.events(GroupUpdated)) == before + 1
    assert (await groups(town, places[0]))[0]["capacity"] == 50
    [kept] = await groups(town, places[1])
    assert (kept["name"], kept["capacity"]) == (own["name"], 9)
    card = (await town.owner.get(f"{base(places[1])}/{edited}/card")).json()
    assert (card["purpose"], card["times"]) == ({"en": "Dare to speak"}, {"en": "Sundays"})
    again = {group: result["outcome"] for group, result in (await roll_out(town, newer)).items()}
    assert again == {clean: "unchanged", edited: "conflict", ended: "failed"}
    forced = (await roll_out(town, newer, targets=[edited], force=True))[edited]
    assert (forced["outcome"], {entry["field"] for entry in forced["changes"]}) == ("applied", {"capacity", "name"})
    [set_] = await groups(town, places[1])
    assert (set_["name"], set_["capacity"]) == (CONTENT["name"], 50)
    assert (await roll_out(town, newer, targets=[edited]))[edited]["outcome"] == "unchanged"


async def test_what_fails_in_one_group_is_taken_back_there_alone(town: Town) -> None:
    one = await template(town)
    full, other = await town.community(), await town.community()
    (crowded, free) = [result["group_id"] for result in await made_in(town, one, full["id"], other["id"])]
    await add(town, full, {"id": crowded}, *await crowd(town, full, 2))
    newer = await change(town, one, capacity=1, card={"purpose": {"en": "Smaller"}})
    results = await roll_out(town, newer)
    assert (results[crowded]["outcome"], results[crowded]["code"]) == ("failed", "capacity-below-members")
    assert results[free]["outcome"] == "applied"
    card = (await town.owner.get(f"{base(full)}/{crowded}/card")).json()
    assert card["purpose"] == {"en": "Speak"}, "nothing of it stays"


async def test_a_full_group_opens_its_next_as_its_template_says(town: Town) -> None:
    one = await template(town)
    community = await town.community()
    [result] = await made_in(town, one, community["id"])
    first = result["group_id"]
    # The group's own: another way in, a card with times, and a closed self-service.
    await patch(town, f"{base(community)}/{first}", {"self_join": False, "name": {"en": "Ours"}})
    await patch(town, f"{base(community)}/{first}/card", {"purpose": {"en": "Ours"}, "times": {"en": "Sundays"}})
    await change(town, one, capacity=1)
    people = await crowd(town, community, 5)
    await add(town, community, {"id": first}, *people[:3])
    _, second = await groups(town, community)
    assert (second["name"], second["capacity"], second["self_join"]) == (
        {"zh": "口语角 2", "en": "Speaking 2"},
        2,
        True,
    )
    card = (await town.owner.get(f"{base(community)}/{second['id']}/card")).json()
    assert (card["purpose"], card["times"], card["version"]) == ({"en": "Speak"}, {"en": "Sundays"}, 1)
    newer = await change(town, one, capacity=3, name={"en": "Talking"})
    preview = (await town.owner.get(f"{URL}/{one['id']}/preview")).json()["data"]
    assert [entry["group_id"] for entry in preview] == [first, second["id"]], "what opened by itself is reached too"
    results = await roll_out(town, newer)
    assert (results[first]["outcome"], results[second["id"]]["outcome"]) == ("conflict", "applied")
    _, second = await groups(town, community)
    assert (second["name"], second["capacity"]) == ({"en": "Talking 2"}, 3)
    assert (await roll_out(town, newer, targets=[second["id"]]))[second["id"]]["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"dimension": "colour"}, "/content/dimension"),
        ({"name": {}}, "/content/name"),
        ({"capacity": 0}, "/content/capacity"),
        ({"card": {"colour": "red"}}, "/content/card/colour"),
        ({"groups": []}, "/content/groups"),
    ],
)
async def test_bad_templates_say_where(town: Town, content: dict[str, Any], pointer: str) -> None:
    answer = await town.owner.post(URL, json={"title": {"en": "x"}, "content": {**CONTENT, **content}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_templates_are_versioned_paged_apart_from_those_of_communities_and_for_staff(town: Town) -> None:
    one, two = await template(town), await template(town)
    whole = {"title": {"en": "City"}, "content": {"description": {"en": "x"}}}
    city = (await town.owner.post("/v1/community-templates", json=whole)).json()
    url = f"{URL}/{one['id']}"
    refused = await town.owner.patch(
        url, json={"content": {**CONTENT, "dimension": "product"}}, headers={"If-Match": '"1"'}
    )
    assert refused.json()["errors"][0]["pointer"] == "/content/dimension"
    await change(town, one, capacity=7)
    assert (await town.owner.patch(url, json={"title": {"en": "y"}}, headers={"If-Match": '"1"'})).status_code == 412
    old = (await town.owner.get(f"{url}/revisions/1")).json()
    assert (old["version"], old["content"]["capacity"]) == (1, 2)
    page = (await town.owner.get(URL, params={"limit": 1})).json()
    rest = (await town.owner.get(URL, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [page["data"][0]["id"], rest["data"][0]["id"], rest["next_cursor"]] == [one["id"], two["id"], None]
    listed = (await town.owner.get("/v1/community-templates")).json()["data"]
    assert [entry["id"] for entry in listed] == [city["id"]]
    for wrong in (f"{URL}/{city['id']}", f"/v1/community-templates/{one['id']}"):
        for path in (wrong, f"{wrong}/preview", f"{wrong}/revisions/1"):
            assert (await town.owner.get(path)).status_code == 404
        assert (await town.owner.post(f"{wrong}/rollouts", json={"version": 1})).status_code == 404
    community = await town.community()
    (account,) = await crowd(town, community, 1)
    await town.kit.sql("UPDATE membership SET roles = '{manager}' WHERE account_id = $1", account)
    manager, partner = town.kit.person(town.organization, account), town.kit.partner(town.organization)
    stranger = await found_town(town.kit)

    async def statuses(client: httpx.AsyncClient) -> set[int]:
        body = {"communities": [community["id"]]}
        return {
            (await client.get(url)).status_code,
            (await client.get(f"{url}/revisions/1")).status_code,
            (await client.get(f"{url}/preview")).status_code,
            (await client.patch(url, json={"title": {"en": "z"}}, headers={"If-Match": '"2"'})).status_code,
            (await client.post(f"{url}/groups", json=body)).status_code,
            (await client.post(f"{url}/rollouts", json={"version": 1})).status_code,
        }

    assert await statuses(manager) == await statuses(partner) == {403}
    assert await statuses(stranger.owner) == {404}
    assert await groups(town, community) == []
    theirs = await template(stranger)
    assert (await made_in(stranger, theirs, community["id"]))[0]["code"] == "not-found"
    [mine] = await made_in(town, one, community["id"])
    stolen = await roll_out(stranger, theirs, targets=[mine["group_id"]])
    assert stolen[mine["group_id"]]["code"] == "not-of-template", "another tenant's group is none"
    assert stolen[mine["group_id"]]["community_id"] is None


async def test_two_rollouts_at_once_both_end(town: Town) -> None:
    one = await template(town)
    places = [await town.community() for _ in range(4)]
    await made_in(town, one, *(place["id"] for place in places))
    newer = await change(town, one, capacity=8)
    wanted = [group["id"] for place in places for group in await groups(town, place)]
    first, second = wanted, list(reversed(wanted))
    both = await asyncio.gather(*(roll_out(town, newer, targets=targets) for targets in (first, second)))
    results = [result for answered in both for result in answered.values()]
    assert sorted(result["outcome"] for result in results) == ["applied"] * 4 + ["unchanged"] * 4
    kept = await town.kit.sql(
        "SELECT template_version FROM group_template_application WHERE template_id = $1", UUID(one["id"])
    )
    assert [row["template_version"] for row in kept] == [2] * 4


@pytest.mark.parametrize("version", [0, -1, 2**31, 10**30])
async def test_a_version_that_cannot_be_is_refused(town: Town, version: int) -> None:
    one = await template(town)
    url = f"{URL}/{one['id']}"
    for answer, pointer in (
        (await town.owner.get(f"{url}/revisions/{version}"), "/path/version"),
        (await town.owner.get(f"{url}/preview", params={"version": version}), "/query/version"),
        (await town.owner.post(f"{url}/rollouts", json={"version": version}), "/version"),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
