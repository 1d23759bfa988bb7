"""Community templates: made, changed, previewed and rolled out, with the communities' own edits kept."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.groups.test_groups import crowd
from tests.members.statements import counted
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import CharterChanged, GroupUpdated
from members.communities.templates import policy
from members.communities.templates.policy import Action

URL = "/v1/community-templates"
CONTENT: dict[str, Any] = {
    "description": {"en": "A little every day."},
    "charter": {"audience": {"en": "Learners"}, "promise": {"en": "You dare to speak"}},
    "card": {"purpose": {"en": "Speak"}, "rules": [{"text": {"en": "Be kind"}, "interpretation": {"en": "Always."}}]},
    "groups": [
        {"key": "speaking", "dimension": "interest", "name": {"en": "Speaking"}, "capacity": 50},
        {"key": "reading", "dimension": "interest", "name": {"en": "Reading"}, "card": {"times": {"en": "Sundays"}}},
    ],
}


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def template(town: Town, **content: Any) -> dict[str, Any]:
    answer = await town.owner.post(URL, json={"title": {"en": "City"}, "content": {**CONTENT, **content}})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change(town: Town, one: dict[str, Any], **content: Any) -> dict[str, Any]:
    answer = await town.owner.patch(
        f"{URL}/{one['id']}",
        json={"content": {**one["content"], **content}},
        headers={"If-Match": f'"{one["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def community(town: Town, one: dict[str, Any]) -> dict[str, Any]:
    body = {"name": {"en": "Shanghai"}, "slug": f"c-{new_id().hex[-12:]}", "zone": "Asia/Shanghai"}
    answer = await town.owner.post(f"{URL}/{one['id']}/communities", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def roll_out(town: Town, one: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = await town.owner.post(f"{URL}/{one['id']}/rollouts", json={"version": one["version"], **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == one["version"]
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


async def groups(town: Town, made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = (await town.owner.get(f"/v1/communities/{made['id']}/groups")).json()["data"]
    return {one["name"]["en"]: one for one in found}


async def patch(town: Town, path: str, body: dict[str, Any]) -> httpx.Response:
    etag = (await town.owner.get(path)).headers["etag"]
    answer = await town.owner.patch(path, json=body, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_community_is_made_whole_from_a_template(town: Town) -> None:
    one = await template(town)
    made = await community(town, one)
    assert (made["state"], made["description"]) == ("draft", CONTENT["description"])
    assert "edit" in made["can"]
    url = f"/v1/communities/{made['id']}"
    charter = (await town.owner.get(f"{url}/charter")).json()
    assert (charter["content"], charter["version"]) == (CONTENT["charter"], 1)
    card = (await town.owner.get(f"{url}/card")).json()
    assert (card["purpose"], card["rules"], card["version"]) == ({"en": "Speak"}, CONTENT["card"]["rules"], 1)
    assert [host["id"] for host in card["hosts"]] == [str(town.owner_id)]
    found = await groups(town, made)
    assert {name: group["capacity"] for name, group in found.items()} == {"Speaking": 50, "Reading": None}
    times = (await town.owner.get(f"{url}/groups/{found['Reading']['id']}/card")).json()["times"]
    assert times == {"en": "Sundays"}
    assert (await town.owner.get(f"{URL}/{one['id']}")).json()["communities"] == 1
    own = (await town.owner.get(f"{url}/memberships/me")).json()
    assert own["roles"] == ["manager"]
    taken = await town.owner.post(
        f"{URL}/{one['id']}/communities", json={"name": {"en": "x"}, "slug": made["slug"], "zone": "UTC"}
    )
    assert taken.status_code == 409
    assert (await town.owner.get(f"{URL}/{one['id']}")).json()["communities"] == 1, "in one transaction"


async def test_a_preview_of_many_asks_no_more_than_one_of_few(town: Town) -> None:
    one = await template(town)
    asked = []
    for _ in range(2):
        for _ in range(2):
            await community(town, one)
        with counted(town.kit) as sent:
            page = (await town.owner.get(f"{URL}/{one['id']}/preview")).json()["data"]
        asked.append((len(page), len(sent)))
    assert asked[0][0] == 2
    assert asked[1] == (4, asked[0][1])


async def test_a_change_is_previewed_and_rolled_out_with_a_result_each(town: Town) -> None:
    one = await template(town)
    clean, edited, archived = [await community(town, one) for _ in range(3)]
    stranger = await town.community(state="draft")
    await patch(town, f"/v1/communities/{edited['id']}/charter", {"promise": {"en": "Our own promise"}})
    await patch(town, f"/v1/communities/{edited['id']}", {"description": {"en": "Our own words"}})
    version = (await town.owner.get(f"/v1/communities/{archived['id']}")).headers["etag"]
    await town.owner.post(f"/v1/communities/{archived['id']}/archive", headers={"If-Match": version})
    newer = await change(
        town,
        one,
        charter={"audience": {"en": "Learners with a job"}, "promise": {"en": "Three months"}},
        groups=[
            {**CONTENT["groups"][0], "capacity": 80},
            CONTENT["groups"][1],
            {"key": "exams", "dimension": "product", "name": {"en": "Exams"}, "card": {"purpose": {"en": "Pass"}}},
        ],
    )
    assert newer["version"] == 2
    same = await patch(town, f"{URL}/{one['id']}", {"title": {"en": "City"}})
    assert same.json()["version"] == 2, "nothing new, no new version"
    url = f"{URL}/{one['id']}/preview"
    page = (await town.owner.get(url, params={"limit": 2})).json()
    rest = (await town.owner.get(url, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    seen = {entry["community_id"]: entry for entry in page["data"] + rest["data"]}
    assert {key: entry["outcome"] for key, entry in seen.items()} == {
        clean["id"]: "applied",
        edited["id"]: "conflict",
        archived["id"]: "failed",
    }
    actions = {entry["field"]: entry["action"] for entry in seen[edited["id"]]["changes"]}
    assert actions == {
        "charter/audience": "change",
        "charter/promise": "conflict",
        "description": "kept",
        "groups/exams/capacity": "change",
        "groups/exams/card/purpose": "change",
        "groups/exams/dimension": "change",
        "groups/exams/name": "change",
        "groups/exams/self_join": "change",
        "groups/speaking/capacity": "change",
    }
    assert (await groups(town, clean))["Speaking"]["capacity"] == 50, "a preview changes nothing"
    before = len(await town.kit.events(CharterChanged))
    results = await roll_out(town, newer, targets=[clean["id"], edited["id"], archived["id"], stranger["id"]])
    assert {result["community_id"]: (result["outcome"], result["code"]) for result in results} == {
        clean["id"]: ("applied", None),
        edited["id"]: ("conflict", None),
        archived["id"]: ("failed", "community-archived"),
        stranger["id"]: ("failed", "not-of-template"),
    }
    assert len(await town.kit.events(CharterChanged)) == before + 2, "who failed told nothing"
    for made in (clean, edited):
        found = await groups(town, made)
        assert (found["Speaking"]["capacity"], found["Exams"]["dimension"]) == (80, "product")
    charter = (await town.owner.get(f"/v1/communities/{edited['id']}/charter")).json()["content"]
    assert charter == {"audience": {"en": "Learners with a job"}, "promise": {"en": "Our own promise"}}
    again = {result["community_id"]: result["outcome"] for result in await roll_out(town, newer)}
    assert again == {clean["id"]: "unchanged", edited["id"]: "conflict", archived["id"]: "failed"}
    forced = await roll_out(town, newer, targets=[edited["id"]], force=True)
    assert forced[0]["outcome"] == "applied"
    assert {entry["field"] for entry in forced[0]["changes"]} == {"charter/promise", "description"}
    read = (await town.owner.get(f"/v1/communities/{edited['id']}")).json()
    assert read["description"] == CONTENT["description"]
    assert (await roll_out(town, newer, targets=[edited["id"]]))[0]["outcome"] == "unchanged"


async def test_what_fails_in_one_community_is_taken_back_there_alone(town: Town) -> None:
    one = await template(town)
    full, other = await community(town, one), await community(town, one)
    people = await crowd(town, full, 2)
    group = (await groups(town, full))["Speaking"]
    await patch(town, f"/v1/communities/{full['id']}/groups/{group['id']}", {"capacity": 60})
    body = {"account_ids": [str(person) for person in people]}
    await town.owner.post(f"/v1/communities/{full['id']}/groups/{group['id']}/members", json=body)
    newer = await change(town, one, description={"en": "Smaller."}, groups=[{**CONTENT["groups"][0], "capacity": 1}])
    events = len(await town.kit.events())
    results = {r["community_id"]: r for r in await roll_out(town, newer, force=True)}
    assert (results[full["id"]]["outcome"], results[full["id"]]["code"]) == ("failed", "capacity-below-members")
    assert results[other["id"]]["outcome"] == "applied"
    read = (await town.owner.get(f"/v1/communities/{full['id']}")).json()
    assert read["description"] == CONTENT["description"], "nothing of it stays"
    fresh = (await town.kit.events())[events:]
    assert {str(event.community) for event in fresh} == {other["id"]}
    assert [event.type for event in fresh].count(GroupUpdated.type) == 1


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"groups": [{"key": "A b", "dimension": "interest", "name": {"en": "x"}}]}, "/content/groups/0/key"),
        ({"groups": [{"key": "aa", "dimension": "colour", "name": {"en": "x"}}]}, "/content/groups/0/dimension"),
        ({"groups": [CONTENT["groups"][0]] * 2}, "/content"),
        ({"charter": {"colour": {"en": "red"}}}, "/content/charter/colour"),
        ({"colour": "red"}, "/content/colour"),
    ],
)
async def test_bad_templates_say_where(town: Town, content: dict[str, Any], pointer: str) -> None:
    answer = await town.owner.post(URL, json={"title": {"en": "x"}, "content": content})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_templates_are_versioned_paged_and_for_staff_of_the_organization(town: Town) -> None:
    one, two = await template(town), await template(town)
    other = {"groups": [{**CONTENT["groups"][0], "dimension": "product"}]}
    url = f"{URL}/{one['id']}"
    refused = await town.owner.patch(url, json={"content": other}, headers={"If-Match": '"1"'})
    assert refused.json()["errors"][0]["pointer"] == "/content/groups/0/dimension"
    assert (await town.owner.patch(url, json={"title": {"en": "y"}})).status_code == 428
    await change(town, one, description={"en": "New"})
    assert (await town.owner.patch(url, json={"title": {"en": "y"}}, headers={"If-Match": '"1"'})).status_code == 412
    old = (await town.owner.get(f"{url}/revisions/1")).json()
    assert (old["version"], old["content"]["description"]) == (1, CONTENT["description"])
    assert (await town.owner.get(f"{url}/revisions/9")).status_code == 404
    page = (await town.owner.get(URL, params={"limit": 1})).json()
    rest = (await town.owner.get(URL, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [page["data"][0]["id"], rest["data"][0]["id"], rest["next_cursor"]] == [one["id"], two["id"], None]
    _, person = await town.person()
    made = await community(town, one)
    (account,) = await crowd(town, made, 1)
    await town.kit.sql("UPDATE membership SET roles = '{manager}' WHERE account_id = $1", account)
    manager = town.kit.person(town.organization, account)
    elsewhere = (await found_town(town.kit)).owner
    for path in (url, f"{url}/preview", f"{url}/revisions/1"):
        assert (await elsewhere.get(path)).status_code == 404
        for client in (person, manager, town.kit.partner(town.organization)):
            assert (await client.get(path)).status_code == 403
    body = {"version": 1, "targets": [made["id"]]}
    assert (await elsewhere.post(f"{url}/rollouts", json=body)).status_code == 404
    assert (await manager.post(f"{url}/rollouts", json=body)).status_code == 403
    foreign = (await elsewhere.post(URL, json={"title": {"en": "z"}, "content": {}})).json()
    stolen = (await elsewhere.post(f"{URL}/{foreign['id']}/rollouts", json=body)).json()["results"]
    assert stolen[0]["code"] == "not-of-template", "another tenant's community is none"


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


fields = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([1, 2, 3, {}]))


@given(fields, fields, fields, st.booleans())
def test_a_rollout_loses_no_edit_and_is_done_once(
    template_: dict[str, Any],
    applied: dict[str, Any],
    current: dict[str, Any],
    force: bool,  # noqa: FBT001
) -> None:
    template_ = {field: value for field, value in template_.items() if value != {}}
    changes = policy.compare(template_, applied, current, force=force)
    set_ = {change.field: change.after for change in changes if change.action is Action.CHANGE}
    after = {**current, **set_}
    for field in set_:
        own = current.get(field, {}) != applied.get(field, {})
        assert force or not own, "an own edit was overwritten"
    noted = policy.applied_after(template_, applied, changes)
    again = policy.compare(template_, noted, after)
    assert not any(change.action is Action.CHANGE for change in again)
    assert not (force and again)
    kept = {change.field for change in changes} - set(set_)
    assert {change.field for change in again} == kept, "what was kept is told each time"
    assert all(after.get(field, {}) == value for field, value in template_.items() if field not in kept)
