"""Signing keys: one at the start, rotation with an overlap, withdrawal, and what verifies."""

import asyncio
import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from tests.members.accounts.people import Brand, found

from chassis.clock import MovableClock
from chassis.db import transaction
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.testing.issuer import Issuer
from chassis.testing.kit import Kit
from chassis.tokens import Jwks, TokenVerifier
from chassis.vault import Vault
from members.accounts.keys import commands, jobs, operations, policy
from members.accounts.keys.policy import KEPT_AFTER, OVERLAP
from members.accounts.keys.signing import Signer, Subject, generate
from members.vault import VARIABLE, vault_of

START = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Key:
    kid: str
    signs_from: datetime
    withdrawn_at: datetime | None = None


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 400))), max_size=6), st.integers(0, 500)
)
def test_who_signs_is_published_and_every_living_token_can_be_verified(
    lives: list[tuple[int, int | None]], present: int
) -> None:
    keys = [
        Key(str(n), START + minutes(start), None if end is None else START + minutes(end))
        for n, (start, end) in enumerate(lives)
    ]
    for past in range(0, present + 1, 5):
        then, now = START + minutes(past), START + minutes(present)
        signer = policy.signer(keys, then)
        if signer is None:
            continue
        assert signer in policy.published(keys, then)
        if past + 10 > present:
            assert signer in policy.published(keys, now)
    assert all(key.withdrawn_at is None for key in policy.published(keys, START + minutes(present)))


def test_a_rotation_minute_by_minute() -> None:
    old, new = Key("old", START), Key("new", START + OVERLAP)
    keys = [new, old]
    assert policy.signer(keys, START) == old
    assert policy.published(keys, START) == [old, new]
    assert policy.upcoming(keys, START) == new
    assert policy.signer(keys, START + OVERLAP) == new
    assert policy.published(keys, START + OVERLAP + KEPT_AFTER - minutes(0.1)) == [old, new]
    assert policy.published(keys, START + OVERLAP + KEPT_AFTER) == [new]


def test_a_key_that_was_withdrawn_leaves_the_one_before_where_it_was() -> None:
    old, bad = Key("old", START), Key("bad", START + minutes(10), START + minutes(30))
    assert policy.signer([old, bad], START + minutes(31)) is None
    assert policy.published([old, bad], START + minutes(15)) == [old]
    assert policy.published([old, bad], START + minutes(31)) == []
    never = Key("never", START + minutes(10), START + minutes(5))
    assert policy.signer([old, never], START + minutes(31)) == old


@pytest.fixture
async def brand(kit: Kit, movable_clock: MovableClock) -> Brand:
    assert movable_clock
    await kit.sql("DELETE FROM signing_key")
    return await found(kit)


async def kids(kit: Kit) -> list[str]:
    answer = await kit.client().get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=60"
    return [key["kid"] for key in answer.json()["keys"]]


async def token(brand: Brand) -> str:
    text: str = (await brand.sign_in()).json()["access_token"]
    return text


def kid_of(text: str) -> str:
    kid: str = jwt.get_unverified_header(text)["kid"]
    return kid


def verifier(kit: Kit) -> TokenVerifier:
    """Return a verifier that knows nothing yet: another process."""
    return TokenVerifier(Jwks(jobs.source(kit.runtime)))


async def rotate(kit: Kit, withdraw: str | None = None) -> str:
    app = Starlette(routes=operations.routes(kit.runtime))
    headers = {"Authorization": f"Bearer {kit.runtime.settings.ops_token.get_secret_value()}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ops", headers=headers) as client:
        answer = await client.post("/ops/keys/rotate", json={"withdraw": withdraw} if withdraw else None)
    assert answer.status_code == 200, answer.text
    kid: str = answer.json()["kid"]
    return kid


