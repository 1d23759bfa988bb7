"""Deciding: quotas, bulk, undo, and what is kept of it."""

from collections import Counter
from typing import Any

import pytest
from tests.members.screening.scene import (
    ANSWERS,
    AUTOMATIC,
    FORM,
    applicant,
    apply,
    decide,
    match,
    membership,
    persona,
    read,
    screening,
    step,
    together,
    url,
)
from tests.members.town import Town, found_town

from chassis.clock import MovableClock
from chassis.testing.kit import Kit, envelope
from contracts.members import (
    AccountMerged,
    ApplicationOverdue,
    MembershipApproved,
    MembershipLeft,
    MembershipRemoved,
)


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def states(town: Town, community: dict[str, Any]) -> list[str]:
    rows = await town.kit.sql(
        "SELECT state FROM application WHERE community_id = $1::uuid ORDER BY submitted_at, id", community["id"]
    )
    return [row["state"] for row in rows]


async def places(town: Town, kind: dict[str, Any]) -> tuple[int, int]:
    """Return what the counter says and what there is to count."""
    row = await town.kit.sql(
        "SELECT taken, (SELECT count(*) FROM application WHERE persona_id = persona.id AND holds_place) AS held "
        "FROM persona WHERE id = $1::uuid",
        kind["id"],
    )
    return row[0]["taken"], row[0]["held"]


async def leave(town: Town, client: Any, community: dict[str, Any]) -> None:
    own = await membership(client, community)
    answer = await client.post(url(community, f"/memberships/{own['id']}/leave"), headers=match(own["version"]))
    assert answer.status_code == 200, answer.text
    gone = [e for e in await town.kit.events(MembershipLeft, MembershipRemoved) if str(e.aggregateid) == own["id"]]
    await town.kit.deliver(*gone)


async def test_a_hundred_parallel_applications_fill_a_quota_exactly(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 7)
    people = [(await town.person())[1] for _ in range(100)]
    answers = await together(one.post(url(community, "/applications"), json={"answers": ANSWERS}) for one in people)
    assert {answer.status_code for answer in answers} == {201}
    outcomes = [answer.json()["state"] for answer in answers]
    assert (outcomes.count("approved"), outcomes.count("waiting")) == (7, 93)
    assert await places(town, kind) == (7, 7)
    members = await town.kit.sql(
        "SELECT count(*) AS n FROM membership WHERE community_id = $1::uuid AND state = 'approved'", community["id"]
    )
    assert members[0]["n"] == 7 + 1


async def test_a_hundred_parallel_approvals_of_reviewers_fill_a_quota_exactly(town: Town) -> None:
    community = await screening(town)
    kind = await persona(town, community, 7)
    made = [(await applicant(town, community))[0] for _ in range(100)]
    answers = await together(decide(town.owner, community, one, "approve") for one in made)
    assert {answer.status_code for answer in answers} == {200}
    outcomes = [answer.json()["state"] for answer in answers]
    assert (outcomes.count("approved"), outcomes.count("waiting")) == (7, 93)
    assert await places(town, kind) == (7, 7)


async def test_of_parallel_decisions_one_counts(town: Town) -> None:
    community = await screening(town)
    made, client, _ = await applicant(town, community)
    answers = await together(decide(town.owner, community, made, decision) for decision in ["approve", "reject"] * 50)
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 99
    winner = next(answer.json()["state"] for answer in answers if answer.status_code == 200)
    assert (await membership(client, community))["state"] == winner
    bulk = {"ids": [made["id"]], "decision": "approve"}
    again = await town.owner.post(url(community, "/applications/decisions"), json=bulk)
    assert again.json()["data"] == [
        {
            "id": made["id"],
            "outcome": "refused",
            "code": "transition-refused",
            "detail": {"approved": "The application was approved.", "rejected": "The application was declined."}[
                winner
            ],
        }
    ]


async def test_a_hundred_bulk_approvals_at_once_let_each_in_once(town: Town) -> None:
    community = await screening(town)
    kind = await persona(town, community, 3)
    made = [(await applicant(town, community))[0] for _ in range(5)]
    ids = [one["id"] for one in made]
    answers = await together(
        town.owner.post(
            url(community, "/applications/decisions"),
            json={"ids": ids if n % 2 else ids[::-1], "decision": "approve"},
        )
        for n in range(100)
    )
    assert {answer.status_code for answer in answers} == {200}
    outcomes = Counter(one["outcome"] for answer in answers for one in answer.json()["data"])
    assert outcomes == {"approved": 3, "waiting": 2, "refused": 495}
    assert await places(town, kind) == (3, 3)
    told = [e.data for e in await town.kit.events(MembershipApproved) if str(e.community) == community["id"]]
    assert len({one["account_id"] for one in told}) == len(told) == 3 + 1


