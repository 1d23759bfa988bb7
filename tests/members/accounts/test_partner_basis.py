"""On what basis a partner gets personal data, and changing its client."""

from typing import Any

import httpx
import pytest
from tests.members.accounts.people import Brand, code, faults, found

from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import ClientChanged

SHARED = {"en": "Your name, for the loyalty card.", "zh": "昵称，用于会员卡。"}


@pytest.fixture
async def brand(kit: Kit) -> Brand:
    return await found(kit)


async def create(owner: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await owner.post("/v1/clients", json={"name": "CRM", "scopes": ["members:read", "webhooks:manage"], **more})


async def told(kit: Kit, client: dict[str, Any]) -> list[tuple[int, str, list[str], bool]]:
    events = [one for one in await kit.events(ClientChanged) if one.data["client_id"] == client["id"]]
    return [(one.aggregateversion, one.data["basis"], one.data["scopes"], one.data["active"]) for one in events]


async def test_who_says_nothing_of_the_basis_needs_consent(kit: Kit, brand: Brand) -> None:
    owner = await brand.owner()
    made = await create(owner)
    assert (made.status_code, made.json()["basis"], made.json()["shared"]) == (201, "consent", {})
    processor = (await create(owner, basis="processor", shared=SHARED)).json()
    assert (processor["basis"], processor["shared"], processor["can"][0]) == ("processor", SHARED, "edit")
    assert await told(kit, processor) == [(1, "processor", ["members:read", "webhooks:manage"], True)]
    assert faults(await create(owner, basis="friend")) == [("/basis", "enum")]
    assert faults(await create(owner, shared={"en": "x" * 2001})) == [("/shared/en", "string-too-long")]


async def test_a_client_is_read_and_changed(kit: Kit, brand: Brand) -> None:
    owner = await brand.owner()
    client = (await create(owner)).json()
    url = f"/v1/clients/{client['client_id']}"
    read = await owner.get(url)
    assert (read.status_code, read.headers["etag"]) == (200, '"1"')
    assert read.json() == {name: value for name, value in client.items() if name != "client_secret"}
    change = {"name": "CRM 2", "scopes": ["orders:write", "contacts:write"], "basis": "processor", "shared": SHARED}
    assert code(await owner.patch(url, json=change)) == "if-match-missing"
    done = await owner.patch(url, json=change, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"], done.json()["version"]) == (200, '"2"', 2)
    assert {name: done.json()[name] for name in change} == change | {"scopes": ["contacts:write", "orders:write"]}
    assert code(await owner.patch(url, json={"name": "CRM 3"}, headers={"If-Match": '"1"'})) == "version-stale"
    # What is so already is no change, and nobody is told.
    same = await owner.patch(url, json={"basis": "processor"}, headers={"If-Match": '"2"'})
    assert (same.status_code, same.headers["etag"]) == (200, '"2"')
    assert (await told(kit, client))[1:] == [(2, "processor", ["contacts:write", "orders:write"], True)]
    assert (await owner.delete(url)).status_code == 204
    assert (await told(kit, client))[-1][1:] == ("processor", ["contacts:write", "orders:write"], False)
    gone = [await owner.get(url), await owner.patch(url, json={}, headers={"If-Match": '"3"'})]
    assert [code(answer) for answer in gone] == ["not-found", "not-found"]


@pytest.mark.parametrize("name", ["name", "scopes", "basis", "shared"])
async def test_nothing_of_a_client_can_be_taken_away(brand: Brand, name: str) -> None:
    owner = await brand.owner()
    client = (await create(owner)).json()
    answer = await owner.patch(f"/v1/clients/{client['id']}", json={name: None}, headers={"If-Match": '"1"'})
    assert faults(answer) == [(f"/{name}", "value-error")]
    assert (await owner.get(f"/v1/clients/{client['id']}")).headers["etag"] == '"1"'


async def test_changing_clients_is_staffs_and_within_the_tenant(kit: Kit, brand: Brand) -> None:
    owner = await brand.owner()
    client = (await create(owner)).json()
    url, version = f"/v1/clients/{client['id']}", {"If-Match": '"1"'}
    _, person = await brand.person()
    partner = kit.partner(brand.id, "webhooks:manage", "contacts:write")
    stranger = await (await found(kit)).owner()
    for caller, status in ((person, 403), (partner, 403), (stranger, 404)):
        answers = [await caller.get(url), await caller.patch(url, json={"basis": "processor"}, headers=version)]
        assert [answer.status_code for answer in answers] == [status, status]
    assert (await owner.get(f"/v1/clients/{new_id()}")).status_code == 404
    assert (await owner.get(url)).json()["basis"] == "consent"
