"""Forms, policies and personas: written by managers in versions, read by those who may."""

from typing import Any

import pytest
from tests.members.screening.scene import ANSWERS, AUTOMATIC, FORM, match, persona, screening, url
from tests.members.town import Town, found_town

from chassis.testing.kit import Kit
from contracts.members import FormChanged, PersonaChanged, ScreeningPolicyChanged


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def test_a_form_has_versions_and_shows_applicants_no_points(town: Town) -> None:
    community = await screening(town)
    _, person = await town.person()
    seen = (await person.get(url(community, "/form"))).json()
    assert (seen["version"], seen["title"], seen["can"]) == (1, FORM["title"], [])
    assert "points" not in str(seen)
    assert "learners" not in str(seen)
    assert [one["key"] for one in seen["questions"]] == ["level", "hours", "interests", "why", "age", "rules"]
    assert (await town.owner.get(url(community, "/form"))).json()["questions"][0]["options"][0]["points"] == 3
    stale = await town.owner.put(url(community, "/form"), json=FORM, headers=match(0))
    assert stale.status_code == 412
    shorter = {**FORM, "questions": FORM["questions"][:1]}
    written = await town.owner.put(url(community, "/form"), json=shorter, headers=match(1))
    assert (written.status_code, written.headers["etag"]) == (200, '"2"')
    versions = (await town.owner.get(url(community, "/forms"), params={"limit": 1})).json()
    assert [one["version"] for one in versions["data"]] == [2]
    rest = await town.owner.get(url(community, "/forms"), params={"limit": 1, "cursor": versions["next_cursor"]})
    assert [one["version"] for one in rest.json()["data"]] == [1]
    assert len((await town.owner.get(url(community, "/forms/1"))).json()["questions"]) == 6
    assert (await town.owner.get(url(community, "/forms/3"))).status_code == 404
    events = [one for one in await town.kit.events(FormChanged) if str(one.aggregateid) == community["id"]]
    assert [(one.aggregateversion, one.data["questions"]) for one in events] == [(1, 6), (2, 1)]


@pytest.mark.parametrize(
    ("questions", "pointer"),
    [
        ([{"key": "x", "kind": "poem", "label": {"en": "?"}}], "/questions/0"),
        ([{"key": "X", "kind": "text", "label": {"en": "?"}}], "/questions/0/key"),
        ([{"key": "x", "kind": "text", "label": {}}], "/questions/0/label"),
        ([{"key": "x", "kind": "text", "label": {"en": "?"}}] * 2, "/questions/1/key"),
        ([{"key": "x", "kind": "scale", "label": {"en": "?"}, "highest": 1}], "/questions/0/highest"),
        ([{"key": f"q{n}", "kind": "consent", "label": {"en": "?"}} for n in range(51)], "/questions"),
    ],
)
async def test_a_form_that_cannot_be_says_where(town: Town, questions: list[Any], pointer: str) -> None:
    community = await town.community()
    answer = await town.owner.put(
        url(community, "/form"), json={"title": {"en": "x"}, "questions": questions}, headers=match(0)
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await town.owner.get(url(community, "/form"))).json()["version"] == 0


