"""Consents: a person's own, what partners tell of them, how it came to that; merged and erased."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.members.accounts.people import code, faults
from tests.members.contacts.partners import Partner, partner
from tests.members.town import Town, found_town

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import AccountMerged, ConsentChanged, ErasureOrdered

SHARED = {"zh": "昵称，用于会员卡。"}


@pytest.fixture
async def town(kit: Kit, movable_clock: MovableClock) -> Town:
    assert movable_clock
    return await found_town(kit)


@pytest.fixture
async def crm(town: Town) -> Partner:
    return await partner(town)


@pytest.fixture
async def lin(town: Town, crm: Partner) -> tuple[UUID, httpx.AsyncClient]:
    """A person, who is the contact C-1."""
    account, client = await town.person("Lin")
    await crm.known(account_id=str(account))
    return account, client


async def own(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/me/consents")
    assert answer.status_code == 200, answer.text
    return {one["client_id"] or one["purpose"]: one for one in answer.json()["data"]}


async def say(client: httpx.AsyncClient, purpose: str, *, granted: bool, partner: UUID | None = None) -> httpx.Response:
    body = {"granted": granted} | ({"client_id": str(partner)} if partner else {})
    return await client.put(f"/v1/me/consents/{purpose}", json=body)


async def told(town: Town, account: UUID) -> list[tuple[str, str | None, bool, int]]:
    events = [one for one in await town.kit.events(ConsentChanged) if one.data["account_id"] == str(account)]
    return [(one.data["purpose"], one.data["client_id"], one.data["granted"], one.aggregateversion) for one in events]


async def records(town: Town, account: UUID) -> list[tuple[str, bool, str]]:
    answer = await town.owner.get(f"/v1/accounts/{account}/consents/records")
    return [(one["source"], one["granted"], one["outcome"]) for one in answer.json()["data"]]


def moment(**before: float) -> str:
    return (clock.now() - timedelta(**before)).isoformat()


async def test_nobody_has_agreed_to_anything_before_they_say_so(town: Town, crm: Partner) -> None:
    shop = await partner(town, "consent", shared=SHARED)
    _, client = await town.person()
    seen = await own(client)
    assert set(seen) == {"email", "sms", "wechat", "phone", str(shop.id)}
    assert {(one["granted"], one["decided_at"], one["source"]) for one in seen.values()} == {(None, None, None)}
    assert (seen[str(shop.id)]["partner"], seen[str(shop.id)]["shared"]) == ("CRM", SHARED)
    assert str(crm.id) not in seen


async def test_a_person_agrees_and_withdraws(town: Town, movable_clock: MovableClock) -> None:
    shop = await partner(town, "consent")
    account, client = await town.person()
    done = await say(client, "partner", granted=True, partner=shop.id)
    assert done.status_code == 200, done.text
    mine = {one["client_id"]: one for one in done.json()["data"]}[str(shop.id)]
    assert (mine["granted"], mine["source"], mine["can"]) == (True, "person", ["decide"])
    assert await own(client) == {one["client_id"] or one["purpose"]: one for one in done.json()["data"]}
    movable_clock.move(minutes=3)
    await say(client, "sms", granted=True)
    for _ in range(2):
        assert (await say(client, "partner", granted=False, partner=shop.id)).status_code == 200
    assert await told(town, account) == [
        ("partner", str(shop.id), True, 1),
        ("sms", None, True, 1),
        ("partner", str(shop.id), False, 2),
    ]
    # Saying the same again is nothing new.
    expected = [("person", False, "applied"), ("person", True, "applied"), ("person", True, "applied")]
    assert await records(town, account) == expected
    # A partner that is gone stays on the list of who decided about it.
    assert (await town.owner.delete(f"/v1/clients/{shop.id}")).status_code == 204
    assert str(shop.id) in await own(client)
    assert faults(await say(client, "partner", granted=True, partner=shop.id)) == [("/client_id", "unknown")]


async def test_what_cannot_be_decided(town: Town, crm: Partner) -> None:
    _, client = await town.person()
    stranger = await partner(await found_town(town.kit), "consent")
    assert faults(await say(client, "partner", granted=True)) == [("/client_id", "partner-missing")]
    assert faults(await say(client, "sms", granted=True, partner=crm.id)) == [("/client_id", "partner-unexpected")]
    assert faults(await say(client, "partner", granted=True, partner=crm.id)) == [("/client_id", "no-consent-needed")]
    assert faults(await say(client, "partner", granted=True, partner=stranger.id)) == [("/client_id", "unknown")]
    assert faults(await say(client, "fax", granted=True)) == [("/path/purpose", "enum")]
    assert {one["granted"] for one in (await own(client)).values()} == {None}


async def test_a_partner_tells_what_its_contact_decided(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient]
) -> None:
    account, client = lin
    at = moment(days=3)
    done = await crm.tell(granted=True, decided_at=at, evidence="form 7")
    assert done.status_code == 200, done.text
    assert (done.json()["outcome"], done.json()["granted"], done.json()["purpose"]) == ("applied", True, "sms")
    again = await crm.tell(granted=True, decided_at=at, evidence="form 7")
    assert again.json() == done.json()
    assert code(await crm.tell(granted=False, decided_at=at, evidence="form 7")) == "version-reused"
    late = await crm.tell(version=3, granted=False, decided_at=moment(days=4))
    assert (late.json()["outcome"], late.json()["granted"]) == ("stale", True)
    # By its number it is late, whatever it says of the day.
    assert (await crm.tell(version=2, granted=False, decided_at=moment())).json()["outcome"] == "stale"
    withdrawn = await crm.tell(version=4, granted=False, decided_at=moment(days=1))
    assert (withdrawn.json()["outcome"], withdrawn.json()["granted"]) == ("applied", False)
    assert ((await own(client))["sms"]["granted"], (await own(client))["sms"]["source"]) == (False, "partner")
    assert await told(town, account) == [("sms", None, True, 1), ("sms", None, False, 2)]
    listed = (await town.owner.get(f"/v1/accounts/{account}/consents/records?limit=2")).json()
    rest = (await town.owner.get(f"/v1/accounts/{account}/consents/records?cursor={listed['next_cursor']}")).json()
    every = listed["data"] + rest["data"]
    assert [(one["granted"], one["outcome"]) for one in every] == [
        (False, "applied"),
        (False, "stale"),
        (True, "applied"),
    ]
    assert (every[2]["evidence"], every[2]["source_client_id"]) == ("form 7", str(crm.id))
    events = [one for one in await town.kit.events(ConsentChanged) if one.data["account_id"] == str(account)]
    assert {one.actor for one in events} == {crm.id}
    assert "form 7" not in str([one.data for one in events])


async def test_a_claim_never_undoes_what_the_person_withdrew(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient], movable_clock: MovableClock
) -> None:
    account, client = lin
    await say(client, "sms", granted=False)
    movable_clock.move(minutes=3)
    claimed = await crm.tell(granted=True, decided_at=moment(), evidence="signed just now")
    assert (claimed.status_code, claimed.json()["outcome"], claimed.json()["granted"]) == (200, "outranked", False)
    assert ((await own(client))["sms"]["granted"], await told(town, account)) == (False, [("sms", None, False, 1)])
    # It is on record that it was claimed.
    assert await records(town, account) == [("partner", True, "outranked"), ("person", False, "applied")]
    await say(client, "sms", granted=True)
    movable_clock.move(minutes=3)
    heeded = await crm.tell(version=2, granted=False, decided_at=moment())
    assert (heeded.json()["outcome"], (await own(client))["sms"]["granted"]) == ("applied", False)


async def test_at_once_there_is_one_consent(town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient]) -> None:
    account, client = lin
    at = moment(hours=1)
    claims = (crm.tell(version=1 + n % 3, granted=True, decided_at=at) for n in range(20))
    answers = await asyncio.gather(*claims, *(say(client, "sms", granted=False) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await own(client))["sms"]["granted"] is False
    [kept] = await town.kit.sql("SELECT count(*) FROM consent WHERE account_id = $1", account)
    assert kept["count"] == 1
    told_of = [one for one in await records(town, account) if one[0] == "partner"]
    assert len(told_of) <= 3


async def test_a_partner_cannot_agree_to_itself(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient], movable_clock: MovableClock
) -> None:
    account, client = lin
    shop = await partner(town, "consent")
    await say(client, "partner", granted=True, partner=shop.id)
    await shop.known(account_id=str(account))
    await say(client, "partner", granted=False, partner=shop.id)
    movable_clock.move(minutes=3)
    at = moment()
    refused = await shop.tell("partner", granted=True, decided_at=at)
    assert (refused.status_code, code(refused)) == (403, "consent-of-person-needed")
    other = await partner(town, "consent")
    refused = await shop.tell("partner", granted=False, decided_at=at, client_id=str(other.id))
    assert (refused.status_code, code(refused)) == (403, "forbidden")
    # It may say that somebody has withdrawn; the brand's own system may say that somebody agreed, to whom nothing was said here.
    assert (await shop.tell("partner", granted=False, decided_at=at)).json()["outcome"] == "unchanged"
    told_of = await crm.tell("partner", granted=True, decided_at=at, client_id=str(other.id))
    assert (told_of.json()["outcome"], (await own(client))[str(other.id)]["granted"]) == ("applied", True)
    outranked = await crm.tell("partner", granted=True, decided_at=at, client_id=str(shop.id))
    assert outranked.json()["outcome"] == "outranked"
    assert code(await shop.get()) == "consent-missing"
    assert faults(await crm.tell("partner", granted=True, decided_at=at, client_id=str(new_id()))) == [
        ("/client_id", "unknown")
    ]
    assert faults(await crm.tell("sms", granted=True, decided_at=at, client_id=str(shop.id))) == [
        ("/client_id", "partner-unexpected")
    ]


async def test_what_has_not_been_decided_yet_is_refused(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient]
) -> None:
    account, _ = lin
    ahead = moment(minutes=-2)
    assert faults(await crm.tell(granted=True, decided_at=ahead)) == [("/decided_at", "in-future")]
    for never in ("2026-01-01T00:00:00", "yesterday", "0001-01-01T00:00:00Z", None):
        assert (await crm.tell(granted=True, decided_at=never)).status_code == 422
    assert await told(town, account) == []
    assert faults(await crm.tell(granted="yes", decided_at=moment())) == [("/granted", "bool-type")]
    # A clock that is a little ahead of ours is no reason to lose what somebody decided; it is written down as now.
    done = await crm.tell(version=7, granted=True, decided_at=moment(seconds=-30))
    assert done.json()["outcome"] == "applied"
    assert await told(town, account) == [("sms", None, True, 1)]


async def test_a_merge_keeps_the_persons_word(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient], movable_clock: MovableClock
) -> None:
    account, client = lin
    goes, other = await town.person("Lin (shop)")
    await say(client, "email", granted=False)
    await crm.tell("wechat", granted=True, decided_at=moment(days=9), evidence="form")
    movable_clock.move(minutes=3)
    for purpose in ("email", "wechat", "sms"):
        await say(other, purpose, granted=True)
    merged = AccountMerged(account_id=account, merged_account_id=goes)
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = $2", account, goes)
    for _ in range(2):
        await town.kit.deliver(envelope(merged, town.organization, account))
    seen = await own(client)
    assert {purpose: seen[purpose]["granted"] for purpose in ("email", "wechat", "sms", "phone")} == {
        "email": True,
        "wechat": True,
        "sms": True,
        "phone": None,
    }
    assert seen["wechat"]["source"] == "person"
    assert [one for one in await told(town, account) if one[3] == 2] == [
        ("email", None, True, 2),
        ("wechat", None, True, 2),
    ]
    answer = await town.owner.get(f"/v1/accounts/{account}/consents/records")
    assert [one["merged_account_id"] for one in answer.json()["data"]].count(str(goes)) == 3


async def test_an_erased_person_agrees_to_nothing(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient]
) -> None:
    account, client = lin
    await crm.tell(granted=True, decided_at=moment(days=1), evidence="form 7, Lin Yue")
    await say(client, "email", granted=True)
    await say(client, "phone", granted=False)
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    await town.kit.deliver(envelope(order, town.organization, order.erasure_id))
    seen = await own(client)
    assert {seen[purpose]["granted"] for purpose in ("email", "sms", "phone")} == {False}
    assert sorted(one for one in await told(town, account) if one[3] == 2) == [
        ("email", None, False, 2),
        ("sms", None, False, 2),
    ]
    answer = await town.owner.get(f"/v1/accounts/{account}/consents/records")
    assert [one["evidence"] for one in answer.json()["data"]] == [None] * 3


async def test_consents_are_the_persons_and_staffs(
    town: Town, crm: Partner, lin: tuple[UUID, httpx.AsyncClient]
) -> None:
    account, client = lin
    _, other = await town.person()
    stranger = (await found_town(town.kit)).owner
    for url in (f"/v1/accounts/{account}/consents", f"/v1/accounts/{account}/consents/records"):
        answers = [await who.get(url) for who in (client, other, crm.http, stranger, town.owner)]
        assert [answer.status_code for answer in answers] == [403, 403, 403, 404, 200]
    assert (await town.owner.get(f"/v1/accounts/{account}/consents")).json()["data"][0]["can"] == []
    assert [
        (await crm.http.get("/v1/me/consents")).status_code,
        (await say(crm.http, "sms", granted=True)).status_code,
    ] == [
        403,
        403,
    ]
    assert (await town.owner.get(f"/v1/accounts/{new_id()}/consents")).status_code == 404
