"""The gateway acting for a partner's client (RFC 7523)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.accounts.people import Brand, found

from chassis import clock, delegation
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.settings import DEVELOPMENT_SECRET
from chassis.testing.kit import Kit

pytestmark = pytest.mark.usefixtures("movable_clock")
SCOPES = ["contacts:write", "orders:write"]


@pytest.fixture
async def brand(kit: Kit, movable_clock: MovableClock) -> Brand:
    assert movable_clock
    return await found(kit)


async def created(brand: Brand) -> UUID:
    owner = await brand.owner()
    answer = await owner.post("/v1/clients", json={"name": "CRM", "scopes": SCOPES})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def ask(kit: Kit, assertion: str, **more: str) -> httpx.Response:
    form = {"grant_type": delegation.GRANT_TYPE, "assertion": assertion, **more}
    return await kit.client().post("/v1/oauth/token", data=form)


def made(brand: Brand, client: UUID) -> str:
    return delegation.make(DEVELOPMENT_SECRET, brand.id, client, clock.now())


def forged(brand: Brand, client: UUID, **changes: Any) -> str:
    """An assertion with the right signature and other claims; None takes one away."""
    claims = jwt.decode(made(brand, client), options={"verify_signature": False}) | changes
    left = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(left, delegation._key(DEVELOPMENT_SECRET), algorithm="HS256")


async def test_the_gateway_gets_a_token_of_the_client_that_says_so(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    answer = await ask(kit, made(brand, client))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["scope"] == " ".join(SCOPES)
    token = answer.json()["access_token"]
    principal = await kit.runtime.verifier.verify(token)
    assert (principal.client_id, principal.account_id, principal.delegated) == (client, client, True)
    assert (principal.organization_id, principal.scopes) == (brand.id, frozenset(SCOPES))
    assert jwt.decode(token, options={"verify_signature": False})["act"] == {"sub": "hearth-gateway"}
    assert (await ask(kit, made(brand, client), scope="orders:write")).json()["scope"] == "orders:write"
    owner = await brand.owner()
    # The partner's own program has not come yet.
    assert (await owner.get(f"/v1/clients/{client}")).json()["last_used_at"] is None


async def test_a_clients_own_token_is_not_delegated(kit: Kit, brand: Brand) -> None:
    owner = await brand.owner()
    client = (await owner.post("/v1/clients", json={"name": "CRM", "scopes": SCOPES})).json()
    form = {"grant_type": "client_credentials", **{one: client[one] for one in ("client_id", "client_secret")}}
    token = (await kit.client().post("/v1/oauth/token", data=form)).json()["access_token"]
    assert (await kit.runtime.verifier.verify(token)).delegated is False


async def test_an_assertion_is_good_for_half_a_minute(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    client = await created(brand)
    assertion = made(brand, client)
    movable_clock.move(seconds=28)
    assert (await ask(kit, assertion)).status_code == 200
    movable_clock.move(seconds=2)
    assert (await ask(kit, assertion)).json()["error"] == "invalid_grant"


async def test_what_is_no_assertion_of_ours_is_refused(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    soon = int((clock.now() + timedelta(seconds=20)).timestamp())
    claims = {"iss": delegation.ISSUER, "aud": delegation.AUDIENCE, "sub": str(client), "org": str(brand.id)}
    unsigned = jwt.encode({**claims, "exp": soon, "jti": "1"}, None, algorithm="none")
    bad = [
        "x",
        "a.b.c",
        "x" * 5000,
        unsigned,
        delegation.make("another secret", brand.id, client, clock.now()),
        forged(brand, client, exp=soon + 50),
        forged(brand, client, exp=None),
        forged(brand, client, exp="soon"),
        forged(brand, client, iss="hearth"),
        forged(brand, client, aud="hearth"),
        forged(brand, client, sub="me"),
        forged(brand, client, sub=None),
        forged(brand, client, org=None),
        forged(brand, client, org="' OR 1=1 --"),
        forged(brand, client, jti=None),
        forged(brand, client, jti=""),
        forged(brand, client, jti="x" * 101),
        # A client of another organization, and one that nobody made.
        delegation.make(DEVELOPMENT_SECRET, (await found(kit)).id, client, clock.now()),
        delegation.make(DEVELOPMENT_SECRET, new_id(), client, clock.now()),
        delegation.make(DEVELOPMENT_SECRET, brand.id, new_id(), clock.now()),
    ]
    for assertion in bad:
        answer = await ask(kit, assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), assertion
        assert set(answer.json()) == {"error", "error_description"}


async def test_a_withdrawn_client_is_acted_for_no_more(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    owner = await brand.owner()
    assert (await owner.delete(f"/v1/clients/{client}")).status_code == 204
    assert (await ask(kit, made(brand, client))).json()["error"] == "invalid_grant"


async def test_the_rest_of_the_form_is_judged_as_ever(kit: Kit, brand: Brand) -> None:
    client = await created(brand)
    assert (await ask(kit, made(brand, client), scope="members:read")).json()["error"] == "invalid_scope"
    assert (await ask(kit, "")).json()["error"] == "invalid_request"
    assert (await ask(kit, made(brand, client), client_secret="x")).json()["error"] == "invalid_request"
    swapped = await kit.client().post(
        "/v1/oauth/token", data={"grant_type": "client_credentials", "assertion": made(brand, client)}
    )
    assert swapped.json()["error"] == "invalid_client"


@given(st.text(max_size=300))
def test_no_text_at_all_is_an_assertion(text: str) -> None:
    with pytest.raises(delegation.AssertionInvalidError):
        delegation.read("secret", text, clock.now())


@given(st.integers(-120, 120))
def test_the_span_in_which_an_assertion_is_good(seconds: int) -> None:
    made_at = clock.now().replace(microsecond=0)
    text = delegation.make("secret", new_id(), new_id(), made_at)
    try:
        delegation.read("secret", text, made_at + timedelta(seconds=seconds))
    except delegation.AssertionInvalidError:
        assert not -30 <= seconds < 30
    else:
        assert -30 <= seconds < 30
