"""Contacts: told in any order, twice and at once, deleted, merged; and whom they may stand for."""

import asyncio
import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.members.accounts.people import code, faults
from tests.members.contacts.partners import Partner, credential, identity, partner, with_scopes
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import AccountCreated, ContactLinked, ErasureOrdered, ProfileUpdated, contact_id_of

EMAIL, PHONE = "lin@example.com", "+8613800138000"


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


@pytest.fixture
async def crm(town: Town) -> Partner:
    return await partner(town)


async def contact(town: Town, crm: Partner, external_id: str = "C-1") -> dict[str, Any]:
    [row] = await town.kit.sql("SELECT * FROM contact WHERE client_id = $1 AND external_id = $2", crm.id, external_id)
    return dict(row)


async def identities(town: Town, account: object) -> list[tuple[str, str]]:
    rows = await town.kit.sql("SELECT provider, subject FROM identity WHERE account_id = $1 ORDER BY 1, 2", account)
    return [(row["provider"], row["subject"]) for row in rows]


async def merge(town: Town, stays: object, goes: object) -> None:
    """Merge as staff do: look, and look again when something changed meanwhile."""
    while True:
        shown = await town.owner.post(f"/v1/accounts/{stays}/merge-previews", json={"merge_account_id": str(goes)})
        body = {"merge_account_id": str(goes), "preview": shown.json()["preview"]}
        answer = await town.owner.post(f"/v1/accounts/{stays}/merges", json=body)
        if answer.status_code != 412:
            break
    assert answer.status_code == 200, answer.text


async def test_a_contact_becomes_an_account_that_nobody_signs_in_to(town: Town, crm: Partner) -> None:
    made = await crm.known(version=3, name="林悦", email=" Lin@Example.com", phone="13800138000", locale="zh")
    assert (made["created"], made["outcome"], made["version"], made["external_id"]) == (True, "applied", 3, "C-1")
    account = UUID(made["account_id"])
    # The address and the number are the partner's word: no identity, so nobody is kept from registering with them.
    assert await identities(town, account) == [("crm", f"{crm.id}:C-1")]
    read = (await crm.get()).json()
    assert (read["account_id"], read["version"], read["name"]) == (str(account), 3, "林悦")
    assert (read["email"], read["phone"]) == (EMAIL, PHONE)
    person = {
        "display_name": "林悦",
        "avatar_url": None,
        "locale": "zh",
        "zone": "UTC",
        "email": None,
        "claimed": False,
    }
    assert (read["person"], read["memberships"], read["consents"]) == (person, [], [])
    [event] = [one for one in await town.kit.events(AccountCreated) if one.aggregateid == account]
    assert (event.data, event.actor) == ({"account_id": str(account), "bot": False, "credentialed": False}, crm.id)


async def test_news_counts_in_the_order_of_its_versions(town: Town, crm: Partner) -> None:
    first = await crm.known(version=5, name="Lin")
    late = await crm.known(version=4, name="Old")
    assert (late["outcome"], late["version"], late["account_id"]) == ("stale", 5, first["account_id"])
    again = await crm.known(version=5, name="Lin")
    assert again == first | {"created": False}
    other = await crm.put(version=5, name="Mei")
    assert (other.status_code, code(other)) == (409, "version-reused")
    newer = await crm.known(version=9, name="Mei", phone=PHONE)
    assert (newer["outcome"], newer["created"], newer["account_id"]) == ("applied", False, first["account_id"])
    row = await contact(town, crm)
    assert (row["version"], row["name"], row["phone"], row["email"]) == (9, "Mei", PHONE, None)
    renamed = [one for one in await town.kit.events(ProfileUpdated) if str(one.aggregateid) == first["account_id"]]
    assert [one.aggregateversion for one in renamed] == [2]


