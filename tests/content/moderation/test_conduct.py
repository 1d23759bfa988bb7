"""Mutes, suspensions, verified phones and the publication log, over HTTP and members' events."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.content.conftest import code, if_match
from tests.content.moderation.conftest import Court

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import envelope
from chassis.tokens import OWNER_SCOPE
from content.moderation.external.checkers import CHECKERS, Opinion, Submission
from contracts.base import Event
from contracts.content import CheckJudged, CheckRequested, HoldPlaced, PublicationLogOpened
from contracts.members import (
    CommunityRole,
    PhoneVerificationChanged,
    SanctionEnded,
    SanctionImposed,
    SanctionKind,
    TierChanged,
)

CLAUSE_TEXT = {"en": "No insults"}


async def sanction(
    court: Court,
    account: UUID,
    kind: SanctionKind,
    *,
    until: datetime | None,
    sanction_id: UUID | None = None,
    event: type[SanctionImposed | SanctionEnded] = SanctionImposed,
    version: int = 1,
    from_at: datetime | None = None,
) -> UUID:
    identifier = sanction_id or new_id()
    told = event(
        sanction_id=identifier,
        community_id=court.place.community,
        account_id=account,
        kind=kind,
        clause="1.4",
        clause_text=CLAUSE_TEXT,
        from_at=from_at or datetime(2026, 1, 1, tzinfo=UTC),
        until=until,
    )
    await tell(court, told, identifier, version)
    return identifier


async def tell(court: Court, event: Event, aggregate: UUID, version: int = 1) -> None:
    await court.place.kit.deliver(envelope(event, court.place.organization, aggregate, version=version))


async def test_a_mute_takes_the_voice_and_nothing_else(court: Court, movable_clock: MovableClock) -> None:
    account, client = await court.place.member()
    post = await court.place.post(client)
    until = movable_clock() + timedelta(hours=1)
    identifier = await sanction(court, account, SanctionKind.MUTE, until=until)
    for answer in (
        await court.say(client, "hello"),
        await client.post(f"{court.path}/posts/{post['id']}/comments", json={"body": "hello"}),
        await client.patch(f"{court.path}/posts/{post['id']}", json={"body": "x"}, headers=if_match(post["version"])),
    ):
        assert (answer.status_code, code(answer)) == (403, "author-muted")
        assert answer.json()["clause"] == {"code": "1.4", "text": CLAUSE_TEXT}
        assert answer.json()["until"] == until.isoformat()
    assert (await client.get(f"{court.path}/posts")).status_code == 200
    assert (await client.put(f"{court.path}/posts/{post['id']}/reactions/👍")).status_code == 200
    _, other = await court.place.member()
    assert (await court.say(other, "hello")).status_code == 201
    # A moderator may still put right what the muted wrote.
    changed = await court.moderator.patch(
        f"{court.path}/posts/{post['id']}", json={"body": "better"}, headers=if_match(post["version"])
    )
    assert changed.status_code == 200
    await sanction(
        court, account, SanctionKind.MUTE, until=until, sanction_id=identifier, event=SanctionEnded, version=2
    )
    assert (await court.say(client, "back")).status_code == 201


async def test_the_muted_do_not_speak_through_others_texts(court: Court) -> None:
    """Neither by editing what somebody else wrote, nor by bringing out their draft; and a moderator's own mute counts too."""
    editor_id, editor = await court.place.member(CommunityRole.EDITOR)
    _, colleague = await court.place.member(CommunityRole.EDITOR)
    article = (await court.say(colleague, "words", kind="article")).json()
    draft = (await court.say(colleague, "more words", kind="article", draft=True)).json()
    own = (await court.say(court.moderator, "mine")).json()
    for account in (editor_id, court.moderator_id):
        await sanction(court, account, SanctionKind.MUTE, until=None)
    first = if_match(1)
    for answer in (
        await editor.patch(f"{court.path}/posts/{article['id']}", json={"body": "others"}, headers=first),
        await editor.post(f"{court.path}/posts/{draft['id']}/publish", headers=first),
        await court.moderator.patch(f"{court.path}/posts/{own['id']}", json={"body": "others"}, headers=first),
        await court.moderator.patch(f"{court.path}/posts/{article['id']}", json={"body": "others"}, headers=first),
    ):
        assert (answer.status_code, code(answer)) == (403, "author-muted")
        assert answer.json()["detail"].startswith("You are muted")
    assert (await colleague.post(f"{court.path}/posts/{draft['id']}/publish", headers=first)).status_code == 200


