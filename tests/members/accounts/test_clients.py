"""API clients of partners, and their tokens by OAuth 2.0."""

import base64
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from tests.members.accounts.people import Brand, code, found

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import ClientChanged
from members.accounts.clients import policy

pytestmark = pytest.mark.usefixtures("movable_clock")
SCOPES = ["contacts:write", "orders:write"]


@pytest.fixture
async def brand(kit: Kit, movable_clock: MovableClock) -> Brand:
    assert movable_clock
    return await found(kit)


async def created(brand: Brand) -> dict[str, Any]:
    owner = await brand.owner()
    answer = await owner.post("/v1/clients", json={"name": "CRM", "scopes": SCOPES[::-1]})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    client: dict[str, Any] = answer.json()
    return client


async def ask(kit: Kit, *, basic: tuple[str, str] | None = None, **form: str) -> httpx.Response:
    headers = {}
    if basic:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    return await kit.client().post(
        "/v1/oauth/token", data={"grant_type": "client_credentials", **form}, headers=headers
    )


async def test_a_client_gets_a_token_with_its_scopes(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    assert client["client_id"] == f"{brand.id.hex}.{UUID(client['id']).hex}"
    form = await ask(kit, client_id=client["client_id"], client_secret=client["client_secret"])
    basic = await ask(kit, basic=(client["client_id"], client["client_secret"]), scope="orders:write")
    assert (form.status_code, basic.status_code) == (200, 200)
    assert form.headers["cache-control"] == "no-store"
    assert form.json()["scope"] == "contacts:write orders:write"
    assert (basic.json()["scope"], basic.json()["token_type"], basic.json()["expires_in"]) == (
        "orders:write",
        "Bearer",
        600,
    )
    claims = jwt.decode(form.json()["access_token"], options={"verify_signature": False})
    assert claims["client_id"] == claims["sub"] == client["id"]
    assert "sid" not in claims
    principal = await kit.runtime.verifier.verify(form.json()["access_token"])
    assert (principal.client_id, principal.organization_id, principal.staff) == (UUID(client["id"]), brand.id, False)
    assert (await kit.client(form.json()["access_token"]).get("/v1/me")).status_code == 403
    owner = await brand.owner()
    listed = (await owner.get("/v1/clients")).json()["data"]
    assert [one["id"] for one in listed] == [client["id"]]
    assert listed[0]["last_used_at"] is not None
    assert "client_secret" not in listed[0]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "me"}, 401, "invalid_client"),
        ({"client_id": f"{new_id().hex}.{new_id().hex}"}, 401, "invalid_client"),
        ({"scope": "organization:owner"}, 400, "invalid_scope"),
        ({"scope": "events:read"}, 400, "invalid_scope"),
        ({"scope": " "}, 400, "invalid_scope"),
    ],
)
async def test_errors_have_the_form_of_oauth(
    kit: Kit, brand: Brand, form: dict[str, str], status: int, error: str
) -> None:
    client = await created(brand)
    given = {"client_id": client["client_id"], "client_secret": client["client_secret"], **form}
    answer = await ask(kit, **given)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("content", "content_type", "authorization"),
    [
        (b'{"grant_type": "client_credentials"}', "application/json", ""),
        (b"grant_type=client_credentials&grant_type=x", "application/x-www-form-urlencoded", ""),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded", ""),
        (b"\xff=1", "application/x-www-form-urlencoded", ""),
        (b"&".join(b"a%d=1" % n for n in range(50)), "application/x-www-form-urlencoded", ""),
        (b"grant_type=client_credentials&client_secret=x", "application/x-www-form-urlencoded", "Basic YTpi"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded", "Basic !"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded", "Basic YWI="),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded", "Basic AAA6AAA="),
    ],
)
async def test_what_is_no_token_request_is_refused(
    kit: Kit, content: bytes, content_type: str, authorization: str
) -> None:
    headers = {"Content-Type": content_type} | ({"Authorization": authorization} if authorization else {})
    answer = await kit.client().post("/v1/oauth/token", content=content, headers=headers)
    assert answer.status_code in {400, 401}
    assert set(answer.json()) == {"error", "error_description"}


async def test_the_old_secret_is_good_for_a_day(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    client = await created(brand)
    owner = await brand.owner()
    rotated = await owner.post(f"/v1/clients/{client['client_id']}/secrets")
    assert (rotated.status_code, rotated.json()["version"]) == (201, 2)
    secrets = [client["client_secret"], rotated.json()["client_secret"]]

    async def good() -> list[bool]:
        answers = [await ask(kit, client_id=client["client_id"], client_secret=secret) for secret in secrets]
        return [answer.status_code == 200 for answer in answers]

    assert await good() == [True, True]
    movable_clock.move(hours=23, minutes=59)
    assert await good() == [True, True]
    movable_clock.move(minutes=1)
    assert await good() == [False, True]
    owner = await brand.owner()
    again = [await owner.post(f"/v1/clients/{client['id']}/secrets") for _ in range(2)]
    secrets = [secrets[1], *(answer.json()["client_secret"] for answer in again)]
    assert await good() == [False, True, True]
    changes = [one for one in await kit.events(ClientChanged) if one.data["client_id"] == client["id"]]
    assert [one.aggregateversion for one in changes] == [1, 2, 3, 4]
    told = {"client_id": client["id"], "active": True, "scopes": SCOPES, "basis": "consent"}
    assert all(one.data == told for one in changes)
    assert {one.actor for one in changes} == {brand.owner_id}


async def test_a_deleted_client_gets_nothing(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    owner = await brand.owner()
    assert (await owner.delete(f"/v1/clients/{client['client_id']}")).status_code == 204
    gone = await ask(kit, client_id=client["client_id"], client_secret=client["client_secret"])
    assert gone.json()["error"] == "invalid_client"
    assert (await owner.get("/v1/clients")).json() == {"data": [], "next_cursor": None}
    assert (await owner.delete(f"/v1/clients/{client['id']}")).status_code == 404
    last = [one for one in await kit.events(ClientChanged) if one.data["client_id"] == client["id"]][-1]
    assert (last.data["active"], last.aggregateversion) == (False, 2)


async def test_clients_are_staffs_and_of_ones_own_tenant(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    _, person = await brand.person()
    other = await (await found(kit)).owner()
    assert (await person.get("/v1/clients")).status_code == 403
    assert (await person.post("/v1/clients", json={"name": "CRM", "scopes": SCOPES})).status_code == 403
    for name in (client["id"], client["client_id"], "no-client"):
        assert code(await other.post(f"/v1/clients/{name}/secrets")) == "not-found"
    owner = await brand.owner()
    for scopes in ([], ["organization:owner"], ["orders:write", "orders:write"]):
        assert (await owner.post("/v1/clients", json={"name": "CRM", "scopes": scopes})).status_code == 422


async def test_clients_are_paged(brand: Brand) -> None:
    made = [(await created(brand))["id"] for _ in range(3)]
    owner = await brand.owner()
    first = (await owner.get("/v1/clients", params={"limit": "2"})).json()
    second = (await owner.get("/v1/clients", params={"limit": "2", "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["data"] + second["data"]] == made
    assert second["next_cursor"] is None


def test_no_scope_of_a_client_is_a_right_over_the_organization() -> None:
    assert not any(scope.startswith(("organization", "community")) for scope in policy.Scope)
    assert policy.granted(None, ["b", "a"]) == ("a", "b")
    assert policy.granted("b  a", ["b", "a"]) == ("a", "b")