async def test_a_paused_community_decides_by_people_alone_and_an_archived_one_not_at_all(
    town: Town, movable_clock: MovableClock
) -> None:
    community = await screening(town)
    first, _, _ = await applicant(town, community)
    late, _, account = await applicant(town, community)
    await town.owner.post(url(community, "/pause"), headers=match(2))
    movable_clock.move(days=30)
    await town.kit.work()
    assert await states(town, community) == ["in_review", "in_review"], "a missed deadline decides nothing"
    first = await read(town.owner, community, first)
    assert (await decide(town.owner, community, first, "approve")).status_code == 200
    await town.owner.post(url(community, "/archive"), headers=match(3))
    late = await read(town.owner, community, late)
    assert late["can"] == []
    bulk = {"ids": [late["id"]], "decision": "approve"}
    for refused in (
        await decide(town.owner, community, late, "approve"),
        await decide(town.owner, community, late, "reject"),
        await step(town.owner, community, late, "ask", question="Why?"),
        await step(town.owner, community, first, "undo"),
        await town.owner.post(url(community, "/applications/decisions"), json=bulk),
    ):
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:community-archived")
    client = town.kit.person(town.organization, account)
    assert (await read(client, community, late))["can"] == ["withdraw"]
    assert (await step(client, community, late, "withdraw")).json()["state"] == "withdrawn"


async def test_an_archived_community_tells_of_no_deadline(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town)
    made, _, _ = await applicant(town, community)
    await town.owner.post(url(community, "/archive"), headers=match(2))
    movable_clock.move(days=30)
    await town.kit.work()
    told = [e for e in await town.kit.events(ApplicationOverdue) if str(e.aggregateid) == made["id"]]
    assert told == []


async def test_bulk_decisions_say_what_became_of_each(town: Town) -> None:
    community, other = await screening(town), await screening(town)
    kind = await persona(town, community, 2)
    made = [(await applicant(town, community))[0] for _ in range(4)]
    gone, client, _ = await applicant(town, community)
    await step(client, community, gone, "withdraw")
    elsewhere, _, _ = await applicant(town, other)
    ids = [one["id"] for one in [*made, gone, elsewhere]]
    answer = await town.owner.post(
        url(community, "/applications/decisions"),
        json={"ids": [*ids, ids[0]], "decision": "approve", "reason": {"en": "Welcome"}},
    )
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert [one["id"] for one in data] == ids
    assert [one["outcome"] for one in data] == ["approved", "approved", "waiting", "waiting", "refused", "refused"]
    assert [one["code"] for one in data[4:]] == ["transition-refused", "not-found"]
    assert await places(town, kind) == (2, 2)
    assert await states(town, other) == ["in_review"]
    full = await town.owner.post(
        url(community, "/applications/decisions"), json={"ids": [ids[2]], "decision": "approve"}
    )
    assert full.json()["data"][0]["code"] == "persona-full"
    rejected = await town.owner.post(
        url(community, "/applications/decisions"), json={"ids": ids[2:4], "decision": "reject"}
    )
    assert [one["outcome"] for one in rejected.json()["data"]] == ["rejected", "rejected"]


async def test_a_decision_is_undone_while_it_is_harmless(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town, policy={**AUTOMATIC, "mode": "review", "approve_at": None, "reject_below": None})
    kind = await persona(town, community, 1)
    made, client, account = await applicant(town, community)
    waiting, _, _ = await applicant(town, community)
    approved = (await decide(town.owner, community, made, "approve")).json()
    assert (await decide(town.owner, community, waiting, "approve")).json()["state"] == "waiting"
    assert "undo" in approved["can"]
    assert (await step(client, community, approved, "undo")).status_code == 403
    movable_clock.move(minutes=9)
    undone = (await step(town.owner, community, approved, "undo")).json()
    assert (undone["state"], undone["reason"]["code"]) == ("in_review", "screening-review")
    own = await membership(client, community)
    assert (own["state"], own["joined_at"]) == ("applied", None)
    assert await town.kit.sql("SELECT 1 FROM membership_tag WHERE account_id = $1", account) == []
    await town.kit.work()  # the freed place goes to who waits
    assert await states(town, community) == ["in_review", "approved"]
    assert await places(town, kind) == (1, 1)
    rejected = (await decide(town.owner, community, undone, "reject")).json()
    back = (await step(town.owner, community, rejected, "undo")).json()
    assert (back["state"], (await membership(client, community))["state"]) == ("in_review", "applied")
    rejected = (await decide(town.owner, community, back, "reject")).json()
    movable_clock.move(minutes=10, seconds=1)
    late = await step(town.owner, community, rejected, "undo")
    assert (late.status_code, late.json()["type"]) == (409, "urn:hearth:problem:undo-too-late")
    decisions = (await town.owner.get(url(community, f"/applications/{made['id']}/decisions"))).json()["data"]
    assert [(one["outcome"], one["judged_by"], one["undone_at"] is not None) for one in decisions] == [
        ("in_review", "policy", False),
        ("approved", "reviewer", True),
        ("rejected", "reviewer", True),
        ("rejected", "reviewer", False),
    ]


