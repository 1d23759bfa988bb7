"""Who belongs, from a draft to a demotion: the way of a community's team and of one member, over the gateway."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from tests.journeys.callers import Caller, Town, found_town
from tests.readiness import STEPS, Step, with_rhythm
from tests.stack_fixture import LiveStack, until

FORM = {
    "title": {"zh": "入群申请", "en": "Application"},
    "questions": [
        {
            "key": "level",
            "kind": "single",
            "label": {"zh": "你的英语？", "en": "Your English?"},
            "options": [
                {"key": "beginner", "label": {"zh": "初学"}, "points": 3},
                {
                    "key": "seller",
                    "label": {"zh": "推广"},
                    "knock_out": {"zh": "这里不接待推广。", "en": "Promotion is not welcome here."},
                },
            ],
        },
        {
            "key": "days",
            "kind": "scale",
            "label": {"zh": "一周几天？"},
            "lowest": 0,
            "highest": 7,
            "points_per_step": 1,
        },
        {"key": "rules", "kind": "consent", "label": {"zh": "我同意群规", "en": "I agree to the rules"}},
    ],
}
POLICY = {
    "mode": "automatic",
    "approve_at": 5,
    "reject_below": 1,
    "tag_rules": [{"when": {"all": [{"question": "level", "any_of": ["beginner"]}]}, "tags": ["beginner"]}],
}
PERSONA = {
    "name": {"zh": "初学者", "en": "Beginners"},
    "rule": {"all": [{"question": "level", "any_of": ["beginner"]}]},
    "quota": 10,
}
ANSWERS = {"level": "beginner", "days": 4, "rules": True}


def standard(posts: int, *, grace_days: int) -> dict[str, Any]:
    """A standard whose higher tier asks for posts, an answer and a reaction from somebody else."""
    asked = [
        {"metric": "posts", "threshold": posts, "window_days": 30},
        {"metric": "comments", "threshold": 1, "window_days": 30},
        {"metric": "reactions_received_from_distinct", "threshold": 1, "window_days": 30},
    ]
    talks = {"code": "live", "name": {"zh": "参加直播", "en": "Join live hours"}}
    regular = {"code": "regular", "name": {"zh": "常客", "en": "Regular"}, "privileges": [talks]}
    tiers = [{"code": "newcomer", "name": {"zh": "新芽", "en": "Newcomer"}}, {**regular, "entry": {"all": asked}}]
    return {"tiers": tiers, "grace_days": grace_days}


def test_a_draft_opens_when_every_route_that_readiness_names_was_used(stack: LiveStack) -> None:
    town = found_town(stack.base_url)
    owner = town.owner
    new = {"name": {"zh": "英语"}, "slug": "english", "zone": "Asia/Shanghai"}
    made = owner.ask("POST", "/v1/communities", new, status=201).json()
    path = f"/v1/communities/{made['id']}"
    refused = owner.ask("POST", f"{path}/open", status=409, version=made["version"]).json()
    assert refused["type"] == "urn:hearth:problem:not-ready"
    slot = f"{path}/slots"
    left = {f"{path}/{step.path}": step for step in STEPS} | {slot: Step("POST", "slots", None)}

    def missing() -> list[dict[str, str]]:
        found = owner.get(f"{path}/readiness")
        assert found["ready"] == (not found["missing"])
        return [{**one} for one in found["missing"]]

    seen = set()
    assert {one["path"] for one in missing()} <= left.keys()
    while todo := missing():
        first = todo[0]
        step: Step = left.pop(first["path"])
        assert step.method == first["method"]
        seen |= {one["code"] for one in todo}
        if first["path"] == slot:  # it is content's, and names a theme, which comes first
            with_rhythm(lambda method, url, body, headers: owner.send(method, url, body, headers=headers), made)
            continue
        assert owner.send(step.method, first["path"], step.body, headers=step.headers).is_success
        if step.path == "tier-standards":  # a draft is none yet, and the route to adopt it stands beside it
            assert [one["code"] for one in missing() if one["code"] == "tier-standard"] == ["tier-standard"]
            adopt = left.pop(f"{path}/tier-standards/1/adopt")
            owner.ask(adopt.method, f"{path}/{adopt.path}", version=adopt.version)
    assert {
        "charter-audience",
        "charter-business-link",
        "goal",
        "screening-policy",
        "tier-standard",
        "theme-slot",
    } <= seen
    assert left == {}
    assert owner.ask("POST", f"{path}/open", version=made["version"]).json()["state"] == "open"
    town.close()


def test_a_pause_and_an_archive_have_their_consequences_everywhere(stack: LiveStack) -> None:
    town = found_town(stack.base_url)
    owner, lin, kim = town.owner, town.member("lin"), town.newcomer("kim")
    post = lin.ask("POST", f"{town.path}/posts", {"body": "before"}, status=201).json()
    link = {"channel": "article", "title": {"zh": "文末"}}
    door = owner.ask("POST", f"{town.path}/entry-links", link, status=201).json()["path"]
    community = owner.get(town.path)

    community = owner.ask("POST", f"{town.path}/pause", version=community["version"]).json()
    for route in ("memberships", "applications"):
        kim.ask("POST", f"{town.path}/{route}", {}, status=409)
    assert kim.get(door)["closed"] is not None
    until(
        lambda: lin.send("POST", f"{town.path}/posts", {"body": "now?"}).status_code == 409,
        "content knows of the pause",
    )
    lin.ask("PUT", f"{town.path}/posts/{post['id']}/reactions/{quote('👍')}", status=409)
    assert lin.get(f"{town.path}/posts/{post['id']}")["body"] == "before"
    assert owner.get(f"{town.path}/pulse")["members"] == 1

    community = owner.ask("POST", f"{town.path}/open", version=community["version"]).json()
    assert kim.ask("POST", f"{town.path}/memberships", status=201).json()["state"] == "applied"
    lin.ask("POST", f"{town.path}/posts", {"body": "again"}, status=201)

    community = owner.ask("POST", f"{town.path}/archive", version=community["version"]).json()
    assert community["state"] == "archived"
    lin.ask("PATCH", f"{town.path}/posts/{post['id']}", {"body": "after"}, status=409, version=1)
    lin.ask("POST", f"{town.path}/posts", {"body": "after"}, status=409)
    owner.ask("PATCH", f"{town.path}/charter", {"promise": {"en": "More"}}, status=409, version=1)
    owner.ask("POST", f"{town.path}/entry-links", link, status=409)
    owner.ask("POST", f"{town.path}/open", status=409, version=community["version"])
    town.close()


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Any:
    """A community with a form, that decides by itself, and a group for beginners."""
    town = found_town(stack.base_url)
    owner, path = town.owner, town.path
    owner.ask("PUT", f"{path}/form", FORM, version=0)
    owner.ask("PUT", f"{path}/screening-policy", POLICY, version=1)
    owner.ask("POST", f"{path}/personas", PERSONA, status=201)
    new = {"dimension": "department", "name": {"zh": "新芽组", "en": "Sprouts"}, "capacity": 30}
    group = owner.ask("POST", f"{path}/groups", new, status=201).json()
    rules = {"rules": [{"key": "beginners", "group_id": group["id"], "when": {"tags": ["beginner"]}}]}
    owner.ask("PUT", f"{path}/groups/rules", rules, version=0)
    adopt(owner, path, standard(2, grace_days=1))
    yield town
    town.close()


def adopt(owner: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Draft a standard, and put it in force; returns what its dry run said."""
    draft = owner.ask("POST", f"{path}/tier-standards", body, status=201).json()
    url = f"{path}/tier-standards/{draft['number']}"
    dry_run: dict[str, Any] = owner.ask("POST", f"{url}/dry-runs").json()
    owner.ask("POST", f"{url}/adopt", version=draft["version"])
    return dry_run