async def test_a_policy_has_versions(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    found = (await town.owner.get(url(community, "/screening-policy"))).json()
    assert (found["version"], found["mode"], found["approve_at"], found["decide_within_hours"]) == (
        2,
        "automatic",
        5,
        72,
    )
    first = (await town.owner.get(url(community, "/screening-policies/1"))).json()
    assert (first["mode"], first["approve_at"]) == ("review", None)
    page = (await town.owner.get(url(community, "/screening-policies"))).json()
    assert [one["version"] for one in page["data"]] == [2, 1]
    events = [one for one in await town.kit.events(ScreeningPolicyChanged) if str(one.aggregateid) == community["id"]]
    assert [one.data["mode"] for one in events] == ["review", "automatic"]


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ({"mode": "dice"}, "/mode"),
        ({"mode": "automatic"}, "/approve_at"),
        ({"mode": "automatic", "approve_at": 1, "reject_below": 5}, "/reject_below"),
        ({"mode": "review", "approve_at": 1}, "/approve_at"),
        ({"mode": "review", "decide_within_hours": 0}, "/decide_within_hours"),
        (
            {
                "mode": "review",
                "tag_rules": [{"when": {"all": [{"question": "age", "any_of": ["old"]}]}, "tags": ["x"]}],
            },
            "/tag_rules/0/when/all/0/any_of/0",
        ),
        ({"mode": "review", "tag_rules": [{"when": {}, "tags": ["a/b"]}]}, "/tag_rules/0/tags/0"),
    ],
)
async def test_a_policy_that_cannot_be_meant_says_where(town: Town, policy: dict[str, Any], pointer: str) -> None:
    community = await screening(town)
    answer = await town.owner.put(url(community, "/screening-policy"), json=policy, headers=match(1))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_personas_are_made_changed_and_retired(town: Town) -> None:
    community = await screening(town)
    rule = {"all": [{"question": "level", "any_of": ["beginner"]}], "any": []}
    made = await persona(town, community, 2, rule=rule, position=3)
    assert (made["quota"], made["taken"], made["waiting"], made["can"]) == (2, 0, 0, ["edit", "retire"])
    one = url(community, f"/personas/{made['id']}")
    assert (await town.owner.patch(one, json={"quota": 5})).status_code == 428
    changed = await town.owner.patch(one, json={"quota": None, "position": 1}, headers=match(1))
    assert (changed.json()["quota"], changed.json()["position"], changed.json()["rule"]) == (None, 1, rule)
    assert (await town.owner.patch(one, json={"quota": 5}, headers=match(1))).status_code == 412
    assert [p["id"] for p in (await town.owner.get(url(community, "/personas"))).json()["data"]] == [made["id"]]
    assert (await town.owner.delete(one, headers=match(2))).status_code == 204
    assert (await town.owner.get(url(community, "/personas"))).json()["data"] == []
    assert (await town.owner.patch(one, json={"quota": 5}, headers=match(3))).status_code == 404
    events = [e for e in await town.kit.events(PersonaChanged) if str(e.aggregateid) == made["id"]]
    assert [(e.aggregateversion, e.data["quota"], e.data["retired"]) for e in events] == [
        (1, 2, False),
        (2, None, False),
        (3, None, True),
    ]


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"all": [{"question": "colour", "any_of": ["red"]}]}, "/rule/all/0/question"),
        ({"any": [{"question": "level", "any_of": ["expert"]}]}, "/rule/any/0/any_of/0"),
        ({"all": [{"question": "level", "at_least": 3}]}, "/rule/all/0"),
        ({"all": [{"question": "level"}]}, "/rule/all/0"),
        ({"all": [{"at_least": 5, "at_most": 3}]}, "/rule/all/0"),
        ({"all": [{"any_of": ["x"]}]}, "/rule/all/0"),
    ],
)
async def test_a_rule_that_cannot_hold_says_where(town: Town, rule: dict[str, Any], pointer: str) -> None:
    community = await screening(town)
    answer = await town.owner.post(url(community, "/personas"), json={"name": {"en": "x"}, "rule": rule})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_who_may(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    _, person = await town.person()
    _, moderator = await _member(town, community, ["moderator"])
    stranger = (await found_town(town.kit)).owner
    partner = town.kit.partner(town.organization)
    for path, body in (("/form", FORM), ("/screening-policy", AUTOMATIC)):
        for client, status in ((person, 403), (moderator, 403), (stranger, 404), (partner, 403)):
            assert (await client.put(url(community, path), json=body, headers=match(9))).status_code == status
    body = {"name": {"en": "x"}, "rule": {}}
    for client, status in ((person, 403), (moderator, 403), (stranger, 404), (partner, 403)):
        assert (await client.post(url(community, "/personas"), json=body)).status_code == status
    for path in ("/forms", "/screening-policy", "/screening-policies", "/personas", "/applications"):
        assert (await moderator.get(url(community, path))).status_code == 200
        assert (await person.get(url(community, path))).status_code == 403
        assert (await stranger.get(url(community, path))).status_code == 404
    assert (await stranger.get(url(community, "/form"))).status_code == 404
    submitted = await stranger.post(url(community, "/applications"), json={"answers": ANSWERS})
    assert submitted.status_code == 404


async def _member(town: Town, community: dict[str, Any], roles: list[str]) -> tuple[Any, Any]:
    account, client = await town.person()
    await client.post(url(community, "/applications"), json={"answers": ANSWERS})
    own = (await client.get(url(community, "/memberships/me"))).json()
    assert own["state"] == "approved"
    answer = await town.owner.put(
        url(community, f"/memberships/{own['id']}/roles"), json={"roles": roles}, headers=match(own["version"])
    )
    assert answer.status_code == 200, answer.text
    return account, client
