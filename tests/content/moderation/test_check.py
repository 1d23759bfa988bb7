"""What becomes of texts that break a clause, over HTTP on a real database."""

import asyncio
import itertools
from typing import Any

import pytest
from tests.content.conftest import code, if_match, make_place
from tests.content.moderation.conftest import CLAUSE, Court

from chassis.clock import MovableClock
from chassis.due import Scheduler
from chassis.testing.kit import Kit
from content.moderation.checks import commands as checks
from content.moderation.compliance import commands as compliance
from contracts.content import (
    CommentPublished,
    DetectionMade,
    HoldDecided,
    HoldPlaced,
    PostPublished,
)
from contracts.members import CommunityRole


async def test_a_blocked_text_is_not_written_and_names_the_clause(court: Court) -> None:
    author, client = await court.place.member()
    detector = await court.detector("block", kind="words", words=["加微信"])
    answer = await court.say(client, "资料请加 微 信 lily", title="ok")
    assert (answer.status_code, code(answer)) == (422, "text-blocked")
    problem = answer.json()
    assert problem["clause"] == {"code": "3.2", "text": CLAUSE["clause_text"]}
    assert (await client.get(f"{court.path}/posts")).json()["data"] == []
    assert await court.events(PostPublished) == []
    [event] = await court.events(DetectionMade)
    assert event.actor == author
    assert event.data["clause"] == "3.2"
    assert event.data["detector_id"] == detector["id"]
    assert event.data["written"] is False
    assert event.data["spans"] == [{"field": "body", "start": 3, "end": 8}]
    assert "微" not in event.model_dump_json()
    [seen] = await court.detections()
    assert (seen["written"], seen["spans"]) == (False, event.data["spans"])
    assert await court.holds() == []


async def test_a_refusal_points_at_what_is_refused(court: Court) -> None:
    _, client = await court.place.member()
    await court.detector("block", kind="words", words=["加微信"])
    for title, body, places in (
        ("加微信", "ok", ["/title"]),
        ("ok", "加微信", ["/body"]),
        ("加微信", "加微信", ["/title", "/body"]),
    ):
        answer = await court.say(client, body, title=title)
        assert [one["pointer"] for one in answer.json()["errors"]] == places


async def test_settings_of_a_detector_are_pointed_at_where_they_stand(court: Court) -> None:
    for settings, place in (
        ({"kind": "words", "words": ["fine", ""]}, "/settings/words/1"),
        ({"kind": "words"}, "/settings/words"),
        ({"kind": "flooding", "rates": [{"seconds": 60}]}, "/settings/rates/0/most"),
        ({"kind": "poems"}, "/settings"),
    ):
        detector = {"name": "x", "action": "block", "settings": settings, **CLAUSE}
        answer = await court.moderator.post(f"{court.path}/detectors", json=detector)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, place)


async def test_comments_are_judged_as_posts_are(court: Court) -> None:
    _, client = await court.place.member()
    post = await court.place.post(client)
    await court.detector("block", kind="contacts")
    answer = await client.post(f"{court.path}/posts/{post['id']}/comments", json={"body": "call 138 1234 5678"})
    assert (answer.status_code, code(answer)) == (422, "text-blocked")
    await court.place.comment(client, post["id"], "同意")
    [event] = await court.events(DetectionMade)
    assert event.data["subject_kind"] == "comment"


async def test_a_held_text_waits_for_a_moderator(court: Court) -> None:
    author, client = await court.place.member()
    _, other = await court.place.member()
    await court.detector("hold", kind="words", words=["casino"])
    answer = await court.say(client, "my cаsino story")  # the а is Cyrillic
    assert answer.status_code == 201
    post = answer.json()
    assert post["state"] == "held"
    assert (await client.get(f"{court.path}/posts/{post['id']}")).status_code == 200
    assert (await other.get(f"{court.path}/posts/{post['id']}")).status_code == 404
    [hold] = await court.holds()
    assert (hold["subject_id"], hold["author_id"], hold["body"]) == (post["id"], str(author), "my cаsino story")
    assert (hold["clause_code"], hold["cause"], hold["can"]) == ("3.2", "detector", ["release", "remove"])
    assert [one["spans"] for one in hold["detections"]] == [[{"field": "body", "start": 3, "end": 9}]]
    [placed] = await court.events(HoldPlaced)
    assert placed.data["subject_id"] == post["id"]
    assert await court.events(PostPublished) == []

    assert (await court.decide(hold, "release", 7)).status_code == 412
    released = await court.decide(hold, "release")
    assert released.status_code == 200, released.text
    assert (released.json()["state"], released.json()["decided_by"]) == ("released", str(court.moderator_id))
    assert released.headers["etag"] == f'"{hold["version"] + 1}"'
    assert (await other.get(f"{court.path}/posts/{post['id']}")).status_code == 200
    assert await court.holds() == []
    assert len(await court.events(PostPublished)) == 1
    [decided] = await court.events(HoldDecided)
    assert (decided.data["decision"], decided.aggregateversion) == ("released", 2)
    again = await court.decide(released.json(), "remove")
    assert (again.status_code, code(again)) == (409, "hold-decided")