def own_tier(caller: Caller, path: str, language: str = "en") -> dict[str, Any]:
    """What a member reads of the own tier."""
    found: dict[str, Any] = caller.ask("GET", f"{path}/tiers/me", headers={"Accept-Language": language}).json()
    return found


def is_in(caller: Caller, path: str, tier: str) -> bool:
    """Whether a member is in a tier by now."""
    now = own_tier(caller, path)["tier"]
    return now is not None and now["code"] == tier


def test_an_applicant_becomes_a_member_rises_by_what_they_do_and_falls_with_grace(stack: LiveStack, town: Town) -> None:
    owner, path = town.owner, town.path
    rain, tom = town.newcomer("rain"), town.newcomer("tom")
    # A knock-out is declined, with words that the applicant reads; the plain application does not go around the form.
    rain.ask("POST", f"{path}/memberships", status=409)
    sold = {"answers": ANSWERS | {"level": "seller"}}
    declined = tom.ask("POST", f"{path}/applications", sold, status=201, headers={"Accept-Language": "zh"}).json()
    assert (declined["state"], declined["automatic"]) == ("rejected", True)
    assert "这里不接待推广。" in declined["reason"]["text"]
    applied = rain.ask("POST", f"{path}/applications", {"answers": ANSWERS}, status=201).json()
    assert (applied["state"], applied["automatic"]) == ("approved", True)
    [decision] = owner.get(f"{path}/applications/{applied['id']}/decisions")["data"]
    assert (decision["judged_by"], decision["score"], decision["reproduced"]) == ("policy", 7, True)

    membership = rain.get(f"{path}/memberships/me")
    assert membership["state"] == "approved"
    assert owner.get(f"{path}/memberships/{membership['id']}/tags")["tags"] == ["beginner"]
    until(lambda: bool(rain.get(f"{path}/groups", mine="true")["data"]), "the rule has brought her into the group")
    [group] = rain.get(f"{path}/groups", mine="true")["data"]
    assert group["name"]["en"] == "Sprouts"
    [why] = owner.get(f"{path}/groups/assignments", account_id=rain.account_id)["data"]
    assert (why["code"], why["rule_key"]) == ("group-rule", "beginners")

    until(lambda: is_in(rain, path, "newcomer"), "she is in the lowest tier")
    lacks = own_tier(rain, path)["next"]
    assert (lacks["tier"]["code"], lacks["met"]) == ("regular", False)
    assert next((one["metric"], one["need"], one["have"]) for one in lacks["all"]) == ("posts", 2, 0)
    posts = [rain.ask("POST", f"{path}/posts", {"body": f"Day {number}"}, status=201).json() for number in range(2)]
    rain.ask("POST", f"{path}/posts/{posts[0]['id']}/comments", {"body": "Who joins?"}, status=201)
    rain.ask("PUT", f"{path}/posts/{posts[0]['id']}/reactions/{quote('👏')}")  # one's own reaction counts for nothing
    owner.ask("PUT", f"{path}/posts/{posts[0]['id']}/reactions/{quote('❤️')}")
    until(lambda: is_in(rain, path, "regular"), "she has risen by what she did")
    risen = own_tier(rain, path, "zh")
    assert (risen["tier"]["name"], risen["tier"]["privileges"][0]["words"]) == ("常客", "参加直播")

    # A stricter standard: the dry run says who would fall and why, and changes nothing.
    dry_run = adopt(owner, path, standard(5, grace_days=1))
    assert (dry_run["counts"]["grace"], dry_run["counts"]["fall"]) == (1, 0)
    [soon] = dry_run["samples"]["grace"]
    assert (soon["account_id"], soon["from_tier"], soon["to_tier"]) == (rain.account_id, "regular", "newcomer")
    until(lambda: own_tier(rain, path)["grace_until"] is not None, "her grace has begun")
    english, chinese = own_tier(rain, path), own_tier(rain, path, "zh")
    assert english["tier"]["code"] == chinese["tier"]["code"] == "regular"
    assert english["reason"] == "tier-grace-began"
    assert "Does not meet what keeping Regular asks; the grace began." in english["words"]
    assert "暂未达到“常客”的保持标准，宽限期开始。" in chinese["words"]
    assert next((one["metric"], one["need"], one["have"], one["met"]) for one in chinese["keep"]["all"]) == (
        "posts",
        5,
        2,
        False,
    )

    # The next night comes: a grace of a day is not waited for, its end and the community's next evaluation are brought nearer.
    stack.execute(
        "members",
        "UPDATE tier_member SET grace_until = grace_until - interval '1 day' WHERE account_id = :'account';"
        "UPDATE due_work SET due_at = now() WHERE kind = 'tiers.daily' AND key = :'community';",
        account=rain.account_id,
        community=town.community_id,
    )
    until(lambda: is_in(rain, path, "newcomer"), "she has fallen")
    fallen, said = own_tier(rain, path), own_tier(rain, path, "zh")
    assert fallen["reason"] == "tier-fell"
    assert "Did not meet what keeping Regular asks through the whole grace, and went to Newcomer." in fallen["words"]
    assert "在整个宽限期内未达到“常客”的保持标准，转到“新芽”。" in said["words"]
    moves = rain.get(f"{path}/memberships/{membership['id']}/tier/moves")["data"]
    assert [one["reason"] for one in moves] == ["tier-fell", "tier-grace-began", "tier-rose", "tier-entered"]
    assert owner.get(f"{path}/tiers")["tiers"][0]["members"] == 1


