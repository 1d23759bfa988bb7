"""Applying: judged at once or by people, asked and answered, taken back."""

from typing import Any
from uuid import UUID

import pytest
from tests.members.screening.scene import (
    ANSWERS,
    AUTOMATIC,
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
from chassis.testing.kit import Kit
from contracts.members import (
    ApplicationDecided,
    ApplicationEvent,
    ApplicationMoved,
    ApplicationOverdue,
    ApplicationSubmitted,
    MembershipApplied,
    MembershipApproved,
)

HISTORY = (ApplicationSubmitted, ApplicationDecided, ApplicationMoved, ApplicationOverdue)


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def history(town: Town, application: dict[str, Any], *types: type[ApplicationEvent]) -> list[str]:
    events = [e for e in await town.kit.events(*(types or HISTORY)) if str(e.aggregateid) == application["id"]]
    assert [e.aggregateversion for e in events] == sorted({e.aggregateversion for e in events})
    return [f"{e.type.split('.')[2]} {e.data['state']}" for e in events]


async def test_an_automatic_approval_lets_in_at_once_with_tags_and_a_reason(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    learners = await persona(town, community, 10)
    made, client, account = await applicant(town, community)
    assert (made["state"], made["automatic"], made["can"]) == ("approved", True, [])
    assert made["reason"] == {
        "code": "screening-score-reached",
        "params": {"score": 7, "needed": 5},
        "text": "Your answers reach 7 points; 5 are needed.",
    }
    assert (made["score"], made["persona"], made["duplicates"]) == (None, None, None)
    own = await client.get(url(community, "/applications/me"), headers={"Accept-Language": "zh-CN,en;q=0.3"})
    assert own.json()["reason"]["text"] == "你的回答得 7 分，达到了 5 分的要求。"
    assert (await membership(client, community))["state"] == "approved"
    seen = await read(town.owner, community, made)
    assert (seen["score"], seen["persona"]["id"], seen["duplicates"]) == (7, learners["id"], [])
    tags = await town.kit.sql("SELECT tag FROM membership_tag WHERE account_id = $1", account)
    assert [row["tag"] for row in tags] == ["beginner"]
    assert await history(town, made) == ["submitted submitted", "decided approved"]
    joined = [
        e for e in await town.kit.events(MembershipApplied, MembershipApproved) if e.data["account_id"] == str(account)
    ]
    assert [e.aggregateversion for e in joined] == [1, 2]
    assert joined[1].actor is None


async def test_a_knock_out_declines_in_the_operators_words(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    _, client = await town.person()
    made = await apply(client, community, answers={**ANSWERS, "level": "native"})
    assert (made["state"], made["reason"]["code"]) == ("rejected", "screening-knocked-out")
    assert made["reason"]["text"] == "This group is for learners."
    assert (await membership(client, community))["state"] == "rejected"
    again = await client.post(url(community, "/applications"), json={"answers": ANSWERS})
    assert again.json()["state"] == "approved"


async def test_what_the_policy_leaves_open_comes_before_reviewers(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    _, client = await town.person()
    made = await apply(client, community, answers={**ANSWERS, "hours": 0})
    assert (made["state"], made["reason"]["code"], made["can"]) == ("in_review", "screening-review", ["withdraw"])
    assert made["automatic"] is None
    approved = await decide(town.owner, community, made, "approve", reason={"zh": "欢迎", "en": "Welcome"})
    assert (approved.json()["state"], approved.json()["reason"]["text"]) == ("approved", "Welcome")
    assert approved.json()["automatic"] is False
    assert (await membership(client, community))["state"] == "approved"
    assert await history(town, made) == ["submitted submitted", "moved in_review", "decided approved"]


async def test_answers_stay_out_of_events(town: Town) -> None:
    community = await screening(town)
    made, _, _ = await applicant(
        town, community, answers={**ANSWERS, "why": "秘密理由"}, contact="rain@example.com", device_hash="devicedevice"
    )
    await step(town.owner, community, made, "ask", question="秘密问题?")
    everything = str([e.data for e in await town.kit.events()])
    for words in ("秘密", "rain@", "devicedevice"):
        assert words not in everything
    rows = await town.kit.sql("SELECT * FROM application WHERE account_id = $1::uuid", made["account_id"])
    assert "rain@" not in str(rows)
    assert "devicedevice" not in str(rows)


async def test_a_reviewer_asks_the_applicant_answers(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town)
    made, client, account = await applicant(town, community)
    asked = (await step(town.owner, community, made, "ask", question="Where?")).json()
    assert (asked["state"], asked["question"], asked["deadline"]) == ("needs_information", "Where?", None)
    assert (await read(client, community, made))["can"] == ["inform", "withdraw"]
    assert (await step(town.owner, community, asked, "ask", question="Again?")).status_code == 409
    assert (await step(town.owner, community, asked, "inform", information="Me")).status_code == 403
    wrong = await step(client, community, asked, "inform", information="x", answers={"hours": 99})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/answers/hours")
    movable_clock.move(hours=80)
    await town.kit.work()  # nobody is late while the applicant is asked
    client = town.kit.person(town.organization, account)
    informed = (await step(client, community, asked, "inform", information="At school", answers={"hours": 9})).json()
    assert (informed["state"], informed["information"], informed["answers"]["hours"]) == ("in_review", "At school", 9)
    seen = await read(town.owner, community, informed)
    assert (seen["score"], seen["can"]) == (12, ["approve", "reject", "ask"])
    rejected = await decide(town.owner, community, informed, "reject", reason={"en": "Sorry"})
    assert rejected.json()["reason"]["text"] == "Sorry"
    assert (await read(client, community, made))["reason"]["text"] == "Sorry"


async def test_an_applicant_takes_the_application_back(town: Town) -> None:
    community = await screening(town)
    made, client, _ = await applicant(town, community)
    _, other = await town.person()
    assert (await step(other, community, made, "withdraw")).status_code == 403
    assert (await other.get(url(community, f"/applications/{made['id']}"))).status_code == 404
    gone = (await step(client, community, made, "withdraw")).json()
    assert (gone["state"], gone["can"], gone["reason"]) == ("withdrawn", [], None)
    assert (await membership(client, community))["state"] == "left"
    assert (await decide(town.owner, community, gone, "approve")).status_code == 409
    assert (await apply(client, community))["state"] == "in_review"


async def test_leaving_takes_the_application_back_too(town: Town) -> None:
    community = await screening(town)
    made, client, account = await applicant(town, community)
    own = await membership(client, community)
    left = await client.post(url(community, f"/memberships/{own['id']}/leave"), headers=match(own["version"]))
    assert left.status_code == 200
    refused = await decide(town.owner, community, made, "approve")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:membership-changed")
    events = [e for e in await town.kit.events() if e.data.get("account_id") == str(account)]
    await town.kit.deliver(*events)
    assert (await read(client, community, made))["state"] == "withdrawn"


async def test_screening_cannot_be_gone_around(town: Town) -> None:
    community = await screening(town)
    made, client, _ = await applicant(town, community)
    _, other = await town.person()
    plain = await other.post(url(community, "/memberships"))
    assert (plain.status_code, plain.json()["type"]) == (409, "urn:hearth:problem:form-required")
    own = await membership(client, community)
    for name in ("approve", "reject"):
        answer = await town.owner.post(
            url(community, f"/memberships/{own['id']}/{name}"), headers=match(own["version"])
        )
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:application-open")
    assert (await read(client, community, made))["state"] == "in_review"


async def test_who_applied_before_there_was_a_form_answers_it(town: Town) -> None:
    community = await screening(town, form=None)
    _, client = await town.person()
    assert (await client.post(url(community, "/memberships"))).status_code == 201
    made = await apply(client, community, answers={})
    assert (made["state"], made["form_version"]) == ("in_review", 0)
    twice = await client.post(url(community, "/applications"), json={"answers": {}})
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:hearth:problem:application-open")


async def test_fifty_applications_of_one_person_make_one(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    _, client = await town.person()
    answers = await together(client.post(url(community, "/applications"), json={"answers": ANSWERS}) for _ in range(50))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert len(await town.kit.sql("SELECT 1 FROM application WHERE community_id = $1::uuid", community["id"])) == 1


async def test_answers_that_do_not_fit_change_nothing(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    _, client = await town.person()
    answer = await client.post(url(community, "/applications"), json={"answers": {"level": "x", "colour": "red"}})
    assert answer.status_code == 422
    pointers = [one["pointer"] for one in answer.json()["errors"]]
    assert pointers == ["/answers/colour", "/answers/level", "/answers/hours", "/answers/age", "/answers/rules"]
    assert (await client.get(url(community, "/memberships/me"))).status_code == 404


@pytest.mark.parametrize("state", ["paused", "archived"])
async def test_only_open_communities_take_applications(town: Town, state: str) -> None:
    community = await town.community(state=state)
    _, client = await town.person()
    answer = await client.post(url(community, "/applications"), json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:community-not-open")


async def test_a_declined_person_waits_before_applying_again(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town, policy={**AUTOMATIC, "reapply_after_days": 30})
    account, client = await town.person()
    await apply(client, community, answers={**ANSWERS, "level": "native"})
    movable_clock.move(days=29)
    client = town.kit.person(town.organization, account)
    refused = await client.post(url(community, "/applications"), json={"answers": ANSWERS})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:reapply-later")
    assert "2026-04-01T09:00:00" in refused.json()["detail"]
    movable_clock.move(days=1)
    client = town.kit.person(town.organization, account)
    assert (await apply(client, community))["state"] == "approved"


async def test_the_queue_has_the_oldest_deadline_first(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town)
    made = []
    for _ in range(5):
        made.append((await applicant(town, community))[0])
        movable_clock.move(minutes=10)
    # Answering starts the deadline anew: the first becomes the last.
    first = made[0]
    asked = (await step(town.owner, community, first, "ask", question="?")).json()
    client = town.kit.person(town.organization, UUID(first["account_id"]))
    await step(client, community, asked, "inform", information="!")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await town.owner.get(url(community, "/applications"), params=params)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [one["id"] for one in [*made[1:], made[0]]]
    for state in ("approved", "waiting", "withdrawn"):
        page = (await town.owner.get(url(community, "/applications"), params={"state": state})).json()
        assert page["data"] == []
    reused = {"state": "approved", "cursor": "x"}
    assert (await town.owner.get(url(community, "/applications"), params=reused)).status_code == 422


async def test_a_missed_deadline_is_told_once(town: Town, movable_clock: MovableClock) -> None:
    community = await screening(town, policy={"mode": "review", "decide_within_hours": 24})
    late, _, _ = await applicant(town, community)
    early, _, _ = await applicant(town, community)
    await decide(town.owner, community, early, "approve")
    assert late["deadline"] == "2026-03-03T09:00:00Z"
    movable_clock.move(hours=25)
    await town.kit.work()
    await town.kit.work()
    assert (await read(town.owner, community, late))["overdue"] is True
    assert await history(town, late, ApplicationOverdue) == ["overdue in_review"]
    assert await history(town, early, ApplicationOverdue) == []


async def test_duplicates_are_found_in_the_whole_organization_and_no_further(town: Town) -> None:
    one, two = await screening(town), await screening(town)
    first, _, _ = await applicant(town, one, contact="+86 138 0013 8000", device_hash="device-one")
    second, _, _ = await applicant(town, two, contact="13800138000", device_hash="device-two")
    third, _, _ = await applicant(town, two, device_hash="device-two")
    stranger = await found_town(town.kit)
    elsewhere = await screening(stranger)
    other, _, _ = await applicant(stranger, elsewhere, contact="13800138000", device_hash="device-two")
    assert (await read(stranger.owner, elsewhere, other))["duplicates"] == []
    duplicates = (await read(town.owner, two, second))["duplicates"]
    assert [(d["application_id"], d["same"]) for d in duplicates] == [
        (third["id"], ["device"]),
        (first["id"], ["contact"]),
    ]
    queue = (await town.owner.get(url(one, "/applications"))).json()["data"]
    assert [d["application_id"] for d in queue[0]["duplicates"]] == [second["id"]]


async def test_a_childs_guardian_consents(town: Town) -> None:
    community = await screening(town, policy=AUTOMATIC)
    account, client = await town.person()
    child = {**ANSWERS, "age": {"band": "child"}}
    answer = await client.post(url(community, "/applications"), json={"answers": child})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/answers/age/guardian_consent"
    # Of a child without a guardian nothing is kept: no answers, no membership, no event.
    for table in ("application", "membership"):
        kept = await town.kit.sql(f"SELECT count(*) AS n FROM {table} WHERE account_id = $1", account)
        assert kept[0]["n"] == 0
    told = [e for e in await town.kit.events() if str(account) in e.model_dump_json()]
    assert told == []
    child["age"] = {"band": "child", "guardian_consent": True}
    assert (await apply(client, community, answers=child))["state"] == "approved"


async def test_a_repeated_submission_is_one(town: Town) -> None:
    community = await screening(town)
    _, client = await town.person()
    body, headers = {"answers": ANSWERS}, {"Idempotency-Key": "apply-once"}
    first = await client.post(url(community, "/applications"), json=body, headers=headers)
    second = await client.post(url(community, "/applications"), json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