async def test_a_rotation_leaves_no_token_unverifiable(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    before = await token(brand)
    new = await rotate(kit)
    assert await kids(kit) == [kid_of(before), new]
    assert await rotate(kit) == new, "the next one waits already"
    movable_clock.move(minutes=4)
    last = await token(brand)
    assert kid_of(last) == kid_of(before)
    movable_clock.move(minutes=1)
    after = await token(brand)
    assert kid_of(after) == new
    for text in (before, last, after):
        assert (await verifier(kit).verify(text)).account_id == brand.owner_id
    movable_clock.move(minutes=9)
    assert (await verifier(kit).verify(after)).organization_id == brand.id
    assert kid_of(last) in await kids(kit)
    movable_clock.move(minutes=2)
    assert await kids(kit) == [new]
    with pytest.raises(Problem, match="401"):
        await verifier(kit).verify(last)


async def test_a_withdrawn_key_is_gone_at_once_and_another_signs(kit: Kit, brand: Brand) -> None:
    stolen = await token(brand)
    new = await rotate(kit, withdraw=kid_of(stolen))
    assert new != kid_of(stolen)
    assert await kids(kit) == [new]
    with pytest.raises(Problem, match="401"):
        await verifier(kit).verify(stolen)
    fresh = await token(brand)
    assert kid_of(fresh) == new
    assert (await verifier(kit).verify(fresh)).account_id == brand.owner_id
    assert await rotate(kit, withdraw=kid_of(stolen)) == new


async def test_a_key_that_waits_can_be_withdrawn(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    present = kid_of(await token(brand))
    waiting = await rotate(kit)
    assert await rotate(kit, withdraw=waiting) == present
    assert await kids(kit) == [present]
    movable_clock.move(minutes=30)
    assert kid_of(await token(brand)) == present


async def test_the_operations_token_guards_rotation_and_it_names_its_errors(kit: Kit) -> None:
    app = Starlette(routes=operations.routes(kit.runtime))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ops") as client:
        assert (await client.post("/ops/keys/rotate")).status_code == 401
        client.headers["Authorization"] = f"Bearer {kit.runtime.settings.ops_token.get_secret_value()}"
        assert (await client.post("/ops/keys/rotate", json={"withdraw": "nothing"})).status_code == 404
        assert (await client.post("/ops/keys/rotate", json={"withdraw": 7})).status_code == 422


async def test_keys_rotate_by_due_work_and_old_ones_are_forgotten(
    kit: Kit, brand: Brand, movable_clock: MovableClock
) -> None:
    await kit.sql("UPDATE due_work SET due_at = $1 WHERE kind = 'keys.rotate'", movable_clock() + timedelta(days=30))
    used = [kid_of(await token(brand))]
    for _ in range(3):
        movable_clock.move(days=30, minutes=1)
        await kit.work()
        movable_clock.move(minutes=5)
        used.append(kid_of(await token(brand)))
    assert len(set(used)) == 4
    rows = await kit.sql("SELECT kid FROM signing_key")
    assert {row["kid"] for row in rows} == set(used[-2:])


async def test_replicas_that_start_together_make_one_key(kit: Kit, brand: Brand) -> None:
    assert brand
    await kit.sql("DELETE FROM signing_key")

    async def start() -> str:
        async with transaction(kit.runtime.engine) as session:
            return (await commands.ensure_key(session, vault_of(kit.runtime))).kid

    assert len(set(await asyncio.gather(*(start() for _ in range(6))))) == 1
    assert len(await kids(kit)) == 1


async def test_the_private_half_is_sealed_and_another_secret_stops_the_start(kit: Kit, brand: Brand) -> None:
    assert await token(brand)
    row = (await kit.sql("SELECT kid, sealed_private_key FROM signing_key"))[0]
    private = vault_of(kit.runtime).open(commands.PURPOSE, row["sealed_private_key"], row["kid"].encode())
    assert private not in row["sealed_private_key"]
    with pytest.raises(ValueError, match="KEY_SECRET"):
        vault_of(kit.runtime).open(commands.PURPOSE, row["sealed_private_key"], b"another kid")
    async with transaction(kit.runtime.engine) as session:
        with pytest.raises(ValueError, match="KEY_SECRET"):
            await commands.ensure_key(session, Vault("another secret", "members", VARIABLE))


def forged(original: str, key: Any, algorithm: str, **changes: str) -> str:
    claims = {**jwt.decode(original, options={"verify_signature": False}), **changes}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid_of(original)})


async def test_what_members_did_not_sign_is_refused(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    good = await token(brand)
    stranger = Issuer(kid_of(good))
    row = (await kit.sql("SELECT kid, public_key, sealed_private_key FROM signing_key"))[0]
    public = row["public_key"]
    ours = Ed25519PrivateKey.from_private_bytes(
        vault_of(kit.runtime).open(commands.PURPOSE, row["sealed_private_key"], row["kid"].encode())
    )
    assert (await verifier(kit).verify(forged(good, ours, "EdDSA"))).account_id == brand.owner_id

    real = Signer(kid_of(good), generate()[0])
    body, claims, signature = good.split(".")
    padded = base64.urlsafe_b64decode(claims + "==").replace(str(brand.owner_id).encode(), str(new_id()).encode())
    bad = {
        "alg none": forged(good, None, "none"),
        "stranger's key under our kid": stranger.token(brand.id, brand.owner_id),
        "stranger's kid": Issuer("nobody").token(brand.id, brand.owner_id),
        "our public key as an HMAC secret": forged(good, public, "HS256", scope="organization:owner"),
        "another key of ours": real.issue(Subject(brand.id, brand.owner_id, None, ()), movable_clock()).text,
        "other claims": f"{body}.{base64.urlsafe_b64encode(padded).rstrip(b'=').decode()}.{signature}",
        "no signature": f"{body}.{claims}.",
        "another issuer": forged(good, ours, "EdDSA", iss="another"),
        "another audience": forged(good, ours, "EdDSA", aud="another"),
        "same claims, stranger's key": forged(good, stranger._key, "EdDSA"),
    }
    for why, text in bad.items():
        with pytest.raises(Problem) as refusal:
            await verifier(kit).verify(text)
        assert refusal.value.status_code == 401, why
        assert (await kit.client(text).get("/v1/me")).status_code == 401, why
    movable_clock.move(minutes=10)
    with pytest.raises(Problem, match="401"):
        await verifier(kit).verify(good)
