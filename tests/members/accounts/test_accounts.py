"""One's own account, others' accounts, staff, and bulk import."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError
from tests.members.accounts.people import OWNER, Brand, code, found

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.base import Origin
from contracts.members import AccountCreated, OrganizationRoleChanged, ProfileUpdated, SessionRevoked
from members.accounts.commands import import_accounts
from members.accounts.policy import ImportedAccount
from members.accounts.queries import find_account_cards


@pytest.fixture
async def brand(kit: Kit) -> Brand:
    return await found(kit)


async def test_a_person_changes_what_is_theirs(kit: Kit, brand: Brand) -> None:
    account, client = await brand.person()
    change = {"avatar_url": "https://cdn.example.com/林.png", "bio": "读书的人", "zone": "Asia/Shanghai"}
    answer = await client.patch("/v1/me", json=change, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    assert answer.headers["hearth-position"] == f"account/{account['id']}@2"
    assert {**answer.json(), **change} == answer.json()
    assert answer.json()["display_name"] == account["display_name"]
    events = [one for one in await kit.events(ProfileUpdated) if str(one.aggregateid) == account["id"]]
    assert [(one.aggregateversion, one.data) for one in events] == [(2, {"account_id": account["id"]})]
    cleared = await client.patch("/v1/me", json={"avatar_url": None}, headers={"If-Match": '"2"'})
    assert (cleared.json()["avatar_url"], cleared.json()["bio"]) == (None, "读书的人")


async def test_a_change_needs_the_version_that_was_read(brand: Brand) -> None:
    _, client = await brand.person()
    assert (await client.patch("/v1/me", json={"bio": "x"})).status_code == 428
    stale = await client.patch("/v1/me", json={"bio": "x"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    same = await client.patch("/v1/me", json={}, headers={"If-Match": '"1"'})
    assert (same.status_code, same.headers["etag"], "hearth-position" in same.headers) == (200, '"1"', False)


@pytest.mark.parametrize(
    "change",
    [
        {"avatar_url": "http://cdn.example.com/lin.png"},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "https://"},
        {"avatar_url": "https://user:pw@cdn.example.com/"},
        {"avatar_url": "https://cdn.example.com:port/"},
        {"display_name": None},
        {"display_name": "  "},
        {"zone": "Shanghai"},
        {"locale": "Chinese"},
        {"organization_role": "owner"},
        {"version": 9},
    ],
)
async def test_what_may_not_be_is_422(kit: Kit, change: dict[str, object]) -> None:
    account = new_id()
    answer = await kit.person(new_id(), account).patch("/v1/me", json=change, headers={"If-Match": '"1"'})
    assert answer.status_code == 422


async def test_everybody_sees_the_card_and_staff_and_oneself_the_whole(brand: Brand) -> None:
    account, lin = await brand.person("lin@demo.example")
    _, mei = await brand.person("mei@demo.example")
    owner = await brand.owner()
    url = f"/v1/accounts/{account['id']}"
    card = {"id": account["id"], "display_name": "Lin Yue 林悦", "avatar_url": None}
    assert (await mei.get(url)).json() == card
    assert (await lin.get(url)).json()["email"] == "lin@demo.example"
    whole = await owner.get(url)
    assert whole.json()["can"] == ["set_organization_role", "merge"]
    assert whole.headers["etag"] == '"1"'
    assert code(await mei.get("/v1/accounts")) == "forbidden"


async def test_staff_pages_through_all_accounts(kit: Kit, brand: Brand) -> None:
    async with transaction(kit.runtime.engine, brand.id) as session:
        items = [ImportedAccount(f"slack:U{n}", f"P {n}", bot=False) for n in range(7)]
        await import_accounts(session, organization_id=brand.id, actor=brand.owner_id, items=items)
    owner = await brand.owner()
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await owner.get("/v1/accounts", params=query)).json()
        assert len(page["data"]) <= 3
        seen += [account["id"] for account in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    other = await (await found(kit)).owner()
    first = (await owner.get("/v1/accounts", params={"limit": "3"})).json()["next_cursor"]
    assert (await other.get("/v1/accounts", params={"cursor": first})).status_code == 422


async def test_another_tenants_account_does_not_exist(kit: Kit, brand: Brand) -> None:
    account = await brand.register()
    other = await found(kit)
    stranger, staff = (await other.person())[1], await other.owner()
    for client in (stranger, staff):
        for url in (f"/v1/accounts/{account['id']}", f"/v1/organizations/{brand.id}"):
            assert code(await client.get(url)) == "not-found"
    role = await staff.put(
        f"/v1/accounts/{account['id']}/organization-role", json={"role": "admin"}, headers={"If-Match": '"1"'}
    )
    assert role.status_code == 404
    listed = (await staff.get("/v1/accounts")).json()["data"]
    assert account["id"] not in {one["id"] for one in listed}


async def test_the_database_shows_nothing_without_a_tenant(kit: Kit, brand: Brand) -> None:
    assert (await brand.sign_in()).status_code == 201
    for table in ("account", "identity", "credential", "session", "organization"):
        for engine in (kit.runtime.engine, kit.runtime.worker_engine):
            async with engine.connect() as connection:
                with pytest.raises(DBAPIError):
                    await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")


async def test_no_row_can_point_into_another_tenant(kit: Kit, brand: Brand) -> None:
    other = await found(kit)
    account = (await brand.register())["id"]
    await kit.sql("DELETE FROM credential WHERE account_id = $1", account)
    with pytest.raises(Exception, match="violates foreign key"):
        await kit.sql(
            "INSERT INTO credential (account_id, organization_id, hash, changed_at) VALUES ($1, $2, '$argon2id$x', now())",
            account,
            other.id,
        )


async def test_the_organization_names_its_owner(brand: Brand) -> None:
    owner = await brand.owner()
    answer = await owner.get(f"/v1/organizations/{brand.id}")
    assert (answer.status_code, answer.json()["owner_account_id"]) == (200, str(brand.owner_id))


async def test_the_owner_appoints_and_dismisses_admins(kit: Kit, brand: Brand) -> None:
    account, client = await brand.person()
    owner = await brand.owner()
    url = f"/v1/accounts/{account['id']}/organization-role"
    assert code(await client.put(url, json={"role": "admin"}, headers={"If-Match": '"1"'})) == "forbidden"
    made = await owner.put(url, json={"role": "admin"}, headers={"If-Match": '"1"'})
    assert (made.status_code, made.json()["organization_role"], made.headers["etag"]) == (200, "admin", '"2"')
    # The role is in the tokens from the next one on; who loses it is signed out.
    assert (await client.get("/v1/accounts")).status_code == 403
    admin = kit.client((await brand.sign_in("lin@demo.example")).json()["access_token"])
    assert (await admin.get("/v1/accounts")).status_code == 200
    assert (await admin.put(url, json={"role": "owner"}, headers={"If-Match": '"2"'})).status_code == 403
    gone = await owner.put(url, json={"role": None}, headers={"If-Match": '"2"'})
    assert gone.json()["organization_role"] is None
    roles = [
        one.data["role"] for one in await kit.events(OrganizationRoleChanged) if one.data["account_id"] == account["id"]
    ]
    assert roles == ["admin", None]
    ended = [one for one in await kit.events(SessionRevoked) if one.data["account_id"] == account["id"]]
    assert [one.data["reason"] for one in ended] == ["role_changed"] * 2


async def test_bots_and_people_who_cannot_sign_in_are_no_staff(kit: Kit, brand: Brand) -> None:
    async with transaction(kit.runtime.engine, brand.id) as session:
        items = [ImportedAccount("slack:B1", "Bot", bot=True), ImportedAccount("slack:U1", "Lin", bot=False)]
        made = await import_accounts(session, organization_id=brand.id, actor=brand.owner_id, items=items)
    owner = await brand.owner()
    codes = {}
    for external, (account, _) in made.items():
        url = f"/v1/accounts/{account}/organization-role"
        codes[external] = code(await owner.put(url, json={"role": "admin"}, headers={"If-Match": '"1"'}))
    assert codes == {"slack:B1": "bot", "slack:U1": "not-claimed"}


async def test_one_owner_always_remains(brand: Brand) -> None:
    owner = await brand.owner()
    mine = f"/v1/accounts/{brand.owner_id}/organization-role"
    assert code(await owner.put(mine, json={"role": None}, headers={"If-Match": '"1"'})) == "last-owner"
    account = await brand.register()
    theirs = f"/v1/accounts/{account['id']}/organization-role"
    assert (await owner.put(theirs, json={"role": "owner"}, headers={"If-Match": '"1"'})).status_code == 200
    # Both are dismissed at once: one has to stay.
    answers = await asyncio.gather(
        owner.put(mine, json={"role": None}, headers={"If-Match": '"1"'}),
        owner.put(theirs, json={"role": "admin"}, headers={"If-Match": '"2"'}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def imported(kit: Kit, brand: Brand, items: list[ImportedAccount]) -> dict[str, tuple[UUID, bool]]:
    async with transaction(kit.runtime.engine, brand.id) as session:
        return await import_accounts(session, organization_id=brand.id, actor=brand.owner_id, items=items)


async def test_an_import_makes_accounts_once(kit: Kit, brand: Brand) -> None:
    items = [ImportedAccount("slack:U1", "Lin\n Yue", bot=False), ImportedAccount("slack:B1", "bot", bot=True)]
    first = await imported(kit, brand, [*items, ImportedAccount("slack:U1", "Lin again", bot=False)])
    assert {external: new for external, (_, new) in first.items()} == {"slack:U1": True, "slack:B1": True}
    second = await imported(kit, brand, [*items, ImportedAccount("slack:U2", "Mei", bot=False)])
    assert {external: new for external, (_, new) in second.items()} == {
        "slack:U1": False,
        "slack:B1": False,
        "slack:U2": True,
    }
    assert second["slack:U1"][0] == first["slack:U1"][0]
    created = [one for one in await kit.events(AccountCreated) if one.organization == brand.id]
    ours = [one for one in created if one.origin is Origin.IMPORT]
    assert [one.data["bot"] for one in ours].count(True) == 1
    assert len(ours) == 3
    assert not any(one.data["credentialed"] for one in ours)
    assert {one.actor for one in ours} == {brand.owner_id}
    owner = await brand.owner()
    account = (await owner.get(f"/v1/accounts/{first['slack:U1'][0]}")).json()
    assert (account["display_name"], account["email"], account["credentialed"]) == ("Lin Yue", None, False)
    assert account["can"] == ["invite", "set_organization_role", "merge"]


async def test_parallel_imports_agree(kit: Kit, brand: Brand) -> None:
    items = [ImportedAccount(f"slack:U{n}", f"Person {n}", bot=False) for n in range(40)]
    runs = await asyncio.gather(*(imported(kit, brand, items[start:] + items[:start]) for start in range(0, 40, 8)))
    accounts = [{external: account for external, (account, _) in run.items()} for run in runs]
    assert all(one == accounts[0] for one in accounts)
    assert sum(new for run in runs for _, new in run.values()) == 40
    rows = await kit.sql("SELECT count(*) AS n FROM account WHERE organization_id = $1", brand.id)
    assert rows[0]["n"] == 41
    assert await imported(kit, brand, []) == {}


async def test_cards_come_in_one_query_and_only_of_ones_own_tenant(kit: Kit, brand: Brand) -> None:
    other = await found(kit)
    lin = UUID((await brand.register())["id"])
    async with transaction(kit.runtime.engine, brand.id) as session:
        cards = await find_account_cards(session, [lin, brand.owner_id, other.owner_id, new_id()])
    assert {identifier: card.display_name for identifier, card in cards.items()} == {
        lin: "Lin Yue 林悦",
        brand.owner_id: "Wang Fang 王芳",
    }


async def test_a_token_of_an_account_that_is_not_there_finds_nothing(kit: Kit, brand: Brand) -> None:
    assert code(await kit.person(brand.id).get("/v1/me")) == "not-found"
    assert (await kit.client().get("/v1/me")).status_code == 401
    assert (await kit.partner(brand.id, "members:read").get("/v1/me")).status_code == 403
    assert OWNER