async def test_nobody_brings_out_what_the_muted_have_drafted(court: Court) -> None:
    account, author = await court.place.member(CommunityRole.EDITOR)
    _, colleague = await court.place.member(CommunityRole.EDITOR)
    draft = (await court.say(author, "words", kind="article", draft=True)).json()
    await sanction(court, account, SanctionKind.MUTE, until=None)
    answer = await colleague.post(f"{court.path}/posts/{draft['id']}/publish", headers=if_match(1))
    assert (answer.status_code, code(answer)) == (403, "author-muted")
    assert answer.json()["detail"].startswith("Its author is muted")


async def test_a_mute_ends_by_itself(court: Court, movable_clock: MovableClock) -> None:
    account, client = await court.place.member()
    await sanction(court, account, SanctionKind.MUTE, until=movable_clock() + timedelta(hours=1))
    assert (await court.say(client, "hello")).status_code == 403
    movable_clock.move(hours=1)
    assert (await court.say(court.again(account), "hello")).status_code == 201


async def test_a_suspension_takes_the_community_until_its_end(court: Court, movable_clock: MovableClock) -> None:
    account, client = await court.place.member()
    identifier = await sanction(court, account, SanctionKind.SUSPENSION, until=movable_clock() + timedelta(days=1))
    for answer in (await client.get(f"{court.path}/posts"), await court.say(client, "hello")):
        assert (answer.status_code, code(answer)) == (403, "forbidden")
    # Prolonged before its end, it goes on.
    movable_clock.move(hours=23)
    await sanction(
        court,
        account,
        SanctionKind.SUSPENSION,
        until=movable_clock() + timedelta(days=1),
        sanction_id=identifier,
        version=2,
    )
    movable_clock.move(hours=2)
    await court.place.kit.work()
    assert (await court.again(account).get(f"{court.path}/posts")).status_code == 403
    movable_clock.move(hours=23)
    await court.place.kit.work()
    client = court.again(account)
    assert (await client.get(f"{court.path}/posts")).status_code == 200
    assert (await court.say(client, "hello")).status_code == 201


async def test_a_suspension_holds_where_no_community_is_named(court: Court) -> None:
    """In the calendar over all communities, as a target of a send from another one, and for uploads."""
    account, editor = await court.place.member(CommunityRole.EDITOR)
    kit, organization = court.place.kit, court.place.organization
    slot = {"name": {"en": "Morning"}, "kind": "greeting", "rrule": "FREQ=DAILY", "at": "07:30"}
    assert (await editor.post(f"{court.path}/slots", json=slot)).status_code == 201
    upload = {"kind": "image", "name": "sea.jpg", "size": 10}
    assert (await editor.post("/v1/media", json=upload)).status_code == 201
    assert (await editor.get("/v1/calendar")).json()["data"] != []
    await sanction(court, account, SanctionKind.SUSPENSION, until=None)
    assert (await editor.get("/v1/calendar")).json()["data"] == []
    assert (await editor.get("/v1/calendar/gaps")).json()["gaps"] == []
    assert (await editor.post("/v1/media", json=upload)).status_code == 403
    home = await kit.community(organization)
    await kit.member(organization, home, account, roles=[CommunityRole.EDITOR])
    item = {"kind": "greeting", "body": "hello", "state": "ready"}
    made = (await editor.post(f"/v1/communities/{home}/items", json=item)).json()
    targets = [{"community_id": str(one)} for one in (home, court.place.community)]
    sent = await editor.post(f"/v1/communities/{home}/items/{made['id']}/sends", json={"targets": targets})
    assert [one["code"] for one in sent.json()["results"]] == [None, "not-an-editor"]
    assert (await editor.post("/v1/media", json=upload)).status_code == 201