async def test_a_removed_text_is_never_published(court: Court) -> None:
    _, client = await court.place.member()
    _, other = await court.place.member()
    post = await court.place.post(other)
    await court.detector("hold", kind="contacts")
    comment = await court.place.comment(client, post["id"], "加V：lily_2020")
    [hold] = await court.holds()
    assert (hold["subject_kind"], hold["post_id"]) == ("comment", post["id"])
    assert (await court.decide(hold, "remove")).status_code == 200
    assert (await other.get(f"{court.path}/comments/{comment['id']}")).status_code == 404
    assert await court.events(CommentPublished) == []
    assert await court.holds() == []


async def test_whom_a_released_comment_mentions_learns_of_it_when_it_appears(
    court: Court, movable_clock: MovableClock
) -> None:
    _, client = await court.place.member()
    mentioned, other = await court.place.member()
    post = await court.place.post(other)
    await court.detector("hold", kind="words", words=["casino"])
    comment = await court.place.comment(client, post["id"], f"casino <@{mentioned}>")
    assert (await other.get(f"{court.path}/mentions")).json()["data"] == []
    movable_clock.move(minutes=5)
    [hold] = await court.holds()
    assert (await court.decide(hold, "release")).status_code == 200
    shown = (await other.get(f"{court.path}/comments/{comment['id']}")).json()
    [found] = (await other.get(f"{court.path}/mentions")).json()["data"]
    assert found["mentioned_at"] == shown["commented_at"] != comment["commented_at"]


async def test_nobody_decides_about_their_own_text(court: Court) -> None:
    await court.put_up(
        {"name": "all", "action": "hold", "settings": {"kind": "words", "words": ["casino"]}, "staff": True, **CLAUSE}
    )
    post = (await court.say(court.moderator, "casino")).json()
    assert post["state"] == "held"
    [hold] = await court.holds()
    assert hold["can"] == []
    answer = await court.decide(hold, "release")
    assert (answer.status_code, code(answer)) == (403, "own-text")
    _, other = await court.place.member(CommunityRole.MANAGER)
    answer = await other.post(f"{court.path}/holds/{hold['id']}/release", json={}, headers=if_match(hold["version"]))
    assert answer.status_code == 200, answer.text


async def test_a_flag_publishes_and_tells(court: Court) -> None:
    _, client = await court.place.member()
    await court.detector("flag", kind="links", denied=["casino.example"])
    post = (await court.say(client, "https://www.Casino.example/x")).json()
    assert post["state"] == "published"
    [seen] = await court.detections()
    assert (seen["action"], seen["written"], seen["subject_id"]) == ("flag", True, post["id"])


async def test_the_strictest_detector_decides_and_all_are_told(court: Court) -> None:
    _, client = await court.place.member()
    for action in ("flag", "block", "hold"):
        await court.detector(action, kind="words", words=["casino"])
    assert (await court.say(client, "casino")).status_code == 422
    seen = await court.detections()
    assert {one["action"] for one in seen} == {"flag", "block", "hold"}
    assert {one["written"] for one in seen} == {False}


async def test_staff_are_looked_at_only_where_that_is_wanted(court: Court) -> None:
    await court.detector("block", kind="words", words=["casino"])
    assert (await court.say(court.moderator, "casino")).status_code == 201
    assert await court.detections() == []


async def test_other_subjects_are_left_alone(court: Court) -> None:
    _, client = await court.place.member()
    await court.put_up(
        {"name": "c", "action": "block", "settings": {"kind": "words", "words": ["x1"]}, "subjects": ["comment"]}
        | CLAUSE
    )
    post = await court.place.post(client, "x1")
    answer = await client.post(f"{court.path}/posts/{post['id']}/comments", json={"body": "x1"})
    assert answer.status_code == 422


