"""Mutes, suspensions, verified phones and the publication log, over HTTP and members' events."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tests.content.conftest import code, if_match
from tests.content.moderation.conftest import Court, put_policy

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import envelope
from chassis.tokens import OWNER_SCOPE
from contracts.base import Event
from contracts.content import PublicationLogOpened
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
