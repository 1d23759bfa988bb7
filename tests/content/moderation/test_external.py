"""Checkers from outside: installed ones, and partners' programs that call back."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.content.conftest import code, if_match
from tests.content.moderation.conftest import Court, put_policy

from chassis.ids import new_id
from chassis.tokens import OWNER_SCOPE
from content.moderation.external.checkers import CHECKERS, Opinion, Submission
from contracts.content import CheckJudged, CheckRequested, HoldPlaced


@pytest.mark.parametrize(
    ("opinion", "status", "state"),
    [
        (Opinion.ALLOWED, 201, "published"),
        (Opinion.HELD, 201, "held"),
        (Opinion.REFUSED, 422, None),
        (None, 201, "held"),
    ],
)
async def test_an_installed_checker_judges_at_once(
    court: Court, opinion: Opinion | None, status: int, state: str | None
) -> None:
    asked: list[Submission] = []

    async def checker(submission: Submission) -> Opinion:
        asked.append(submission)
        if opinion is None:
            raise OSError("away")
        return opinion

    CHECKERS["here"] = checker
    try:
        clause = {"checker_clause_code": "9", "checker_clause_text": {"en": "Be kind"}}
        assert (await put_policy(court, checker="here", **clause)).status_code == 200
        _, client = await court.place.member()
        answer = await court.say(client, "hello", title="T")
        assert (answer.status_code, answer.json().get("state")) == (status, state)
        if opinion is Opinion.REFUSED:
            assert answer.json()["clause"] == {"code": "9", "text": {"en": "Be kind"}}
        assert [dict(one.texts) for one in asked] == [{"title": "T", "body": "hello"}]
        assert [hold["cause"] for hold in await court.holds()] == (["checker"] if state == "held" else [])
    finally:
        del CHECKERS["here"]


async def test_what_waits_for_a_callback_only_its_author_sees(court: Court) -> None:
    post, checker = await waiting(court)
    _, other = await court.place.member()
    url = f"{court.path}/posts/{post['id']}"
    assert (await other.get(url)).status_code == 404
    [event] = await court.events(CheckRequested)
    assert event.data["subject_id"] == post["id"]
    assert "hello" not in event.model_dump_json()
    [check] = (await checker.get("/v1/checks")).json()["data"]
    assert (check["body"], check["subject_id"], check["state"], check["version"]) == ("hello", post["id"], "waiting", 1)
    assert "author_id" not in check
    judged = await verdict(checker, check, "allowed")
    assert (judged.status_code, judged.json()["state"], judged.headers["etag"]) == (200, "allowed", '"2"'), judged.text
    assert (await other.get(url)).json()["state"] == "published"
    assert (await checker.get("/v1/checks")).json()["data"] == []
    assert (await checker.get(f"/v1/checks/{check['id']}")).json()["state"] == "allowed"
    again = await verdict(checker, judged.json(), "refused")
    assert (again.status_code, code(again)) == (409, "check-judged")
    [judgement] = await court.events(CheckJudged)
    assert (judgement.data["verdict"], judgement.aggregateversion) == ("allowed", 2)


async def waiting(court: Court) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Return a post that waits for the partner's program, and the program."""
    clause = {"checker_clause_code": "9", "checker_clause_text": {"en": "Be kind"}}
    assert (await put_policy(court, checker="callback", **clause)).status_code == 200
    _, client = await court.place.member()
    post = (await court.say(client, "hello")).json()
    assert post["state"] == "held"
    assert (await client.get(f"{court.path}/posts/{post['id']}")).status_code == 200
    return post, court.place.kit.partner(court.place.organization, "content:judge")


async def verdict(checker: httpx.AsyncClient, check: dict[str, Any], word: str) -> httpx.Response:
    url = f"/v1/checks/{check['id']}/verdict"
    return await checker.post(url, json={"verdict": word}, headers=if_match(check["version"]))


async def test_a_refused_text_is_removed_and_a_held_one_left_to_moderators(court: Court) -> None:
    post, checker = await waiting(court)
    [check] = (await checker.get("/v1/checks")).json()["data"]
    assert (await verdict(checker, check, "held")).status_code == 200
    [hold] = await court.holds()
    assert (hold["subject_id"], hold["cause"], hold["clause_code"]) == (post["id"], "checker", "9")
    assert (await court.decide(hold, "release")).status_code == 200
    _, second = await court.place.member()
    other = (await court.say(second, "insult")).json()
    [check] = (await checker.get("/v1/checks")).json()["data"]
    assert (await verdict(checker, check, "refused")).status_code == 200
    assert (await second.get(f"{court.path}/posts/{other['id']}")).status_code == 404
    assert await court.holds() == []


async def test_a_verdict_on_words_that_have_changed_is_stale(court: Court) -> None:
    post, checker = await waiting(court)
    author = court.again(UUID(post["author_id"]))
    [check] = (await checker.get("/v1/checks")).json()["data"]
    url = f"{court.path}/posts/{post['id']}"
    changed = await author.patch(url, json={"body": "insult"}, headers=if_match(post["version"]))
    assert (changed.status_code, changed.json()["state"]) == (200, "held")
    assert (await verdict(checker, check, "allowed")).status_code == 412
    [newer] = (await checker.get("/v1/checks")).json()["data"]
    assert (newer["id"], newer["version"], newer["body"]) == (check["id"], 2, "insult")
    gone = await author.delete(url, headers=if_match(changed.json()["version"]))
    assert gone.status_code == 204
    assert (await checker.get("/v1/checks")).json()["data"] == []
    assert (await verdict(checker, newer, "allowed")).status_code == 404


async def test_what_a_detector_holds_too_is_the_moderators(court: Court) -> None:
    await court.detector("hold", kind="words", words=["hello"])
    _, checker = await waiting(court)
    [check] = (await checker.get("/v1/checks")).json()["data"]
    assert (await verdict(checker, check, "allowed")).status_code == 200
    [hold] = await court.holds()
    assert hold["cause"] == "detector"


async def test_new_words_that_a_detector_holds_are_the_moderators_although_the_checker_held_the_old_ones(
    court: Court,
) -> None:
    post, checker = await waiting(court)
    await court.detector("hold", kind="words", words=["casino"])
    author = court.again(UUID(post["author_id"]))
    url = f"{court.path}/posts/{post['id']}"
    changed = await author.patch(url, json={"body": "casino"}, headers=if_match(post["version"]))
    assert changed.json()["state"] == "held"
    [check] = (await checker.get("/v1/checks")).json()["data"]
    assert (await verdict(checker, check, "allowed")).status_code == 200
    assert (await author.get(url)).json()["state"] == "held"
    [hold] = await court.holds()
    assert (hold["cause"], hold["clause_code"], hold["version"]) == ("detector", "3.2", 2)
    assert [event.data["cause"] for event in await court.events(HoldPlaced)] == ["checker", "detector"]


async def test_only_programs_with_the_scope_judge(court: Court) -> None:
    _, checker = await waiting(court)
    [check] = (await checker.get("/v1/checks")).json()["data"]
    kit = court.place.kit
    for client in (
        court.moderator,
        kit.staff(court.place.organization, scope=OWNER_SCOPE),
        kit.partner(court.place.organization, "members:read"),
    ):
        for answer in (await client.get("/v1/checks"), await verdict(client, check, "allowed")):
            assert answer.status_code == 403
    foreign = kit.partner(new_id(), "content:judge")
    assert (await foreign.get("/v1/checks")).json()["data"] == []
    assert (await verdict(foreign, check, "allowed")).status_code == 404
