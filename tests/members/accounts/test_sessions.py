"""Signing in, refreshing, signing out, changing the password: over HTTP, on the real database."""

import asyncio
import base64
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from tests.members.accounts.people import OWNER, PASSWORD, Brand, code, found

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.members import SessionRevoked
from members.accounts.credentials import hashing

pytestmark = pytest.mark.usefixtures("movable_clock")


@pytest.fixture
async def brand(kit: Kit, movable_clock: MovableClock) -> Brand:
    assert movable_clock
    return await found(kit)


async def refresh(kit: Kit, token: str) -> httpx.Response:
    return await kit.client().post("/v1/sessions/refresh", json={"refresh_token": token})


async def revocations(kit: Kit, account: UUID) -> list[dict[str, Any]]:
    return [one.data for one in await kit.events(SessionRevoked) if one.data["account_id"] == str(account)]


async def test_signing_in_gives_a_token_that_says_who_and_where(kit: Kit, brand: Brand) -> None:
    answer = await brand.sign_in("  Owner@DEMO.example ")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert session["token_type"] == "Bearer"
    assert session["expires_in"] == 600
    assert session["refresh_expires_in"] == 30 * 24 * 3600
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert claims["sub"] == session["account_id"] == str(brand.owner_id)
    assert claims["org"] == session["organization_id"] == str(brand.id)
    assert claims["scope"] == "organization:owner"
    assert claims["exp"] - claims["iat"] == 600
    me = await kit.client(session["access_token"]).get("/v1/me")
    assert me.json()["email"] == OWNER
    by_id = await kit.client().post(
        "/v1/sessions", json={"organization": str(brand.id), "email": OWNER, "password": PASSWORD}
    )
    assert by_id.status_code == 201


async def test_every_wrong_sign_in_gets_the_same_answer(kit: Kit, brand: Brand) -> None:
    client = kit.client()
    bodies = [
        {"organization": brand.slug, "email": OWNER, "password": "wrong horse battery"},
        {"organization": brand.slug, "email": "nobody@demo.example", "password": PASSWORD},
        {"organization": "no-such-brand", "email": OWNER, "password": PASSWORD},
        {"organization": str(new_id()), "email": OWNER, "password": PASSWORD},
    ]
    answers = [await client.post("/v1/sessions", json=body) for body in bodies]
    assert {answer.status_code for answer in answers} == {401}
    told = [{**answer.json(), "trace_id": None} for answer in answers]
    assert all(one == told[0] for one in told)
    assert code(answers[0]) == "credentials-invalid"