async def test_an_older_event_changes_nothing(court: Court) -> None:
    account, client = await court.place.member()
    identifier = await sanction(court, account, SanctionKind.MUTE, until=None, event=SanctionEnded, version=2)
    await sanction(court, account, SanctionKind.MUTE, until=None, sanction_id=identifier, version=1)
    assert (await court.say(client, "hello")).status_code == 201


async def test_flooding_knows_the_tier(court: Court) -> None:
    account, client = await court.place.member()
    rates = [{"most": 1, "seconds": 60}, {"most": 3, "seconds": 60, "tier": "regular"}]
    await court.detector("block", kind="flooding", rates=rates)
    told = TierChanged(
        membership_id=new_id(),
        community_id=court.place.community,
        account_id=account,
        from_tier=None,
        to_tier="regular",
        grace_until=None,
        manual_until=None,
        standard_version=1,
        reason="tier-rose",
    )
    tier = new_id()
    await tell(court, told, tier)
    assert [(await court.say(client, f"n{number}")).status_code for number in range(4)] == [201, 201, 201, 422]
    await tell(court, told.model_copy(update={"from_tier": "regular", "to_tier": None}), tier, 2)
    assert (await court.say(client, "n5")).status_code == 422
    assert [seen["figures"]["most"] for seen in await court.detections()] == [1, 3]


async def put_policy(court: Court, version: int = 0, **fields: Any) -> httpx.Response:
    staff = court.place.kit.staff(court.place.organization)
    body = {"profile": "none", "checker": "none", **fields}
    return await staff.put(f"{court.path}/moderation-policy", json=body, headers=if_match(version))


async def test_china_asks_for_a_verified_phone(court: Court) -> None:
    account, client = await court.place.member()
    post = await court.place.post(client)
    answer = await put_policy(court, profile="china")
    assert (answer.status_code, answer.json()["version"]) == (200, 1), answer.text
    for answer in (
        await court.say(client, "hello"),
        await client.post(f"{court.path}/posts/{post['id']}/comments", json={"body": "hello"}),
    ):
        assert (answer.status_code, code(answer)) == (403, "phone-unverified")
    assert (await court.say(court.moderator, "staff may")).status_code == 201
    await tell(court, PhoneVerificationChanged(account_id=account, verified=True), account)
    assert (await court.say(client, "hello")).status_code == 201
    await tell(court, PhoneVerificationChanged(account_id=account, verified=False), account, 2)
    assert (await court.say(client, "hello")).status_code == 403


async def test_the_publication_log_is_sealed_opened_with_a_reason_and_destroyed(
    court: Court, movable_clock: MovableClock
) -> None:
    kit, start = court.place.kit, movable_clock()
    account, _ = await court.place.member()
    client = kit.client(kit.issuer.token(court.place.organization, account), **{"X-Forwarded-For": "203.0.113.7"})
    await put_policy(court, profile="china")
    await tell(court, PhoneVerificationChanged(account_id=account, verified=True), account)
    post = (await court.say(client, "hello")).json()
    [row] = await kit.sql("SELECT * FROM publication_log WHERE community_id = $1", court.place.community)
    assert b"203.0.113.7" not in row["sealed"]
    assert account.bytes not in row["sealed"]
    assert str(account).encode() not in row["sealed"]

    stretch = {"from_at": start.isoformat(), "until": (start + timedelta(days=1)).isoformat()}
    url = f"{court.path}/publication-log/openings"
    opening = {"reason": "Request 2026/118", **stretch}
    for other in (client, court.moderator, kit.staff(court.place.organization)):
        assert (await other.post(url, json=opening)).status_code == 403
    owner_id = uuid4()
    owner = kit.staff(court.place.organization, owner_id, scope=OWNER_SCOPE)
    assert (await owner.post(url, json=stretch)).status_code == 422
    opened = await owner.post(url, json=opening)
    assert opened.status_code == 201, opened.text
    assert opened.json()["publications"] == [
        {
            "account_id": str(account),
            "published_by": str(account),
            "subject_kind": "post",
            "subject_id": post["id"],
            "published_at": opened.json()["publications"][0]["published_at"],
            "address": "203.0.113.7",
        }
    ]
    assert (opened.json()["complete"], opened.json()["unreadable"]) == (True, 0)
    [kept] = await kit.sql("SELECT * FROM publication_log_opening WHERE community_id = $1", court.place.community)
    assert (kept["opened_by"], kept["reason"]) == (owner_id, "Request 2026/118")
    [event] = await court.events(PublicationLogOpened)
    assert event.actor == owner_id
    assert "2026/118" not in event.model_dump_json()

    movable_clock.move(days=183)
    await kit.work()
    assert len(await kit.sql("SELECT FROM publication_log WHERE community_id = $1", court.place.community)) == 1
    movable_clock.move(days=2)
    await kit.work()
    assert await kit.sql("SELECT FROM publication_log WHERE community_id = $1", court.place.community) == []


