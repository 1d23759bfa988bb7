"""Signing up: brands and people."""

import asyncio
from uuid import UUID

import pytest
from tests.members.accounts.people import OWNER, PASSWORD, code, faults, found

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import AccountCreated, OrganizationCreated


def sign_up(**changes: object) -> dict[str, object]:
    owner = {"email": OWNER, "password": PASSWORD, "display_name": "Wang Fang 王芳"}
    return {"name": "Demo", "slug": f"b-{new_id().hex[-16:]}", "owner": owner, **changes}


async def test_a_brand_signs_up_with_its_owner(kit: Kit) -> None:
    body = sign_up(name="  Demo   学社 ")
    answer = await kit.client().post("/v1/organizations", json=body)
    assert answer.status_code == 201
    organization = answer.json()
    assert organization["name"] == "Demo 学社"
    assert answer.headers["etag"] == '"1"'
    ids = organization["id"], organization["owner_account_id"]
    assert answer.headers["hearth-position"] == f"organization/{ids[0]}@1, account/{ids[1]}@1"
    made, owner = [one for one in await kit.events() if str(one.organization) == ids[0]]
    assert (made.type, made.data) == (OrganizationCreated.type, {"organization_id": ids[0], "owner_account_id": ids[1]})
    assert (owner.type, owner.data["credentialed"], str(owner.actor)) == (AccountCreated.type, True, ids[1])


async def test_a_slug_belongs_to_one_brand(kit: Kit) -> None:
    bodies = [sign_up(slug="the-one-and-only") for _ in range(5)]
    answers = await asyncio.gather(*(kit.client().post("/v1/organizations", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {code(answer) for answer in answers if answer.status_code == 409} == {"slug-taken"}
    rows = await kit.sql("SELECT count(*) AS n FROM account WHERE organization_id NOT IN (SELECT id FROM organization)")
    assert rows[0]["n"] == 0


@pytest.mark.parametrize(
    "slug", ["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10", "0198b7a26c1e7d3a9f4b2f6f6c1d7a10", "A", "-a", "a b"]
)
async def test_a_slug_never_reads_as_an_id(kit: Kit, slug: str) -> None:
    answer = await kit.client().post("/v1/organizations", json=sign_up(slug=slug))
    assert answer.status_code == 422
    assert faults(answer)[0][0] == "/slug"


@pytest.mark.parametrize(
    ("change", "pointer", "fault"),
    [
        ({"password": "short"}, "/owner/password", "password-too-short"),
        ({"password": "x" * 129 + "y" * 9 + "z"}, "/owner/password", "password-too-long"),
        ({"password": "Password123"}, "/owner/password", "password-too-common"),
        ({"password": "OWNER@demo.example"}, "/owner/password", "password-is-email"),
        ({"email": "owner"}, "/owner/email", "value-error"),
        ({"display_name": " \t "}, "/owner/display_name", "value-error"),
        ({"zone": "Mars/Olympus"}, "/owner/zone", "value-error"),
        ({"organization_role": "owner"}, "/owner/organization_role", "extra-forbidden"),
    ],
)
async def test_what_is_wrong_is_said_with_its_place(kit: Kit, change: dict[str, str], pointer: str, fault: str) -> None:
    owner = {"email": OWNER, "password": PASSWORD, "display_name": "Wang Fang 王芳", **change}
    answer = await kit.client().post("/v1/organizations", json=sign_up(owner=owner))
    assert (answer.status_code, faults(answer)) == (422, [(pointer, fault)])


async def test_a_person_registers_by_slug_or_id_and_has_no_role(kit: Kit) -> None:
    brand = await found(kit)
    account = await brand.register()
    assert account["organization_role"] is None
    assert account["email"] == "lin@demo.example"
    assert account["can"] == []
    body = {"organization": str(brand.id), "email": "mei@demo.example", "password": PASSWORD, "display_name": "Mei"}
    answer = await kit.client().post("/v1/accounts", json={**body, "locale": "zh", "zone": "Asia/Shanghai"})
    assert (answer.status_code, answer.json()["locale"], answer.json()["zone"]) == (201, "zh", "Asia/Shanghai")
    created = [one for one in await kit.events(AccountCreated) if str(one.aggregateid) == account["id"]]
    assert [one.data for one in created] == [{"account_id": account["id"], "bot": False, "credentialed": True}]


async def test_registering_where_there_is_no_brand_is_404(kit: Kit) -> None:
    for reference in ("no-such-brand", str(new_id())):
        body = {"organization": reference, "email": "lin@demo.example", "password": PASSWORD, "display_name": "Lin"}
        answer = await kit.client().post("/v1/accounts", json=body)
        assert (answer.status_code, code(answer)) == (404, "not-found")


async def test_an_address_has_one_account_in_a_brand_and_one_in_each_other(kit: Kit) -> None:
    brand, other = await found(kit), await found(kit)
    body = {"organization": brand.slug, "email": "Lin@Demo.example", "password": PASSWORD, "display_name": "Lin"}
    answers = await asyncio.gather(*(kit.client().post("/v1/accounts", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {code(answer) for answer in answers if answer.status_code == 409} == {"email-taken"}
    account = await other.register("lin@demo.example")
    assert UUID(account["organization_id"]) == other.id
    rows = await kit.sql("SELECT count(*) AS n FROM account WHERE organization_id = $1", brand.id)
    assert rows[0]["n"] == 2