async def test_who_claimed_the_account_is_called_what_they_like(town: Town, crm: Partner) -> None:
    account = UUID((await crm.known(name="Customer 17"))["account_id"])
    await credential(town, account)
    await crm.known(version=2, name="Customer 18")
    assert (await crm.get()).json()["person"]["display_name"] == "Customer 17"
    assert (await crm.get()).json()["name"] == "Customer 18"


async def test_a_contact_without_a_name_does_not_show_its_id(crm: Partner) -> None:
    await crm.known("13800138000")
    name = (await crm.get("13800138000")).json()["person"]["display_name"]
    assert re.fullmatch("Guest [0-9]{4}", name)


async def test_a_hundred_at_once_are_one_account(town: Town, crm: Partner) -> None:
    answers = await asyncio.gather(*(crm.put(version=1 + n % 5, name=f"Lin {n % 5}") for n in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["account_id"] for answer in answers}) == 1
    assert sum(answer.json()["created"] for answer in answers) == 1
    row = await contact(town, crm)
    assert (row["version"], row["name"]) == (5, "Lin 4")
    [accounts] = await town.kit.sql(
        "SELECT count(*) FROM account WHERE organization_id = $1 AND organization_role IS NULL", town.organization
    )
    assert accounts["count"] == 1


async def test_a_deleted_contact_stays_deleted_for_late_news(town: Town, crm: Partner) -> None:
    made = await crm.known(version=3, name="Lin", email=EMAIL)
    stale = await crm.delete(version=2)
    assert (stale.json()["outcome"], stale.json()["account_id"]) == ("stale", made["account_id"])
    gone = await crm.delete(version=3)
    assert gone.json() == made | {"account_id": None, "created": False}
    row = await contact(town, crm)
    assert (row["name"], row["email"], row["version"], row["deleted_at"] is None) == (None, None, 3, False)
    assert await identities(town, UUID(made["account_id"])) == []
    for version in (1, 3):
        late = await crm.known(version=version, name="Lin")
        assert (late["outcome"], late["account_id"], late["created"]) == ("stale", None, False)
    assert [code(await crm.get()), code(await crm.tell(granted=True, decided_at="2026-01-01T00:00:00Z"))] == [
        "not-found",
        "not-found",
    ]
    # The partner says that there is one again: somebody new, for what was known before is forgotten.
    anew = await crm.known(version=4, name="Lin")
    assert (anew["created"], anew["outcome"], anew["account_id"] != made["account_id"]) == (True, "applied", True)


async def test_a_deletion_may_come_before_the_contact(crm: Partner) -> None:
    assert (await crm.delete(version=7)).json()["outcome"] == "applied"
    assert (await crm.known(version=6, name="Lin"))["outcome"] == "stale"
    assert (await crm.known(version=8, name="Lin"))["outcome"] == "applied"


async def test_a_deletion_without_version_is_for_good(crm: Partner) -> None:
    assert code(await crm.delete()) == "not-found"
    await crm.known()
    for _ in range(2):
        assert (await crm.delete()).json()["outcome"] == "applied"
    assert (await crm.known(version=2**53 - 1))["outcome"] == "stale"
    assert (await crm.known(version=10**15))["account_id"] is None


async def test_a_contact_follows_a_merge(town: Town, crm: Partner) -> None:
    made = await crm.known(name="Lin")
    lin = await town.account("Lin Yue")
    await merge(town, lin, made["account_id"])
    late = await crm.known(version=1, name="Lin")
    assert late["account_id"] == str(lin)
    # The name is the living account's own, for it was not made for the contact.
    assert (await crm.known(version=2, name="Customer"))["account_id"] == str(lin)
    assert (await crm.get()).json()["person"]["display_name"] == "Lin Yue"
    found = await crm.http.post("/v1/contacts/lookups", json={"external_ids": ["C-1"]})
    assert found.json()["data"] == [{"external_id": "C-1", "account_id": str(lin)}]
    # Who names the account that was merged away means the one that lives on.
    assert (await crm.known("C-2", account_id=made["account_id"]))["account_id"] == str(lin)


