"""Keys: how one takes another's place, who sees them, and when they are destroyed."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.endpoints.town import Town, faults

from chassis import clock
from chassis.clock import MovableClock
from chassis.db import transaction
from contracts.partners import EndpointSecretsRead
from gateway import signing
from gateway.endpoints import queries
from gateway.endpoints.secrets import policy
from gateway.vault import vault_of

OWN = "whsec_" + b64encode(b"k" * 32).decode()
NOW = datetime.fromisoformat("2026-11-22T08:00:00Z")


@given(
    expires_at=st.none() | st.integers(-5000, 5000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    hours=st.integers(0, policy.KEEP_OLD_HOURS),
)
def test_a_replaced_key_never_signs_longer_than_it_would_have(expires_at: datetime | None, hours: int) -> None:
    ends = policy.expiry(expires_at, NOW, hours)
    assert ends <= NOW + timedelta(hours=hours)
    assert expires_at is None or ends <= expires_at
    assert not policy.signs(ends, ends)
    assert policy.signs(ends, NOW) == (ends > NOW)


@given(ends=st.lists(st.none() | st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours)), max_size=12))
def test_only_keys_that_sign_count(ends: list[datetime | None]) -> None:
    signing_now = [end for end in ends if end is None or end > NOW]
    assert policy.too_many(ends, NOW) == (len(signing_now) >= policy.MOST_SECRETS)


async def test_a_key_is_rotated_and_both_sign_for_a_day(movable_clock: MovableClock, town: Town) -> None:
    made = await town.endpoint()
    path = f"/v1/endpoints/{made['id']}/secrets"
    [first] = made["secrets"]
    second = (await town.program().post(path, json={})).json()
    shown = await town.program().get(path)
    assert shown.headers["cache-control"] == "no-store"
    assert [one["secret"] for one in shown.json()["data"]] == [second["secret"], first["secret"]]
    expires_at = datetime.fromisoformat(shown.json()["data"][1]["expires_at"])
    assert expires_at == clock.now() + timedelta(hours=24)
    assert await signs_by(town, made["id"]) == [second["secret"], first["secret"]]
    movable_clock.move(hours=24)
    assert await signs_by(town, made["id"]) == [second["secret"]]
    assert [one["secret"] for one in (await town.program().get(path)).json()["data"]] == [second["secret"]]
    await town.kit.work()
    assert await stored(town, made["id"]) == 2
    movable_clock.move(minutes=1)
    await town.kit.work()
    assert await stored(town, made["id"]) == 1
    read = await town.program().get(f"/v1/endpoints/{made['id']}")
    assert (read.json()["version"], read.json()["schemes"]) == (2, ["v1"])


async def test_a_key_that_has_become_known_ends_at_once(town: Town) -> None:
    made = await town.endpoint()
    path = f"/v1/endpoints/{made['id']}/secrets"
    for _ in range(2):
        assert (await town.program().post(path, json={})).status_code == 201
    fresh = await town.program().post(path, json={"secret": OWN, "keep_old_hours": 0})
    assert (fresh.status_code, fresh.json()["secret"]) == (201, OWN)
    assert await signs_by(town, made["id"]) == [OWN]


async def test_five_keys_sign_at_once_and_no_more(town: Town) -> None:
    made = await town.endpoint(v1a=True)
    path = f"/v1/endpoints/{made['id']}/secrets"
    for _ in range(3):
        assert (await town.program().post(path, json={})).status_code == 201
    before = await signs_by(town, made["id"])
    refused = await town.program().post(path, json={"scheme": "v1a"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:too-many-secrets")
    assert await signs_by(town, made["id"]) == before
    assert len(before) == 5
    assert (await town.program().post(path, json={"keep_old_hours": 0})).status_code == 201
    assert len(await signs_by(town, made["id"])) == 2


async def test_ed25519_shows_its_public_half_only(town: Town) -> None:
    made = await town.endpoint()
    path = f"/v1/endpoints/{made['id']}/secrets"
    own = signing.make_secret("v1a")
    for body in ({"scheme": "v1a"}, {"secret": own}):
        answer = await town.staff.post(path, json=body)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["scheme"], answer.json()["secret"]) == ("v1a", None)
    assert answer.json()["public_key"] == signing.public_key(own)
    assert "whsk_" not in (await town.staff.get(path)).text
    # The v1 key goes on: it is another scheme's.
    assert [one["expires_at"] is None for one in (await town.staff.get(path)).json()["data"]] == [True, False, True]
    assert (await signs_by(town, made["id"]))[0] == own


async def test_keys_that_are_none_are_refused_without_being_repeated(town: Town) -> None:
    made = await town.endpoint(secret=OWN)
    path = f"/v1/endpoints/{made['id']}/secrets"
    for body, place in (
        ({"secret": "whsec_!!"}, ("/secret", "key-malformed")),
        ({"secret": "whsec_c2hvcnQ="}, ("/secret", "key-too-short")),
        ({"secret": "whsec_" + b64encode(b"k" * 65).decode()}, ("/secret", "key-too-long")),
        ({"secret": "whpk_" + b64encode(b"k" * 32).decode()}, ("/secret", "key-public")),
        ({"secret": OWN}, ("/secret", "secret-repeated")),
        ({"secret": OWN, "scheme": "v1a"}, ("/scheme", "scheme-other")),
        ({"keep_old_hours": 25}, ("/keep_old_hours", "less-than-equal")),
    ):
        answer = await town.program().post(path, json=body)
        assert faults(answer) == [place]
        assert str(body.get("secret", "never")) not in answer.text
    assert await signs_by(town, made["id"]) == [OWN]


async def test_whoever_reads_keys_is_told_of(town: Town) -> None:
    made = await town.endpoint()
    admin = town.kit.staff(town.organization)
    assert (await admin.get(f"/v1/endpoints/{made['id']}/secrets")).status_code == 200
    [told] = [one for one in await town.kit.events(EndpointSecretsRead) if one.organization == town.organization]
    assert (told.data["endpoint_id"], told.data["client_id"]) == (made["id"], str(town.client))
    assert told.actor is not None
    assert "whsec" not in str(told.data)


async def signs_by(town: Town, endpoint_id: str) -> list[str]:
    """The keys by which a delivery would be signed now."""
    async with transaction(town.kit.runtime.worker_engine, town.organization) as session:
        found = await queries.targets(session, vault_of(town.kit.runtime), [UUID(endpoint_id)], clock.now())
    return [one.text for one in found[UUID(endpoint_id)].secrets]


async def stored(town: Town, endpoint_id: str) -> int:
    return len(await town.kit.sql("SELECT 1 FROM endpoint_secret WHERE endpoint_id = $1", UUID(endpoint_id)))