async def test_an_edit_is_judged_too(court: Court) -> None:
    _, client = await court.place.member()
    await court.detector("hold", kind="words", words=["casino"])
    post = await court.place.post(client, "hello")
    url = f"{court.path}/posts/{post['id']}"
    edited = await client.patch(url, json={"body": "hello casino"}, headers=if_match(post["version"]))
    assert edited.status_code == 200, edited.text
    assert edited.json()["state"] == "held"
    [hold] = await court.holds()
    assert (await court.decide(hold, "release")).status_code == 200
    # Held once more after its release, it waits again.
    again = await client.get(url)
    assert again.json()["state"] == "published"
    edited = await client.patch(url, json={"body": "casino!"}, headers=if_match(again.json()["version"]))
    assert edited.json()["state"] == "held"
    [second] = await court.holds()
    assert (second["id"], second["version"], second["decided_at"]) == (hold["id"], 3, None)


async def test_deleted_by_its_author_a_held_text_waits_for_nobody(court: Court) -> None:
    _, client = await court.place.member()
    await court.detector("hold", kind="words", words=["casino"])
    post = (await court.say(client, "casino")).json()
    [hold] = await court.holds()
    gone = await client.delete(f"{court.path}/posts/{post['id']}", headers=if_match(post["version"]))
    assert gone.status_code == 204
    assert await court.holds() == []
    assert (await court.decide(hold, "release")).status_code == 404


async def test_two_moderators_decide_once(court: Court) -> None:
    _, client = await court.place.member()
    await court.detector("hold", kind="words", words=["casino"])
    await court.say(client, "casino")
    [hold] = await court.holds()
    answers = await asyncio.gather(court.decide(hold, "release"), court.decide(hold, "remove"))
    assert sorted(answer.status_code for answer in answers) in ([200, 404], [200, 409], [200, 412])
    assert len(await court.events(HoldDecided)) == 1


async def test_a_change_of_a_detector_is_in_force_at_once(court: Court) -> None:
    _, client = await court.place.member()
    detector = await court.detector("block", kind="words", words=["casino"])
    url = f"{court.path}/detectors/{detector['id']}"
    assert (await court.say(client, "casino")).status_code == 422
    changed = await court.moderator.patch(
        url, json={"settings": {"kind": "words", "words": ["lottery"]}}, headers=if_match(1)
    )
    assert changed.status_code == 200, changed.text
    assert (await court.say(client, "casino")).status_code == 201
    assert (await court.say(client, "lottery")).status_code == 422
    off = await court.moderator.patch(url, json={"enabled": False}, headers=if_match(2))
    assert off.status_code == 200
    assert (await court.say(client, "lottery")).status_code == 201


async def test_flooding_by_tier(court: Court, movable_clock: MovableClock) -> None:
    _, client = await court.place.member()
    await court.detector("block", kind="flooding", rates=[{"most": 2, "seconds": 60}])
    post = await court.place.post(client)
    await court.place.comment(client, post["id"])
    assert (await court.say(client, "third")).status_code == 422
    [seen] = await court.detections()
    assert seen["figures"] == {"said": 2, "most": 2, "seconds": 60}
    # What exists may be changed all the same, and others are not slowed down.
    changed = await client.patch(
        f"{court.path}/posts/{post['id']}", json={"body": "better"}, headers=if_match(post["version"])
    )
    assert changed.status_code == 200
    _, other = await court.place.member()
    assert (await court.say(other, "first")).status_code == 201
    movable_clock.move(seconds=60)
    assert (await court.say(client, "third")).status_code == 201