async def test_a_contact_told_during_a_merge_ends_at_the_living(town: Town, crm: Partner) -> None:
    goes = UUID((await crm.known(name="Lin"))["account_id"])
    lin = await town.account("Lin Yue")
    both = await asyncio.gather(merge(town, lin, goes), *(crm.put(f"D-{n}", account_id=str(goes)) for n in range(10)))
    answers = [one for one in both if isinstance(one, httpx.Response)]
    assert {answer.status_code for answer in answers} == {200}
    assert await identities(town, goes) == []
    assert len(await identities(town, lin)) == 11


class TestWhoseContactItIs:
    """Nobody comes by another's account, or another's orders, by claiming an address."""

    async def imported(self, town: Town, email: str = EMAIL) -> UUID:
        account = await town.account("Lin (shop)")
        await identity(town, account, "email", email)
        return account

    async def test_an_imported_account_is_found_by_its_address(self, town: Town, crm: Partner) -> None:
        account = await self.imported(town)
        await identity(town, account, "phone", PHONE)
        assert (await crm.known("A", email=EMAIL))["account_id"] == str(account)
        assert (await crm.known("B", phone=PHONE, email=EMAIL))["account_id"] == str(account)
        assert (await crm.known("C", version=2, name="Customer", phone=PHONE))["account_id"] == str(account)
        await crm.known("C", version=3, name="Customer 2", phone=PHONE)
        assert (await crm.get("C")).json()["person"]["display_name"] == "Lin (shop)"

    async def test_an_account_that_somebody_signs_in_to_is_not(self, town: Town, crm: Partner) -> None:
        account = await self.imported(town)
        await credential(town, account)
        made = await crm.known(email=EMAIL)
        assert made["account_id"] != str(account)
        assert await identities(town, account) == [("email", EMAIL)]

    async def test_nor_one_of_two_nor_a_bot_nor_staff(self, town: Town, crm: Partner) -> None:
        first, second = await self.imported(town), await town.account()
        await identity(town, second, "phone", PHONE)
        assert (await crm.known("A", email=EMAIL, phone=PHONE))["account_id"] not in {str(first), str(second)}
        await town.kit.sql("UPDATE account SET bot = true WHERE id = $1", second)
        assert (await crm.known("B", phone=PHONE))["account_id"] != str(second)
        await town.kit.sql("UPDATE account SET organization_role = 'admin' WHERE id = $1", first)
        assert (await crm.known("C", email=EMAIL))["account_id"] != str(first)

    async def test_nor_is_a_partner_believed_that_acts_for_itself(self, town: Town) -> None:
        account = await self.imported(town)
        shop = await partner(town, "consent")
        assert (await shop.known(email=EMAIL))["account_id"] != str(account)

    async def test_a_processor_may_say_which_account_it_is(self, town: Town, crm: Partner) -> None:
        account, _ = await town.person("Lin")
        await credential(town, account)
        assert (await crm.known("A", account_id=str(account)))["account_id"] == str(account)
        assert (await crm.known("A", version=2, name="X", account_id=str(account)))["account_id"] == str(account)
        other = await town.account()
        refused = await crm.put("A", version=3, account_id=str(other))
        assert (refused.status_code, code(refused)) == (409, "contact-linked")
        assert (await contact(town, crm, "A"))["version"] == 2
        assert faults(await crm.put("B", account_id=str(town.owner_id))) == [("/account_id", "account-not-linkable")]
        stranger = await (await found_town(town.kit)).account()
        for nobody in (new_id(), stranger):
            assert faults(await crm.put("B", account_id=str(nobody))) == [("/account_id", "unknown")]
        assert code(await crm.get("B")) == "not-found"

    async def test_another_partner_only_when_the_person_agreed(self, town: Town) -> None:
        shop = await partner(town, "consent")
        account, lin = await town.person("Lin")
        refused = await shop.put(account_id=str(account))
        assert (refused.status_code, code(refused)) == (403, "consent-missing")
        agreed = {"granted": True, "client_id": str(shop.id)}
        assert (await lin.put("/v1/me/consents/partner", json=agreed)).status_code == 200
        assert (await shop.known(account_id=str(account)))["account_id"] == str(account)


