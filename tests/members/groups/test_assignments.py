"""Rules of assignment: judged when something changes, applied to everybody, and explained."""

from typing import Any
from uuid import UUID

import pytest
from tests.members.groups.test_groups import add, base, crowd, make, of
from tests.members.town import Town, found_town

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Event
from contracts.members import (
    ApplicationDecided,
    GroupMemberLeft,
    GroupRulesChanged,
    MembershipTagsChanged,
    ProfileUpdated,
    SegmentEntered,
    SegmentLeft,
)
from members.groups.assignments import commands


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def rule(key: str, group: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"key": key, "group_id": group["id"], "when": when}


async def write(town: Town, community: dict[str, Any], *rules: dict[str, Any], version: int = 0, **more: Any) -> None:
    answer = await town.owner.put(
        f"{base(community)}/rules", json={"rules": list(rules), **more}, headers={"If-Match": f'"{version}"'}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == version + 1


async def tag(town: Town, community: dict[str, Any], account: UUID, word: str) -> None:
    await town.kit.sql(
        "INSERT INTO membership_tag (organization_id, community_id, account_id, tag) VALUES ($1, $2, $3, $4)",
        town.organization,
        UUID(community["id"]),
        account,
        word,
    )


def tagged(town: Town, community: dict[str, Any], account: UUID) -> Any:
    event = MembershipTagsChanged(membership_id=new_id(), community_id=UUID(community["id"]), account_id=account)
    return envelope(event, town.organization, event.membership_id, community_id=event.community_id)


async def seats(town: Town, community: dict[str, Any]) -> dict[UUID, set[str]]:
    rows = await town.kit.sql(
        "SELECT account_id, group_id FROM group_member WHERE community_id = $1", UUID(community["id"])
    )
    found: dict[UUID, set[str]] = {}
    for row in rows:
        found.setdefault(row["account_id"], set()).add(str(row["group_id"]))
    return found


async def test_what_changes_brings_members_into_their_groups_and_says_why(town: Town) -> None:
    community = await town.community()
    one, two, three = await crowd(town, community, 3)
    beginners, chinese = await make(town, community), await make(town, community, dimension="product")
    segment = new_id()
    await town.kit.sql(
        "INSERT INTO segment (id, organization_id, community_id, name, filter, filter_version, created_by, created_at, version) "
        "VALUES ($1, $2, $3, '{\"en\": \"x\"}', '{}', 1, $4, now(), 1)",
        segment,
        town.organization,
        UUID(community["id"]),
        town.owner_id,
    )
    await write(
        town,
        community,
        rule("beginners", beginners, tags=["beginner", "new"]),
        rule("chinese", chinese, locales=["zh"], segments=[str(segment)]),
    )
    await tag(town, community, one, "beginner")
    await town.kit.deliver(tagged(town, community, one))
    assert await seats(town, community) == {one: {beginners["id"]}}
    await town.kit.sql(
        "INSERT INTO segment_member (organization_id, community_id, segment_id, account_id, entered_at) VALUES ($1, $2, $3, $4, now())",
        town.organization,
        UUID(community["id"]),
        segment,
        two,
    )
    entered = SegmentEntered(segment_id=segment, community_id=UUID(community["id"]), account_id=two)
    await town.kit.deliver(envelope(entered, town.organization, new_id(), community_id=entered.community_id))
    await town.kit.deliver(tagged(town, community, three), tagged(town, community, one))
    assert await seats(town, community) == {one: {beginners["id"]}, two: {chinese["id"]}}
    url = f"{base(community)}/assignments"
    why = (await town.owner.get(url, params={"account_id": str(two)}, headers={"Accept-Language": "en"})).json()
    (only,) = why["data"]
    assert (only["code"], only["rules_version"], only["rule_key"], only["decided_by"]) == (
        "group-rule",
        1,
        "chinese",
        None,
    )
    assert only["reason"] == f"Rule chinese, version 1: segment {segment}; locale zh"
    assert only["inputs"]["segments"] == [str(segment)]
    everyone = (await town.owner.get(url, params={"limit": 1})).json()
    assert (len(everyone["data"]), everyone["next_cursor"] is None) == (1, False)
    assert (await of(town, one).get(url)).status_code == 403


async def test_a_new_locale_and_an_entry_link_bring_in_too(town: Town) -> None:
    community = await town.community()
    (one,) = await crowd(town, community, 1)
    english, door = await make(town, community), await make(town, community, dimension="other")
    await write(town, community, rule("english", english, locales=["en"]))
    await town.kit.sql("UPDATE account SET locale = 'en-GB' WHERE id = $1", one)
    await town.kit.deliver(envelope(ProfileUpdated(account_id=one), town.organization, one))
    for group in (door["id"], new_id()):
        decided = ApplicationDecided(
            application_id=new_id(),
            community_id=UUID(community["id"]),
            account_id=one,
            membership_id=new_id(),
            state="approved",
            persona_id=None,
            link_id=new_id(),
            group_id=group,
            form_version=1,
            policy_version=1,
            automatic=True,
        )
        await town.kit.deliver(
            envelope(decided, town.organization, decided.application_id, community_id=decided.community_id)
        )
    assert await seats(town, community) == {one: {english["id"], door["id"]}}


async def test_an_exclusive_dimension_has_one_group_each_and_manual_placement_stands(town: Town) -> None:
    community = await town.community()
    one, two = await crowd(town, community, 2)
    sales, support = [await make(town, community, dimension="department") for _ in range(2)]
    await write(town, community, rule("sales", sales, tags=["s"]), rule("support", support, locales=["zh"]))
    await add(town, community, support, two)
    for account in (one, two):
        await tag(town, community, account, "s")
    await town.kit.deliver(tagged(town, community, one), tagged(town, community, two))
    assert await seats(town, community) == {one: {sales["id"]}, two: {support["id"]}}
    both = [rule("sales", sales, tags=["s"]), rule("support", support, locales=["zh"])]
    await write(town, community, *both, version=1, exclusive=[])
    await town.kit.deliver(tagged(town, community, one))
    assert (await seats(town, community))[one] == {sales["id"], support["id"]}


async def saved_segment(town: Town, community: dict[str, Any], document: dict[str, Any]) -> str:
    answer = await town.owner.post(
        f"/v1/communities/{community['id']}/segments", json={"name": {"en": "Some"}, "filter": document}
    )
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def hear(town: Town, movable_clock: MovableClock, *types: type[Event]) -> None:
    """Let the service hear what it has told of itself so far, and do what is due a minute later."""
    told = [one for one in await town.kit.events(*types) if one.organization == town.organization]
    await town.kit.deliver(*told)
    movable_clock.move(minutes=1)
    await town.kit.work()


async def test_who_leaves_a_segment_leaves_the_group_that_its_rule_gave_and_no_other(
    town: Town, movable_clock: MovableClock
) -> None:
    community = await town.community()
    one, two, three = await crowd(town, community, 3)
    vip = await saved_segment(town, community, {"field": "tag", "op": "=", "value": "vip"})
    gold, loyal = await make(town, community), await make(town, community)
    leaving = rule("gold", gold, segments=[vip]) | {"leave_when_no_longer": True}
    await write(town, community, leaving, rule("loyal", loyal, segments=[vip]))
    await add(town, community, gold, two)
    url = f"/v1/communities/{community['id']}/memberships"
    ids = {UUID(m["account_id"]): m["id"] for m in (await town.owner.get(url)).json()["data"]}
    for account in (one, two, three):
        answer = await town.owner.put(f"{url}/{ids[account]}/tags/vip")
        assert answer.status_code == 204, answer.text
    await hear(town, movable_clock, MembershipTagsChanged)
    await hear(town, movable_clock, SegmentEntered)
    both = {gold["id"], loyal["id"]}
    assert await seats(town, community) == {one: both, two: both, three: both}
    # A manager names whom a rule had brought: no rule takes that member out any more.
    assert (await add(town, community, gold, three))[0]["outcome"] == "existing"
    for account in (one, two, three):
        gone = await town.owner.delete(f"{url}/{ids[account]}/tags/vip")
        assert gone.status_code == 204, gone.text
    await hear(town, movable_clock, MembershipTagsChanged)
    before = len(await town.kit.events(GroupMemberLeft))
    await hear(town, movable_clock, SegmentLeft)
    assert await seats(town, community) == {one: {loyal["id"]}, two: both, three: both}
    [left] = (await town.kit.events(GroupMemberLeft))[before:]
    assert (left.data["account_id"], left.data["group_ids"]) == (str(one), [loyal["id"]])
    why = await town.owner.get(
        f"{base(community)}/assignments", params={"account_id": str(one)}, headers={"Accept-Language": "en"}
    )
    newest = why.json()["data"][0]
    assert (newest["gone"], newest["group_id"], newest["code"]) == (True, gold["id"], "group-rule-ended")
    assert newest["reason"] == "Rule gold, version 1, matches no longer."
    await hear(town, movable_clock, SegmentLeft, SegmentEntered, MembershipTagsChanged)
    assert await seats(town, community) == {one: {loyal["id"]}, two: both, three: both}, "told again, nothing moves"


async def test_an_exclusive_group_is_changed_for_the_next_in_one_step(town: Town) -> None:
    community = await town.community()
    (one,) = await crowd(town, community, 1)
    sales, support = [await make(town, community, dimension="department", capacity=1) for _ in range(2)]
    rules = [
        rule(key, group, tags=[key]) | {"leave_when_no_longer": True}
        for key, group in (("sales", sales), ("support", support))
    ]
    await write(town, community, *rules)
    await tag(town, community, one, "sales")
    await town.kit.deliver(tagged(town, community, one))
    assert await seats(town, community) == {one: {sales["id"]}}
    await tag(town, community, one, "support")
    await town.kit.deliver(tagged(town, community, one))
    assert await seats(town, community) == {one: {sales["id"]}}, "both match: the group one has stays"
    await town.kit.sql("DELETE FROM membership_tag WHERE account_id = $1 AND tag = 'sales'", one)
    await town.kit.deliver(tagged(town, community, one))
    assert await seats(town, community) == {one: {support["id"]}}
    groups = {group["id"]: group["members"] for group in (await town.owner.get(base(community))).json()["data"]}
    assert groups == {sales["id"]: 0, support["id"]: 1}
    # Whose rule is taken back, or leads elsewhere, stays.
    await write(town, community, rules[0], version=1)
    await town.kit.sql("DELETE FROM membership_tag WHERE account_id = $1", one)
    await town.owner.post(f"{base(community)}/rules/apply")
    await town.kit.work()
    run = (await town.owner.get(f"{base(community)}/rules/apply")).json()
    assert (run["taken_out"], await seats(town, community)) == (0, {one: {support["id"]}})
    await write(town, community, *rules, version=2)
    await town.owner.post(f"{base(community)}/rules/apply")
    await town.kit.work()
    run = (await town.owner.get(f"{base(community)}/rules/apply")).json()
    assert (run["taken_out"], await seats(town, community)) == (1, {})


async def test_nobody_goes_in_circles_through_a_segment_that_names_groups(town: Town) -> None:
    community = await town.community()
    (one,) = await crowd(town, community, 1)
    group = await make(town, community)
    plain = await saved_segment(town, community, {"field": "tag", "op": "=", "value": "vip"})
    outside = {"not": {"field": "group", "op": "=", "value": group["id"]}}
    direct = await saved_segment(town, community, outside)
    nested = await saved_segment(town, community, {"all": [{"segment": direct}]})
    for segment in (direct, nested):
        leaving = rule("aa", group, segments=[plain, segment]) | {"leave_when_no_longer": True}
        refused = await town.owner.put(
            f"{base(community)}/rules", json={"rules": [leaving]}, headers={"If-Match": '"0"'}
        )
        assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [
            ("/rules/0/when/segments/1", "segment-names-groups")
        ]
    await write(town, community, rule("aa", group, segments=[plain]) | {"leave_when_no_longer": True})
    await town.kit.sql(
        "INSERT INTO segment_member (organization_id, community_id, segment_id, account_id, entered_at) VALUES ($1, $2, $3, $4, now())",
        town.organization,
        UUID(community["id"]),
        UUID(plain),
        one,
    )
    await town.kit.deliver(tagged(town, community, one))
    assert await seats(town, community) == {one: {group["id"]}}
    # The segment comes to name groups later: from then on nobody leaves by it.
    changed = await town.owner.patch(
        f"/v1/communities/{community['id']}/segments/{plain}", json={"filter": outside}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    await town.kit.sql("DELETE FROM segment_member WHERE segment_id = $1", UUID(plain))
    await town.kit.deliver(tagged(town, community, one))
    assert await seats(town, community) == {one: {group["id"]}}


async def work_and_die(town: Town, community_id: UUID) -> None:
    """Work as a process that is killed before its commit."""
    async with transaction(town.kit.runtime.worker_engine, town.organization) as session:
        await commands.work_on(session, town.organization, community_id)
        raise RuntimeError


async def test_rules_are_applied_to_everybody_in_chunks_that_survive(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "CHUNK", 4)
    community = await town.community()
    people = await crowd(town, community, 10)
    group = await make(town, community, capacity=4)
    assert (await town.owner.post(f"{base(community)}/rules/apply")).status_code == 409
    assert (await town.owner.get(f"{base(community)}/rules/apply")).status_code == 404
    await write(town, community, rule("all", group, zones=["UTC"]))
    started = await town.owner.post(f"{base(community)}/rules/apply")
    assert (started.status_code, started.json()["looked_at"], started.json()["finished_at"]) == (202, 0, None)
    with pytest.raises(RuntimeError):
        await work_and_die(town, UUID(community["id"]))
    assert await seats(town, community) == {}
    await town.kit.work()
    done = (await town.owner.get(f"{base(community)}/rules/apply")).json()
    assert (done["looked_at"], done["placed"], done["finished_at"] is None) == (11, 11, False)
    assert set(await seats(town, community)) == {*people, town.owner_id}
    groups = (await town.owner.get(base(community))).json()["data"]
    assert [one["members"] for one in groups] == [4, 4, 3]
    await town.owner.post(f"{base(community)}/rules/apply")
    await town.kit.work()
    again = (await town.owner.get(f"{base(community)}/rules/apply")).json()
    assert (again["looked_at"], again["placed"]) == (11, 0), "a second time moves nobody"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"rules": [{"key": "aa", "group_id": str(new_id()), "when": {"tags": ["x"]}}]}, "/rules/0/group_id"),
        ({"rules": [{"key": "aa", "group_id": str(new_id()), "when": {}}]}, "/rules/0/when"),
        ({"rules": [{"key": "aa", "group_id": str(new_id()), "when": {"colour": "red"}}]}, "/rules/0/when/colour"),
        ({"rules": [], "exclusive": ["colour"]}, "/exclusive/0"),
    ],
)
async def test_bad_rules_say_where(town: Town, body: dict[str, Any], pointer: str) -> None:
    community = await town.community(state="draft")
    answer = await town.owner.put(f"{base(community)}/rules", json=body, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text


async def test_rules_are_versioned_and_for_managers(town: Town) -> None:
    community = await town.community()
    (member,) = await crowd(town, community, 1)
    group = await make(town, community)
    url = f"{base(community)}/rules"
    empty = await town.owner.get(url)
    assert (empty.json()["version"], empty.json()["rules"], empty.headers["etag"]) == (0, [], '"0"')
    await write(town, community, rule("aa", group, tags=["x"]))
    body = {"rules": [rule("aa", group, tags=["y"])]}
    assert (await town.owner.put(url, json=body)).status_code == 428
    assert (await town.owner.put(url, json=body, headers={"If-Match": '"0"'})).status_code == 412
    twice = {"rules": [*body["rules"], *body["rules"]]}
    assert (await town.owner.put(url, json=twice, headers={"If-Match": '"1"'})).status_code == 422
    segment = {"rules": [rule("aa", group, segments=[str(new_id())])]}
    refused = await town.owner.put(url, json=segment, headers={"If-Match": '"1"'})
    assert refused.json()["errors"][0]["pointer"] == "/rules/0/when/segments/0"
    for path, method in ((url, "PUT"), (f"{url}/preview", "POST"), (f"{url}/apply", "POST"), (url, "GET")):
        answer = await of(town, member).request(
            method, path, json=None if method == "GET" else body, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 403
    told = [one for one in await town.kit.events(GroupRulesChanged) if one.data["community_id"] == community["id"]]
    assert [one.aggregateversion for one in told] == [1]