async def test_flooding_holds_when_all_is_said_at_once(court: Court) -> None:
    _, client = await court.place.member()
    await court.detector("block", kind="flooding", rates=[{"most": 3, "seconds": 3600}])
    answers = await asyncio.gather(*(court.say(client, f"n{number}") for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 5


SPAM = "限时福利!英语学习资料大礼包免费领取,名额有限先到先得,心动不如行动,快来报名参加吧"


async def test_nearly_the_same_text_of_another_is_found(court: Court, movable_clock: MovableClock) -> None:
    _, first = await court.place.member()
    _, second = await court.place.member()
    await court.detector("hold", kind="duplicates", hours=24)
    original = await court.place.post(first, SPAM)
    # One's own words again are a matter of flooding.
    assert (await court.say(first, SPAM)).json()["state"] == "published"
    copy = (await court.say(second, SPAM.replace("快来", "快 来").replace("福利", "優惠"))).json()
    assert copy["state"] == "held"
    [seen] = await court.detections()
    assert original["id"] in seen["similar_to"]
    assert seen["figures"]["people"] == 1
    assert (await court.say(second, "今天的英语打卡:serendipity,谁能用它造一个句子?")).json()["state"] == "published"
    movable_clock.move(hours=25)
    _, third = await court.place.member()
    assert (await court.say(third, SPAM)).json()["state"] == "published"


async def test_what_is_changed_into_a_copy_is_one(court: Court) -> None:
    _, first = await court.place.member()
    _, second = await court.place.member()
    await court.detector("hold", kind="duplicates")
    await court.place.post(first, SPAM)
    innocent = await court.place.post(second, "今天的英语打卡:serendipity,谁能用它造一个句子?")
    changed = await second.patch(
        f"{court.path}/posts/{innocent['id']}", json={"body": SPAM}, headers=if_match(innocent["version"])
    )
    assert changed.json()["state"] == "held"


@pytest.mark.parametrize(
    ("limits", "body", "held"),
    [
        ({"no_links": True}, "see example.com/x", True),
        ({"no_links": True}, "see you", False),
        ({"no_contacts": True}, "138 1234 5678", True),
        ({"most_per_day": 0}, "hi", True),
        ({"first": 1}, "hi", True),
    ],
)
async def test_newcomers(
    court: Court,
    movable_clock: MovableClock,
    limits: dict[str, Any],
    body: str,
    held: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    account, client = await court.place.member()
    await court.detector("hold", kind="newcomers", days=7, **limits)
    assert ((await court.say(client, body)).json()["state"] == "held") == held
    movable_clock.move(days=7)
    assert (await court.say(court.again(account), body)).json()["state"] == "published"


async def test_another_tenants_detectors_are_none_of_ours(court: Court, kit: Kit) -> None:
    other = await make_place(kit)
    _, client = await other.member()
    await court.detector("block", kind="words", words=["casino"])
    assert (await client.post(f"{other.path}/posts", json={"body": "casino"})).status_code == 201


async def test_what_was_said_is_forgotten_after_a_month(court: Court, movable_clock: MovableClock) -> None:
    _, client = await court.place.member()
    await court.detector("hold", kind="duplicates")
    await court.place.post(client, SPAM)
    count = "SELECT (SELECT count(*) FROM utterance WHERE community_id = $1) + (SELECT count(*) FROM utterance_band WHERE community_id = $1) AS n"
    [before] = await court.place.kit.sql(count, court.place.community)
    assert before["n"] == 17
    movable_clock.move(days=30, seconds=1)
    await court.place.kit.work()
    [after] = await court.place.kit.sql(count, court.place.community)
    assert after["n"] == 0


async def test_much_is_forgotten_a_batch_at_a_time(
    court: Court, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who publishes waits for a batch, and not for all."""
    kit, client = court.place.kit, court.place.kit.staff(court.place.organization)
    policy = {"profile": "china", "checker": "none"}
    answer = await client.put(f"{court.path}/moderation-policy", json=policy, headers=if_match(0))
    assert answer.status_code == 200, answer.text
    for number in range(5):
        await court.place.post(court.moderator, f"words {number}")
    monkeypatch.setattr(checks, "MOST_FORGOTTEN", 2)
    monkeypatch.setattr(compliance, "MOST_DESTROYED", 2)
    movable_clock.move(days=200)
    scheduler = Scheduler(kit.runtime.worker_engine, kit.runtime.jobs)
    left: list[tuple[int, int]] = [(5, 5)]
    while await scheduler.work_one():
        [row] = await kit.sql(
            "SELECT (SELECT count(*) FROM utterance WHERE community_id = $1) AS said, "
            "(SELECT count(*) FROM publication_log WHERE community_id = $1) AS logged",
            court.place.community,
        )
        left.append((row["said"], row["logged"]))
    assert left[-1] == (0, 0)
    steps = [(a[0] - b[0], a[1] - b[1]) for a, b in itertools.pairwise(left)]
    assert max(max(step) for step in steps) == 2