async def test_who_has_acted_is_not_undone(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    made, client, account = await applicant(town, community)
    await town.kit.sql(
        "INSERT INTO member_facts (organization_id, community_id, account_id, posts, comments, reactions, active_days, "
        "first_active_at, last_active_at) VALUES ($1, $2::uuid, $3, 1, 0, 0, 1, now(), now())",
        town.organization,
        community["id"],
        account,
    )
    refused = await step(town.owner, community, made, "undo")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:member-acted")
    assert (await membership(client, community))["state"] == "approved"


async def test_who_has_applied_again_is_not_undone(town: Town) -> None:
    community = await screening(town)
    made, client, _ = await applicant(town, community)
    rejected = (await decide(town.owner, community, made, "reject")).json()
    await apply(client, community)
    refused = await step(town.owner, community, rejected, "undo")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:membership-changed")


async def test_stored_decisions_give_the_same_again_after_everything_changed(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 1, rule={"all": [{"question": "level", "any_of": ["beginner"]}]})
    made = []
    for change in ({}, {}, {"level": "native"}, {"hours": 0}, {"level": "fluent", "hours": 0}):
        _, client = await town.person()
        made.append(await apply(client, community, answers={**ANSWERS, **change}))
    assert [one["state"] for one in made] == ["approved", "waiting", "rejected", "in_review", "rejected"]
    await town.owner.put(url(community, "/form"), json={**FORM, "questions": []}, headers=match(1))
    await town.owner.put(url(community, "/screening-policy"), json={"mode": "open"}, headers=match(2))
    await town.owner.patch(
        url(community, f"/personas/{kind['id']}"), json={"rule": {"all": [{"at_least": 999}]}}, headers=match(1)
    )
    for one in made:
        decisions = (await town.owner.get(url(community, f"/applications/{one['id']}/decisions"))).json()["data"]
        assert decisions
        assert all(decision["reproduced"] for decision in decisions)
        assert decisions[0]["personas"] == [kind["id"]]
    # A decision that was tampered with is found out.
    await town.kit.sql("UPDATE application_decision SET score = 1 WHERE application_id = $1::uuid", made[0]["id"])
    tampered = (await town.owner.get(url(community, f"/applications/{made[0]['id']}/decisions"))).json()["data"]
    assert not tampered[0]["reproduced"]


async def test_roles_decide_who_decides(town: Town) -> None:
    community = await screening(town)
    made, client, _ = await applicant(town, community)
    stranger = (await found_town(town.kit)).owner
    partner = town.kit.partner(town.organization)
    for one, status in ((client, 403), (stranger, 404), (partner, 403), (town.kit.client(), 401)):
        assert (await decide(one, community, made, "approve")).status_code == status
        bulk = {"ids": [made["id"]], "decision": "approve"}
        assert (await one.post(url(community, "/applications/decisions"), json=bulk)).status_code == status
        assert (await one.get(url(community, f"/applications/{made['id']}/decisions"))).status_code == status
        assert (await step(one, community, made, "undo")).status_code == status
        assert (await step(one, community, made, "ask", question="?")).status_code == status
    headerless = await town.owner.post(
        url(community, f"/applications/{made['id']}/decision"), json={"decision": "approve"}
    )
    assert headerless.status_code == 428
    other = await screening(town)
    assert (await decide(town.owner, other, made, "approve")).status_code == 404
    moderating, moderator, _ = await applicant(town, community)
    await decide(town.owner, community, moderating, "approve")
    own = await membership(moderator, community)
    await town.owner.put(
        url(community, f"/memberships/{own['id']}/roles"), json={"roles": ["moderator"]}, headers=match(own["version"])
    )
    assert (await decide(moderator, community, made, "approve")).json()["state"] == "approved"


async def test_a_merge_keeps_one_place(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    kind = await persona(town, community, 5)
    _, _, kept = await applicant(town, community)
    _, _, gone = await applicant(town, community)
    alone = await screening(town, policy=AUTOMATIC)
    lonely = await persona(town, alone, 5)
    await apply(town.kit.person(town.organization, gone), alone)
    event = AccountMerged(account_id=kept, merged_account_id=gone)
    await town.kit.deliver(envelope(event, town.organization, kept, version=2))
    assert await places(town, kind) == (1, 1)
    assert await places(town, lonely) == (1, 1)
    left = [e for e in await town.kit.events(MembershipLeft) if e.data["account_id"] == str(gone)]
    assert len(left) == 2
    await town.kit.deliver(*left)
    assert await places(town, kind) == (1, 1)
    assert await places(town, lonely) == (1, 1)
    held = await town.kit.sql("SELECT account_id FROM application WHERE community_id = $1::uuid", alone["id"])
    assert [row["account_id"] for row in held] == [kept]