async def test_the_log_tells_who_changed_a_text_from_where(court: Court, movable_clock: MovableClock) -> None:
    """An address is of the account that acted, and not of the one that wrote."""
    kit = court.place.kit
    account, client = await court.place.member()
    post = (await court.say(client, "hello")).json()
    await put_policy(court, profile="china")
    token = kit.issuer.token(court.place.organization, court.moderator_id)
    moderator = kit.client(token, **{"X-Forwarded-For": "203.0.113.9"})
    changed = await moderator.patch(f"{court.path}/posts/{post['id']}", json={"body": "hi"}, headers=if_match(1))
    assert changed.status_code == 200, changed.text
    start = movable_clock()
    body = {"reason": "r", "from_at": start.isoformat(), "until": (start + timedelta(days=1)).isoformat()}
    owner = kit.staff(court.place.organization, scope=OWNER_SCOPE)
    opened = await owner.post(f"{court.path}/publication-log/openings", json=body)
    [entry] = opened.json()["publications"]
    assert (entry["account_id"], entry["published_by"], entry["address"]) == (
        str(account),
        str(court.moderator_id),
        "203.0.113.9",
    )


async def test_an_entry_does_not_open_elsewhere(court: Court, movable_clock: MovableClock) -> None:
    await put_policy(court, profile="china")
    await court.say(court.moderator, "hello")
    kit = court.place.kit
    await kit.sql("UPDATE publication_log SET id = $1 WHERE community_id = $2", new_id(), court.place.community)
    owner = kit.staff(court.place.organization, scope=OWNER_SCOPE)
    start = movable_clock()
    body = {"reason": "r", "from_at": start.isoformat(), "until": (start + timedelta(days=1)).isoformat()}
    opened = (await owner.post(f"{court.path}/publication-log/openings", json=body)).json()
    assert (opened["publications"], opened["unreadable"]) == ([], 1)
    other = new_id()
    assert (await owner.post(f"/v1/communities/{other}/publication-log/openings", json=body)).status_code == 404


async def test_the_policy_is_changed_by_managers_who_read_it(court: Court) -> None:
    read = await court.moderator.get(f"{court.path}/moderation-policy")
    assert (read.json()["version"], read.json()["can"], read.headers["etag"]) == (0, [], '"0"')
    body = {"profile": "none", "checker": "none"}
    assert (
        await court.moderator.put(f"{court.path}/moderation-policy", json=body, headers=if_match(0))
    ).status_code == 403
    assert (await put_policy(court, 1)).status_code == 412
    first = await put_policy(court)
    assert (first.status_code, first.json()["version"]) == (200, 1)
    assert (await put_policy(court, 1)).json()["version"] == 1
    clause = {"checker_clause_code": "9", "checker_clause_text": {"en": "Be kind"}}
    assert (await put_policy(court, 1, checker="unheard-of", **clause)).status_code == 422
    assert (await put_policy(court, 1, checker="callback")).status_code == 422
    assert (await put_policy(court, 1, checker="callback", **clause)).json()["version"] == 2


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
