"""Inviting and claiming imported accounts."""

import asyncio
from uuid import UUID

import httpx
import pytest
from tests.members.accounts.people import PASSWORD, Brand, code, found

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import AccountClaimed
from members.accounts.commands import import_accounts
from members.accounts.policy import ImportedAccount

pytestmark = pytest.mark.usefixtures("movable_clock")
EMAIL = "lin@demo.example"


@pytest.fixture
async def brand(kit: Kit, movable_clock: MovableClock) -> Brand:
    assert movable_clock
    return await found(kit)


async def imported(kit: Kit, brand: Brand, *, bot: bool = False) -> UUID:
    item = ImportedAccount(f"slack:{new_id()}", "Lin Yue", bot=bot)
    async with transaction(kit.runtime.engine, brand.id) as session:
        made = await import_accounts(session, organization_id=brand.id, actor=brand.owner_id, items=[item])
    return made[item.external_id][0]


async def invite(brand: Brand, account: UUID) -> str:
    answer = await (await brand.owner()).post(f"/v1/accounts/{account}/invitations")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    token: str = answer.json()["token"]
    return token


async def claim(kit: Kit, token: str, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
    body = {"token": token, "email": email, "password": password}
    return await kit.client().post("/v1/invitations/claim", json=body)


async def test_an_imported_person_claims_their_account(kit: Kit, brand: Brand) -> None:
    account = await imported(kit, brand)
    token = await invite(brand, account)
    assert token.startswith(f"hi_{brand.id.hex}_")
    session = await claim(kit, token, "Lin@Demo.Example")
    assert session.status_code == 201
    assert session.json()["account_id"] == str(account)
    assert session.headers["hearth-position"] == f"account/{account}@2"
    me = (await kit.client(session.json()["access_token"]).get("/v1/me")).json()
    assert (me["email"], me["credentialed"], me["display_name"]) == (EMAIL, True, "Lin Yue")
    assert (await brand.sign_in(EMAIL)).status_code == 201
    claimed = [one for one in await kit.events(AccountClaimed) if one.aggregateid == account]
    assert [(one.aggregateversion, one.actor) for one in claimed] == [(2, account)]


async def test_an_invitation_is_good_once(kit: Kit, brand: Brand) -> None:
    token = await invite(brand, await imported(kit, brand))
    answers = await asyncio.gather(*(claim(kit, token, f"lin{n}@demo.example") for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410, 410, 410]
    assert {code(answer) for answer in answers if answer.status_code == 410} == {"invitation-used"}


async def test_a_newer_invitation_takes_the_place_of_the_older(kit: Kit, brand: Brand) -> None:
    account = await imported(kit, brand)
    older, newer = await invite(brand, account), await invite(brand, account)
    assert code(await claim(kit, older)) == "invitation-withdrawn"
    assert (await claim(kit, newer)).status_code == 201


async def test_parallel_invitations_leave_one_open(kit: Kit, brand: Brand) -> None:
    account = await imported(kit, brand)
    owner = await brand.owner()
    answers = await asyncio.gather(*(owner.post(f"/v1/accounts/{account}/invitations") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    outcomes = [(await claim(kit, answer.json()["token"], f"lin{n}@demo.example")) for n, answer in enumerate(answers)]
    assert sorted(answer.status_code for answer in outcomes) == [201, 410, 410, 410]


async def test_an_invitation_expires_after_a_week(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    token = await invite(brand, await imported(kit, brand))
    movable_clock.move(days=7)
    expired = await claim(kit, token)
    assert (expired.status_code, code(expired)) == (410, "invitation-expired")


async def test_a_guess_finds_nothing(kit: Kit, brand: Brand) -> None:
    token = await invite(brand, await imported(kit, brand))
    prefix, organization, identifier, secret = token.split("_", 3)
    for guess in (
        f"{prefix}_{organization}_{identifier}_{'x' * len(secret)}",
        f"{prefix}_{organization}_{new_id().hex}_{secret}",
        f"{prefix}_{(await found(kit)).id.hex}_{identifier}_{secret}",
        f"hrt_{organization}_{identifier}_{secret}",
        "hi",
    ):
        assert code(await claim(kit, guess)) == "not-found"
    rows = await kit.sql("SELECT invitation::text AS whole FROM invitation")
    assert not any(secret in row["whole"] for row in rows)


async def test_an_address_that_somebody_has_leaves_the_invitation_good(kit: Kit, brand: Brand) -> None:
    await brand.register(EMAIL)
    token = await invite(brand, await imported(kit, brand))
    taken = await claim(kit, token)
    assert (taken.status_code, code(taken)) == (409, "email-taken")
    weak = await claim(kit, token, "lin2@demo.example", "lin2@demo.example")
    assert weak.json()["errors"][0]["code"] == "password-is-email"
    assert (await claim(kit, token, "lin2@demo.example")).status_code == 201


async def test_who_can_be_invited(kit: Kit, brand: Brand) -> None:
    account, person = await brand.person()
    owner = await brand.owner()
    assert code(await owner.post(f"/v1/accounts/{account['id']}/invitations")) == "already-claimed"
    assert code(await owner.post(f"/v1/accounts/{await imported(kit, brand, bot=True)}/invitations")) == "bot"
    assert code(await owner.post(f"/v1/accounts/{new_id()}/invitations")) == "not-found"
    lin = await imported(kit, brand)
    assert (await person.post(f"/v1/accounts/{lin}/invitations")).status_code == 403
    other = await (await found(kit)).owner()
    assert (await other.post(f"/v1/accounts/{lin}/invitations")).status_code == 404


async def test_a_repeated_request_with_a_key_gets_the_same_invitation(kit: Kit, brand: Brand) -> None:
    account = await imported(kit, brand)
    owner = await brand.owner()
    answers = [
        await owner.post(f"/v1/accounts/{account}/invitations", headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert (await claim(kit, answers[1].json()["token"])).status_code == 201