async def test_personal_data_is_for_whom_the_person_agreed_to(town: Town) -> None:
    shop = await partner(town, "consent")
    account, lin = await town.person("Lin")
    await shop.known(name="Lin")
    refused = await shop.get()
    assert (refused.status_code, code(refused)) == (403, "consent-missing")
    assert "Lin" not in refused.text
    url = "/v1/me/consents/partner"
    await merge(town, account, (await shop.known(name="Lin"))["account_id"])
    assert (await lin.put(url, json={"granted": True, "client_id": str(shop.id)})).status_code == 200
    read = await shop.get()
    assert (read.status_code, read.json()["person"]["display_name"]) == (200, "Lin")
    assert [one["purpose"] for one in read.json()["consents"]] == ["partner"]
    assert (await lin.put(url, json={"granted": False, "client_id": str(shop.id)})).status_code == 200
    assert code(await shop.get()) == "consent-missing"
    # The ids are no personal data: orders have to find their buyer.
    found = await shop.http.post("/v1/contacts/lookups", json={"external_ids": ["C-1", "C-2"]})
    assert found.json()["data"] == [{"external_id": "C-1", "account_id": str(account)}]


async def test_memberships_are_told_with_the_contact(town: Town, crm: Partner) -> None:
    community = await town.community()
    membership, _ = await town.member(community)
    await crm.known(account_id=membership["account_id"])
    [told] = (await crm.get()).json()["memberships"]
    assert (told["membership_id"], told["community_id"], told["state"]) == (
        membership["id"],
        community["id"],
        "approved",
    )
    assert told["joined_at"] is not None


async def test_external_ids_are_each_partners_own(town: Town, crm: Partner) -> None:
    other = await partner(town)
    mine, theirs = await crm.known(name="Lin"), await other.known(name="Mei")
    assert mine["account_id"] != theirs["account_id"]
    assert (await crm.get()).json()["name"] == "Lin"
    stranger = await partner(await found_town(town.kit))
    await crm.known("only-mine")
    for somebody in (other, stranger):
        assert code(await somebody.get("only-mine")) == "not-found"
        assert code(await somebody.delete("only-mine")) == "not-found"
        found = await somebody.http.post("/v1/contacts/lookups", json={"external_ids": ["only-mine"]})
        assert found.json() == {"data": []}


async def test_scopes_and_people_are_told_apart(town: Town, crm: Partner) -> None:
    await crm.known(name="Lin")
    _, person = await town.person()
    body = {"version": 2}
    asked = {"external_ids": ["C-1"]}

    async def statuses(client: httpx.AsyncClient) -> list[int]:
        answers = [
            await client.put("/v1/contacts/C-1", json=body),
            await client.get("/v1/contacts/C-1"),
            await client.post("/v1/contacts/lookups", json=asked),
            await client.put(f"/v1/contacts/C-1/tags/{new_id()}", json=body),
            await client.put("/v1/contacts/C-1/consents/sms", json={**body, "granted": True}),
            await client.delete("/v1/contacts/C-1", params={"version": 1}),
        ]
        return [answer.status_code for answer in answers]

    assert await statuses(person) == [403] * 6
    assert await statuses(town.owner) == [403] * 6
    assert await statuses(with_scopes(town, crm.id, "orders:write", "webhooks:manage")) == [403] * 6
    assert await statuses(with_scopes(town, crm.id, "members:read")) == [403, 200, 200, 403, 403, 403]
    assert await statuses(with_scopes(town, crm.id, "contacts:write")) == [200, 403, 200, 404, 422, 200]