async def test_an_unknown_address_costs_as_much_hashing_as_a_known_one(
    kit: Kit, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    original = hashing.PasswordHasher.verify

    def verify(self: Any, stored: str, password: str) -> bool:
        verified.append(stored)
        return original(self, stored, password)

    monkeypatch.setattr(hashing.PasswordHasher, "verify", verify)
    for email in (OWNER, "nobody@demo.example"):
        assert (await brand.sign_in(email, "wrong horse battery")).status_code == 401
    imported = await brand.register("soon@demo.example")
    await kit.sql("DELETE FROM credential WHERE account_id = $1", UUID(imported["id"]))
    assert (await brand.sign_in("soon@demo.example")).status_code == 401
    assert len(verified) == 3
    parameters = {stored.rsplit("$", 2)[0] for stored in verified}
    assert len(parameters) == 1


async def test_five_failures_lock_an_identity_for_longer_and_longer(brand: Brand, movable_clock: MovableClock) -> None:
    for _ in range(5):
        assert (await brand.sign_in(password="wrong horse battery")).status_code == 401
    locked = await brand.sign_in()
    assert (locked.status_code, code(locked), locked.headers["retry-after"]) == (429, "too-many-attempts", "60")
    # Nobody else is.
    await brand.register()
    assert (await brand.sign_in("lin@demo.example")).status_code == 201
    movable_clock.move(seconds=59)
    assert (await brand.sign_in()).status_code == 429
    movable_clock.move(seconds=1)
    assert (await brand.sign_in(password="wrong horse battery")).status_code == 401
    assert (await brand.sign_in()).headers["retry-after"] == "120"
    movable_clock.move(seconds=120)
    assert (await brand.sign_in()).status_code == 201
    # A success forgets: five are free again.
    for _ in range(4):
        assert (await brand.sign_in(password="wrong horse battery")).status_code == 401
    assert (await brand.sign_in()).status_code == 201


async def test_an_address_that_does_not_exist_is_locked_alike(brand: Brand) -> None:
    outcomes = [(await brand.sign_in("ghost@demo.example")).status_code for _ in range(6)]
    assert outcomes == [401] * 5 + [429]


async def test_a_burst_of_guesses_is_no_way_around_the_lock(brand: Brand) -> None:
    answers = await asyncio.gather(*(brand.sign_in(password=f"wrong horse {n:07}") for n in range(15)))
    outcomes = sorted(answer.status_code for answer in answers)
    assert outcomes == [401] * 5 + [429] * 10


async def test_a_burst_of_right_sign_ins_is_let_in(brand: Brand) -> None:
    answers = await asyncio.gather(*(brand.sign_in() for _ in range(12)))
    assert {answer.status_code for answer in answers} == {201}


async def test_one_address_that_tries_many_people_is_locked_and_only_its_last_hop_counts(
    kit: Kit, brand: Brand
) -> None:
    await kit.sql("DELETE FROM login_limit")
    for person in range(50):
        forged = {"X-Forwarded-For": f"10.0.0.{person}, 203.0.113.50"}
        answer = await brand.sign_in(f"p{person}@demo.example", **forged)
        assert answer.status_code == 401
    assert (await brand.sign_in(**{"X-Forwarded-For": "10.9.9.9, 203.0.113.50"})).status_code == 429
    assert (await brand.sign_in(**{"X-Forwarded-For": "203.0.113.50, 203.0.113.51"})).status_code == 201
    rows = await kit.sql("SELECT key FROM login_limit")
    assert all(len(row["key"]) == 32 for row in rows)


async def test_failures_are_forgotten_by_due_work(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    await brand.sign_in(password="wrong horse battery")
    await kit.sql("UPDATE due_work SET due_at = $1 WHERE kind = 'login_limits.forget'", movable_clock())
    await kit.work()
    assert await kit.sql("SELECT 1 FROM login_limit")
    movable_clock.move(hours=25)
    await kit.work()
    assert not await kit.sql("SELECT 1 FROM login_limit")
    assert len(await kit.sql("SELECT 1 FROM due_work WHERE kind = 'login_limits.forget'")) == 1


async def test_a_refresh_brings_new_tokens_and_slides(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    first = (await brand.sign_in()).json()
    movable_clock.move(days=29)
    second = await refresh(kit, first["refresh_token"])
    assert second.status_code == 200
    assert second.headers["cache-control"] == "no-store"
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["refresh_expires_in"] == 30 * 24 * 3600
    movable_clock.move(days=29)
    third = await refresh(kit, second.json()["refresh_token"])
    assert third.status_code == 200
    movable_clock.move(days=30)
    late = await refresh(kit, third.json()["refresh_token"])
    assert (late.status_code, code(late)) == (401, "refresh-token-invalid")


async def test_parallel_refreshes_get_the_same_answer_and_it_works(kit: Kit, brand: Brand) -> None:
    first = (await brand.sign_in()).json()
    answers = await asyncio.gather(*(refresh(kit, first["refresh_token"]) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert (await kit.client(answers[0].json()["access_token"]).get("/v1/me")).status_code == 200
    assert (await refresh(kit, answers[0].json()["refresh_token"])).status_code == 200


async def test_a_lost_answer_is_given_again_for_ten_seconds(
    kit: Kit, brand: Brand, movable_clock: MovableClock
) -> None:
    first = (await brand.sign_in()).json()
    second = (await refresh(kit, first["refresh_token"])).json()
    movable_clock.move(seconds=10)
    again = (await refresh(kit, first["refresh_token"])).json()
    assert again["refresh_token"] == second["refresh_token"]
    assert again["access_token"] == second["access_token"]
    assert again["expires_in"] == 590


async def test_a_reused_token_ends_the_whole_family(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    first = (await brand.sign_in()).json()
    bystander = (await brand.sign_in()).json()
    second = (await refresh(kit, first["refresh_token"])).json()
    movable_clock.move(seconds=11)
    stolen = await refresh(kit, first["refresh_token"])
    assert (stolen.status_code, code(stolen)) == (401, "refresh-token-invalid")
    # The end is committed although the answer is a problem, and nobody's token of the family is good any more.
    assert (await refresh(kit, second["refresh_token"])).status_code == 401
    session = second["refresh_token"].split("_")[2]
    ended = await revocations(kit, brand.owner_id)
    assert ended == [{"session_id": str(UUID(session)), "account_id": str(brand.owner_id), "reason": "refresh_reused"}]
    assert (await refresh(kit, bystander["refresh_token"])).status_code == 200


async def test_a_guess_ends_nothing(kit: Kit, brand: Brand) -> None:
    token = (await brand.sign_in()).json()["refresh_token"]
    prefix, organization, session, secret = token.split("_", 3)
    old = base64.urlsafe_b64encode(bytes(4) + bytes(32)).decode()
    other = (await found(kit)).id.hex
    guesses = [
        f"{prefix}_{organization}_{session}_{secret[:-4]}AAAA",
        f"{prefix}_{organization}_{session}_{old}",
        f"{prefix}_{organization}_{session}_{'x' * 21}",
        f"{prefix}_{organization}_{new_id().hex}_{secret}",
        f"{prefix}_{other}_{session}_{secret}",
        f"hi_{organization}_{session}_{secret}",
        token + "x",
        "hrt",
    ]
    for guess in guesses:
        answer = await refresh(kit, guess)
        assert (answer.status_code, code(answer)) == (401, "refresh-token-invalid"), guess
    assert (await refresh(kit, token)).status_code == 200
    assert await revocations(kit, brand.owner_id) == []


async def test_the_token_is_not_in_the_database(kit: Kit, brand: Brand) -> None:
    token = (await brand.sign_in()).json()["refresh_token"]
    secret = token.split("_", 3)[3]
    rows = await kit.sql("SELECT session::text AS whole FROM session")
    assert not any(secret in row["whole"] or secret.encode().hex() in row["whole"] for row in rows)


async def test_signing_out_ends_the_session(kit: Kit, brand: Brand) -> None:
    session = (await brand.sign_in()).json()
    client = kit.client(session["access_token"])
    answer = await client.delete("/v1/sessions/current")
    assert answer.status_code == 204
    assert answer.headers["hearth-position"].startswith("session/")
    assert [one["reason"] for one in await revocations(kit, brand.owner_id)] == ["signed_out"]
    assert (await refresh(kit, session["refresh_token"])).status_code == 401
    # The token itself is good until the event has reached every process; signing out again is no error and no event.
    assert (await client.delete("/v1/sessions/current")).status_code == 204
    assert len(await revocations(kit, brand.owner_id)) == 1
    kit.runtime.verifier.revoke(UUID(jwt.decode(session["access_token"], options={"verify_signature": False})["sid"]))
    assert code(await client.get("/v1/me")) == "session-revoked"


async def test_another_password_ends_the_other_sessions(kit: Kit, brand: Brand) -> None:
    here, there = (await brand.sign_in()).json(), (await brand.sign_in()).json()
    client = kit.client(here["access_token"])
    body = {"current_password": PASSWORD, "new_password": "staple correct horse"}
    weak = await client.put("/v1/me/password", json={**body, "new_password": "1234567890"})
    assert (weak.status_code, weak.json()["errors"][0]["code"]) == (422, "password-too-common")
    wrong = await client.put("/v1/me/password", json={**body, "current_password": "wrong horse battery"})
    assert (wrong.status_code, code(wrong)) == (403, "password-wrong")
    assert (await client.put("/v1/me/password", json=body)).status_code == 204
    assert (await brand.sign_in()).status_code == 401
    assert (await brand.sign_in(password="staple correct horse")).status_code == 201
    assert (await refresh(kit, here["refresh_token"])).status_code == 200
    assert (await refresh(kit, there["refresh_token"])).status_code == 401
    assert [one["reason"] for one in await revocations(kit, brand.owner_id)] == ["credential_changed"]


async def test_guessing_at_the_current_password_is_limited(brand: Brand) -> None:
    client = await brand.owner()
    body = {"current_password": "wrong horse battery", "new_password": "staple correct horse"}
    outcomes = [(await client.put("/v1/me/password", json=body)).status_code for _ in range(6)]
    assert outcomes == [403] * 5 + [429]
    assert (await brand.sign_in()).status_code == 201


async def test_a_hash_with_old_parameters_is_renewed_at_sign_in(kit: Kit, brand: Brand) -> None:
    old = await hashing.Hasher(time_cost=2, memory_kib=16, threads=1, queue=1).hash(PASSWORD)
    await kit.sql("UPDATE credential SET hash = $1 WHERE account_id = $2", old, brand.owner_id)
    assert (await brand.sign_in()).status_code == 201
    rows = await kit.sql("SELECT hash FROM credential WHERE account_id = $1", brand.owner_id)
    assert rows[0]["hash"].startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert (await brand.sign_in()).status_code == 201


async def test_expired_sessions_are_deleted_by_due_work(kit: Kit, brand: Brand, movable_clock: MovableClock) -> None:
    first = (await brand.sign_in()).json()
    movable_clock.move(days=10)
    kept = (await brand.sign_in()).json()
    movable_clock.move(days=20)
    await kit.work()
    rows = await kit.sql("SELECT id FROM session WHERE account_id = $1", brand.owner_id)
    assert [row["id"].hex for row in rows] == [kept["refresh_token"].split("_")[2]]
    assert (await refresh(kit, first["refresh_token"])).status_code == 401
    movable_clock.move(days=11)
    await kit.work()
    assert not await kit.sql("SELECT 1 FROM session WHERE account_id = $1", brand.owner_id)


async def test_secrets_are_in_no_event_and_no_error(kit: Kit, brand: Brand) -> None:
    answer = await kit.client().post(
        "/v1/sessions", json={"organization": brand.slug, "email": "no address", "password": ["hunter2 hunter2"]}
    )
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    log = "".join(envelope.model_dump_json() for envelope in await kit.events())
    assert OWNER not in log
    assert PASSWORD not in log
    assert "Wang Fang" not in log
