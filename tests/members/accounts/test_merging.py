"""Merging two accounts of one person."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.members.accounts.people import Brand, code, faults, found

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from chassis.tokens import OWNER_SCOPE
from contracts.members import AccountMerged, SessionRevoked
from members.accounts.commands import import_accounts
from members.accounts.policy import ImportedAccount
from members.accounts.queries import find_account_cards

pytestmark = pytest.mark.usefixtures("movable_clock")


@pytest.fixture
async def brand(kit: Kit, movable_clock: MovableClock) -> Brand:
    assert movable_clock
    return await found(kit)


async def imported(kit: Kit, brand: Brand, external: str, *, bot: bool = False) -> UUID:
    async with transaction(kit.runtime.engine, brand.id) as session:
        items = [ImportedAccount(external, "Lin (Slack)", bot=bot)]
        made = await import_accounts(session, organization_id=brand.id, actor=brand.owner_id, items=items)
    return made[external][0]


async def preview(owner: httpx.AsyncClient, stays: object, goes: object) -> dict[str, Any]:
    answer = await owner.post(f"/v1/accounts/{stays}/merge-previews", json={"merge_account_id": str(goes)})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def merge(owner: httpx.AsyncClient, stays: object, goes: object, mark: str) -> httpx.Response:
    return await owner.post(f"/v1/accounts/{stays}/merges", json={"merge_account_id": str(goes), "preview": mark})


async def test_an_imported_account_is_merged_into_the_persons_own(kit: Kit, brand: Brand) -> None:
    account, lin = await brand.person()
    slack = await imported(kit, brand, "slack:U1")
    owner = await brand.owner()
    shown = await preview(owner, account["id"], slack)
    assert shown["identities"] == [{"provider": "import", "subject": "slack:U1"}]
    assert (shown["credential"], shown["sessions"], shown["conflicts"], shown["also"]) == ("none", 0, [], [])
    assert await kit.events(AccountMerged) == []
    done = await merge(owner, account["id"], slack, shown["preview"])
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    event = (await kit.events(AccountMerged))[-1]
    assert event.data == {"account_id": account["id"], "merged_account_id": str(slack)}
    assert (str(event.aggregateid), event.aggregateversion, event.actor) == (account["id"], 2, brand.owner_id)
    # Importing again finds the account that lives on; the tombstone shows its card and comes in no list.
    assert str(await imported(kit, brand, "slack:U1")) == account["id"]
    assert (await lin.get(f"/v1/accounts/{slack}")).json()["display_name"] == account["display_name"]
    assert (await owner.get(f"/v1/accounts/{slack}")).json()["merged_into"] == account["id"]
    assert str(slack) not in {one["id"] for one in (await owner.get("/v1/accounts")).json()["data"]}
    assert code(await owner.post(f"/v1/accounts/{slack}/invitations")) == "not-found"


async def test_the_credential_moves_when_only_the_one_that_goes_has_it(kit: Kit, brand: Brand) -> None:
    slack = await imported(kit, brand, "slack:U2")
    session = (await brand.sign_in((await brand.register("lin@demo.example"))["email"])).json()
    owner = await brand.owner()
    shown = await preview(owner, slack, session["account_id"])
    assert (shown["credential"], shown["sessions"]) == ("moved", 1)
    assert (await merge(owner, slack, session["account_id"], shown["preview"])).status_code == 200
    gone = await kit.client().post("/v1/sessions/refresh", json={"refresh_token": session["refresh_token"]})
    assert gone.status_code == 401
    assert [one.data["reason"] for one in await kit.events(SessionRevoked)][-1] == "account_merged"
    again = await brand.sign_in("lin@demo.example")
    assert (again.status_code, again.json()["account_id"]) == (201, str(slack))


async def test_of_two_credentials_the_one_that_stays_is_good_for_both_addresses(brand: Brand) -> None:
    lin, mei = await brand.register("lin@demo.example"), await brand.register("mei@demo.example")
    owner = await brand.owner()
    shown = await preview(owner, lin["id"], mei["id"])
    assert shown["credential"] == "dropped"
    assert (await merge(owner, lin["id"], mei["id"], shown["preview"])).status_code == 200
    for email in ("lin@demo.example", "mei@demo.example"):
        assert (await brand.sign_in(email)).json()["account_id"] == lin["id"]
    assert (await owner.get(f"/v1/accounts/{lin['id']}")).json()["email"] == "lin@demo.example"


async def test_a_merge_is_refused_when_something_changed_since_the_preview(kit: Kit, brand: Brand) -> None:
    account, client = await brand.person()
    slack = await imported(kit, brand, "slack:U3")
    owner = await brand.owner()
    shown = await preview(owner, account["id"], slack)
    await client.patch("/v1/me", json={"bio": "new"}, headers={"If-Match": '"1"'})
    stale = await merge(owner, account["id"], slack, shown["preview"])
    assert (stale.status_code, code(stale)) == (412, "preview-stale")
    shown = await preview(owner, account["id"], slack)
    assert (await merge(owner, account["id"], slack, shown["preview"])).status_code == 200


async def test_what_stands_against_a_merge(kit: Kit, brand: Brand) -> None:
    lin = (await brand.register())["id"]
    bot = await imported(kit, brand, "slack:B1", bot=True)
    first, second = await imported(kit, brand, "slack:U4"), await imported(kit, brand, "slack:U5")
    owner = await brand.owner()
    assert (await merge(owner, lin, first, (await preview(owner, lin, first))["preview"])).status_code == 200
    for stays, goes, why in (
        (lin, lin, "same-account"),
        (lin, bot, "bot-and-person"),
        (lin, brand.owner_id, "has-organization-role"),
        (lin, first, "already-merged"),
        (first, second, "already-merged"),
    ):
        shown = await preview(owner, stays, goes)
        assert [conflict["code"] for conflict in shown["conflicts"]] == [why]
        refused = await merge(owner, stays, goes, shown["preview"])
        assert (refused.status_code, faults(refused)) == (409, [("/merge_account_id", why)])


async def test_a_chain_of_merges_ends_at_the_living(kit: Kit, brand: Brand) -> None:
    accounts = [await imported(kit, brand, f"slack:C{n}") for n in range(3)]
    owner = await brand.owner()
    for stays, goes in ((1, 0), (2, 1)):
        shown = await preview(owner, accounts[stays], accounts[goes])
        assert (await merge(owner, accounts[stays], accounts[goes], shown["preview"])).status_code == 200
    assert await imported(kit, brand, "slack:C0") == accounts[2]
    async with transaction(kit.runtime.engine, brand.id) as session:
        assert set(await find_account_cards(session, accounts)) == set(accounts)
    rows = await kit.sql("SELECT DISTINCT merged_into FROM account WHERE id = ANY($1)", accounts[:2])
    assert [row["merged_into"] for row in rows] == [accounts[2]]


async def test_merging_is_staffs_and_within_the_tenant(kit: Kit, brand: Brand) -> None:
    account, person = await brand.person()
    slack = await imported(kit, brand, "slack:U6")
    assert (await merge(person, account["id"], slack, "x")).status_code == 403
    stranger = kit.staff((await found(kit)).id, new_id(), scope=OWNER_SCOPE)
    assert (await merge(stranger, account["id"], slack, "x")).status_code == 404