def test_another_brand_sees_none_of_it(stack: LiveStack, town: Town) -> None:
    owner, path = town.owner, town.path
    segment = {"name": {"zh": "沉默"}, "filter": {"never_active": True}}
    things = {
        "segments": owner.ask("POST", f"{path}/segments", segment, status=201).json()["id"],
        "entry-links": owner.ask(
            "POST", f"{path}/entry-links", {"channel": "a", "title": {"zh": "门"}}, status=201
        ).json()["id"],
        "groups": owner.get(f"{path}/groups")["data"][0]["id"],
        "tier-standards": "1",
        "forms": "1",
        "screening-policies": "1",
        "charter/revisions": "1",
    }
    other = found_town(stack.base_url)
    for caller in (other.owner, other.newcomer("stranger")):
        for name in (
            "readiness",
            "charter",
            "goals",
            "form",
            "screening-policy",
            "personas",
            "applications",
            "card",
            "tiers",
        ):
            caller.ask("GET", f"{path}/{name}", status=404)
        for name, one in things.items():
            caller.ask("GET", f"{path}/{name}", status=404)
            caller.ask("GET", f"{path}/{name}/{one}", status=404)
        caller.ask("POST", f"{path}/applications", {"answers": ANSWERS}, status=404)
        caller.ask("POST", f"{path}/groups/{things['groups']}/join", status=404)
        caller.ask("PATCH", f"{path}/charter", {"promise": {"en": "Ours"}}, status=404, version=1)
        caller.ask("POST", f"{path}/segments/previews", {"filter": {"never_active": True}}, status=404)
    for name in ("segments", "entry-links", "groups"):
        other.owner.ask("GET", f"{other.path}/{name}/{things[name]}", status=404)
    other.close()