async def test_a_withdrawn_clients_token_is_good_for_nothing(town: Town, crm: Partner) -> None:
    await crm.known()
    assert (await town.owner.delete(f"/v1/clients/{crm.id}")).status_code == 204
    answers = [await crm.put(version=2), await crm.get(), await crm.delete(version=3)]
    answers.append(await crm.http.post("/v1/contacts/lookups", json={"external_ids": ["C-1"]}))
    assert {(answer.status_code, code(answer)) for answer in answers} == {(403, "client-withdrawn")}
    assert (await contact(town, crm))["version"] == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/version", "missing")),
        ({"version": 0}, ("/version", "greater-than-equal")),
        ({"version": 2**53}, ("/version", "less-than-equal")),
        ({"version": "1"}, ("/version", "int-type")),
        ({"version": 1, "email": "lin"}, ("/email", "value-error")),
        ({"version": 1, "phone": "call me"}, ("/phone", "value-error")),
        ({"version": 1, "name": "\u200b"}, ("/name", "value-error")),
        ({"version": 1, "name": "a\u0000b"}, ("/name", "control-character")),
        ({"version": 1, "nickname": "x"}, ("/nickname", "extra-forbidden")),
    ],
)
async def test_what_is_no_contact_is_refused(crm: Partner, body: dict[str, Any], fault: tuple[str, str]) -> None:
    answer = await crm.http.put("/v1/contacts/C-1", json=body)
    assert (answer.status_code, faults(answer)) == (422, [fault])
    assert code(await crm.get()) == "not-found"


@pytest.mark.parametrize("external_id", ["%00", "a%0Ab", "%20a", "%5C", "%2E%2E", "x" * 201, "%E2%80%A8"])
async def test_what_is_no_external_id_is_refused(crm: Partner, external_id: str) -> None:
    answer = await crm.http.put(f"/v1/contacts/{external_id}", json={"version": 1})
    assert answer.status_code in {404, 422}, answer.text


async def test_external_ids_of_any_script(crm: Partner) -> None:
    for external_id in ("客户-一", "a b", "x@y.example", "1:2", "é" * 200, "😀"):
        made = await crm.known(external_id, name="Lin")
        assert made["external_id"] == external_id
        assert (await crm.get(external_id)).json()["external_id"] == external_id
    # One spelling (NFC): the same id however it is typed.
    assert (await crm.known("e\u0301" * 3))["account_id"] == (await crm.known("é" * 3))["account_id"]


async def test_an_erased_persons_contacts_are_forgotten(town: Town, crm: Partner) -> None:
    made = await crm.known(name="Lin", email=EMAIL, phone=PHONE)
    order = ErasureOrdered(erasure_id=new_id(), account_id=UUID(made["account_id"]))
    assert await town.kit.deliver(envelope(order, town.organization, order.erasure_id)) > 0
    row = await contact(town, crm)
    assert (row["name"], row["email"], row["phone"], row["deleted_at"] is None) == (None, None, None, False)
    assert await identities(town, UUID(made["account_id"])) == []
    assert (await crm.known(version=10**12, name="Lin"))["outcome"] == "stale"


async def test_it_is_told_whom_a_contact_stands_for_and_that_it_is_nobody_any_more(town: Town, crm: Partner) -> None:
    account = (await crm.known(version=3, name="Lin"))["account_id"]
    await crm.known(version=4, name="Lin Yue")
    for version in (4, 6):
        await crm.delete(version=version)
    again = (await crm.known(version=7, name="Wei"))["account_id"]
    contact_id = contact_id_of(UUID(str(crm.id)), "C-1")
    heard = [event for event in await town.kit.events(ContactLinked) if event.aggregateid == contact_id]
    assert [(event.data["account_id"], event.aggregateversion) for event in heard] == [
        (account, 6),
        (None, 9),
        (again, 14),
    ]
    assert all("C-1" not in str(event.data) for event in heard)
