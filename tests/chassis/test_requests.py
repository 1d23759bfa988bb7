"""Transactions, problems, versions, idempotency and permissions, over the sample service's API."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from sqlalchemy import text

from chassis import schemas
from chassis.app import build_app
from chassis.db import make_engine
from chassis.ids import new_id
from chassis.schemas import Input
from chassis.testing.issuer import Issuer
from chassis.testing.kit import Kit
from contracts.content import PostPublished
from contracts.members import CommunityRole


class Scene:
    def __init__(self, kit: Kit, organization: UUID, community: UUID, account: UUID) -> None:
        self.kit, self.organization, self.community, self.account = kit, organization, community, account
        self.member = kit.person(organization, account)
        self.notes = f"/v1/communities/{community}/notes"

    async def write(self, body: str, **headers: str) -> httpx.Response:
        return await self.member.post(self.notes, json={"body": body}, headers=headers)


@pytest.fixture
async def scene(kit: Kit) -> Scene:
    organization = new_id()
    community = await kit.community(organization)
    return Scene(kit, organization, community, await kit.member(organization, community))


async def test_a_write_is_there_with_its_event_and_says_its_position(scene: Scene) -> None:
    answer = await scene.write("hello")
    assert answer.status_code == 201, answer.text
    note = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["hearth-position"] == f"post/{note['id']}@1"
    [event] = [one for one in await scene.kit.events(PostPublished) if str(one.aggregateid) == note["id"]]
    assert (event.organization, event.community, event.aggregateversion) == (scene.organization, scene.community, 1)
    assert event.source == "/hearth/content"


async def test_a_problem_after_writing_leaves_neither_row_nor_event(scene: Scene) -> None:
    before = len(await scene.kit.events())
    answer = await scene.write("fail after writing")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:hearth:problem:told-to-fail"
    assert len(await scene.kit.events()) == before
    assert (await scene.member.get(scene.notes)).json() == []


async def test_a_failing_commit_is_not_answered_as_success(scene: Scene) -> None:
    answer = await scene.write("x" * 101)
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:hearth:problem:internal-error"
    assert (await scene.member.get(scene.notes)).json() == []


async def test_an_unexpected_failure_names_the_trace_that_the_caller_began(scene: Scene) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await scene.member.post(
        scene.notes, json={"body": "x" * 101}, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    )
    assert (answer.status_code, answer.json()["trace_id"]) == (500, trace)


class Moment(Input):
    at: AwareDatetime | None = None
    on: list[AwareDatetime] = Field(default_factory=list)


@given(st.one_of(st.integers(), st.floats(), st.booleans()), st.booleans())
def test_a_number_is_no_instant(number: float, quoted: bool) -> None:  # noqa: FBT001  drawn
    """By itself pydantic takes it for seconds, or for milliseconds, since 1970."""
    sent = str(number) if quoted and not isinstance(number, bool) else number
    for wrong in ({"at": sent}, {"on": [sent]}):
        with pytest.raises(ValidationError):
            Moment.model_validate(wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(schemas.Moment | None).validate_python(str(number))


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES))  # noqa: DTZ001  the bounds have none
def test_an_instant_is_taken_as_it_is_written(at: datetime) -> None:
    for sent in (at, at.isoformat()):
        taken = Moment.model_validate({"at": sent, "on": [sent]})
        assert (taken.at, taken.on) == (at, [at])
        assert TypeAdapter(schemas.Moment | None).validate_python(sent) == at


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
def test_an_instant_is_one_everywhere_in_the_world(at: str) -> None:
    with pytest.raises(ValidationError):
        Moment.model_validate({"at": at})
    assert Moment.model_validate({"at": "2026-01-01T00:00:00+14:00"}).at == datetime(2025, 12, 31, 10, tzinfo=UTC)


async def test_row_level_security_holds_for_a_query_without_a_filter(scene: Scene) -> None:
    await scene.write("mine")
    other = new_id()
    community = await scene.kit.community(other)
    stranger = scene.kit.person(other, await scene.kit.member(other, community))
    assert (await stranger.get(f"/v1/communities/{community}/notes")).json() == []
    assert (await stranger.get(scene.notes)).status_code == 404
    assert len((await scene.member.get(scene.notes)).json()) == 1


async def test_a_query_without_a_tenant_is_an_error_and_not_everything(scene: Scene) -> None:
    await scene.write("secret")
    assert (await scene.kit.client().get("/v1/untenanted")).status_code == 500
    async with scene.kit.runtime.engine.connect() as connection:
        await connection.execute(
            text("SELECT set_config('hearth.organization_id', :o, true)"), {"o": str(scene.organization)}
        )
        assert (await connection.execute(text("SELECT count(*) FROM note"))).scalar_one() == 1
        await connection.rollback()
        with pytest.raises(Exception, match=r"invalid input syntax for type uuid|unrecognized configuration"):
            await connection.execute(text("SELECT count(*) FROM note"))
    with pytest.raises(Exception, match="invalid input syntax for type uuid"):
        await scene.kit.runtime.reader.json("", "SELECT json_agg(note) FROM note")  # type: ignore[arg-type]


async def test_the_application_role_can_neither_change_tables_nor_write_as_another_tenant(scene: Scene) -> None:
    async with scene.kit.runtime.engine.connect() as connection:
        await connection.execute(
            text("SELECT set_config('hearth.organization_id', :o, true)"), {"o": str(scene.organization)}
        )
        with pytest.raises(Exception, match="row-level security"):
            await connection.execute(
                text("INSERT INTO note VALUES (:id, :o, :c, 'x', 1)"),
                {"id": new_id(), "o": new_id(), "c": scene.community},
            )
    async with scene.kit.runtime.engine.connect() as connection:
        with pytest.raises(Exception, match="must be owner"):
            await connection.execute(text("ALTER TABLE note DISABLE ROW LEVEL SECURITY"))


async def test_the_worker_role_sees_other_tenants_only_in_the_chassis_tables(scene: Scene) -> None:
    await scene.write("event")
    async with scene.kit.runtime.worker_engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM outbox"))).scalar_one() >= 1
        with pytest.raises(Exception, match=r"unrecognized configuration|invalid input"):
            await connection.execute(text("SELECT count(*) FROM note"))


async def test_a_change_needs_the_version_that_was_read(scene: Scene) -> None:
    note = (await scene.write("one")).json()
    url = f"{scene.notes}/{note['id']}"
    assert (await scene.member.patch(url, json={"body": "two"})).status_code == 428
    stale = await scene.member.patch(url, json={"body": "two"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    assert (await scene.member.patch(url, json={"body": "two"}, headers={"If-Match": "nonsense"})).status_code == 412
    good = await scene.member.patch(url, json={"body": "two"}, headers={"If-Match": '"1"'})
    assert (good.status_code, good.headers["etag"], good.json()["version"]) == (200, '"2"', 2)


async def test_parallel_changes_of_one_version_let_one_through(scene: Scene) -> None:
    note = (await scene.write("one")).json()
    url = f"{scene.notes}/{note['id']}"
    answers = await asyncio.gather(
        *(scene.member.patch(url, json={"body": str(n)}, headers={"If-Match": '"1"'}) for n in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_the_same_key_gives_the_same_answer_and_one_write(scene: Scene) -> None:
    first = await scene.write("once", **{"Idempotency-Key": "k1"})
    second = await scene.write("once", **{"Idempotency-Key": "k1"})
    assert (second.status_code, second.json(), second.headers["etag"]) == (201, first.json(), '"1"')
    assert second.headers["hearth-position"] == first.headers["hearth-position"]
    assert second.headers["idempotency-replayed"] == "true"
    assert len((await scene.member.get(scene.notes)).json()) == 1
    other_body = await scene.write("different", **{"Idempotency-Key": "k1"})
    assert (other_body.status_code, other_body.json()["type"]) == (422, "urn:hearth:problem:idempotency-key-reused")
    assert (await scene.write("x", **{"Idempotency-Key": "k" * 256})).status_code == 400


async def test_stored_answers_are_sealed(scene: Scene) -> None:
    answer = await scene.write("a secret shown once", **{"Idempotency-Key": "sealed"})
    [row] = await scene.kit.sql("SELECT body FROM idempotency WHERE key = 'sealed'")
    assert b"secret" not in row["body"]
    place = f"{scene.organization}:{scene.account}:sealed"
    assert scene.kit.runtime.seal.open(row["body"], place) == answer.content
    assert scene.kit.runtime.seal.open(row["body"], place + "x") is None


async def test_a_key_is_the_callers_own(scene: Scene) -> None:
    await scene.write("once", **{"Idempotency-Key": "shared"})
    other = scene.kit.person(scene.organization, await scene.kit.member(scene.organization, scene.community))
    answer = await other.post(scene.notes, json={"body": "other"}, headers={"Idempotency-Key": "shared"})
    assert (answer.status_code, answer.json()["body"]) == (201, "other")


async def test_a_failed_request_does_not_use_up_its_key(scene: Scene) -> None:
    assert (await scene.write("fail after writing", **{"Idempotency-Key": "k2"})).status_code == 409
    assert (await scene.write("works", **{"Idempotency-Key": "k2"})).status_code == 201


async def test_a_hundred_parallel_twins_write_once(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.write("twin", **{"Idempotency-Key": "twin"}) for _ in range(100)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} <= {
        "urn:hearth:problem:idempotency-key-in-use"
    }
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len((await scene.member.get(scene.notes)).json()) == 1


async def test_old_answers_are_purged_by_due_work(scene: Scene) -> None:
    await scene.write("kept a day", **{"Idempotency-Key": "day"})
    await scene.kit.sql(
        "UPDATE idempotency SET created_at = created_at - interval '25 hours' WHERE organization_id = $1",
        scene.organization,
    )
    await scene.kit.sql("UPDATE due_work SET due_at = now() WHERE organization_id = $1", scene.organization)
    await scene.kit.work()
    assert await scene.kit.sql("SELECT 1 FROM idempotency WHERE organization_id = $1", scene.organization) == []
    assert (await scene.write("anew", **{"Idempotency-Key": "day"})).status_code == 201


@pytest.mark.parametrize(
    ("content", "status", "pointer"),
    [
        (b"{", 400, None),
        (b"\xff", 400, None),
        (b'{"body": NaN}', 400, None),
        (b'{"body": 1}', 422, "/body"),
        (b"{}", 422, "/body"),
        (b'{"body": "x", "more": 1}', 422, "/more"),
        (b'{"body": "a\\u0000b"}', 422, "/body"),
        (b'{"bo\\u0007dy": "x"}', 422, ""),
        (b'{"body": "x\\ud800"}', 400, None),
        (b"[" * 500 + b"]" * 500, 422, "/0" * 33),
        (b"[" * 100_000, 400, None),
        (b"null", 422, ""),
        (b"", 422, ""),
    ],
)
async def test_bad_json_is_a_problem_with_a_pointer(
    scene: Scene, content: bytes, status: int, pointer: str | None
) -> None:
    answer = await scene.member.post(scene.notes, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "text/html, application/json",
        "x",
    ],
)
async def test_what_does_not_say_it_is_json_is_not_read(scene: Scene, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await scene.member.post(scene.notes, content=b'{"body": "x"}', headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:hearth:problem:unsupported-media-type")
    for json_kind in ("application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"):
        answer = await scene.member.post(scene.notes, content=b'{"body": "x"}', headers={"Content-Type": json_kind})
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("path", ["/v1/communities/nonsense/notes", "/v1/communities/%00/notes"])
async def test_bad_path_values_are_problems(scene: Scene, path: str) -> None:
    answer = await scene.member.get(path)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/path/community_id"


async def test_unknown_paths_methods_and_faults_are_problems(scene: Scene) -> None:
    for request, status in (
        (scene.member.get("/nowhere"), 404),
        (scene.member.delete("/v1/public"), 405),
        (scene.member.get("/v1/broken"), 500),
    ):
        answer = await request
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_tokens(scene: Scene) -> None:
    kit, organization = scene.kit, scene.organization
    good = kit.issuer.token(organization, scene.account)
    foreign = Issuer("test").token(organization, scene.account)
    unknown = Issuer("other").token(organization, scene.account)
    expired = kit.issuer.token(organization, scene.account, lifetime=-1)
    unsigned = "eyJhbGciOiJub25lIiwia2lkIjoidGVzdCJ9." + good.split(".")[1] + "."
    assert (await kit.client(good).get("/v1/person")).json() == str(scene.account)
    for token in (foreign, unknown, expired, unsigned, "x", "a.b.c", good[:-4] + "AAAA", "x" * 9000):
        answer = await kit.client(token).get("/v1/person")
        assert answer.status_code == 401, token
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await kit.client().get("/v1/person")).status_code == 401
    assert (await kit.client(good).get("/v1/staff")).status_code == 403
    assert (await kit.staff(organization).get("/v1/staff")).status_code == 200
    assert (await kit.partner(organization).get("/v1/person")).status_code == 403


async def test_a_remembered_token_ends_with_its_time_its_key_and_its_session(scene: Scene) -> None:
    session = new_id()
    token = scene.kit.issuer.token(scene.organization, scene.account, session_id=session)
    assert (await scene.kit.client(token).get("/v1/person")).status_code == 200
    scene.kit.runtime.verifier.revoke(session)
    answer = await scene.kit.client(token).get("/v1/person")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:hearth:problem:session-revoked")


async def test_community_roles_come_from_the_projection(scene: Scene) -> None:
    url = f"/v1/communities/{scene.community}/managed"
    manager = scene.kit.person(
        scene.organization, await scene.kit.member(scene.organization, scene.community, roles=[CommunityRole.MANAGER])
    )
    moderator = scene.kit.person(
        scene.organization, await scene.kit.member(scene.organization, scene.community, roles=[CommunityRole.MODERATOR])
    )
    assert (await manager.get(url)).status_code == 200
    assert (await scene.kit.staff(scene.organization).get(url)).status_code == 200
    assert (await moderator.get(url)).status_code == 403
    assert (await scene.kit.person(scene.organization).get(scene.notes)).status_code == 403
    assert (await scene.kit.partner(scene.organization).get(scene.notes)).status_code == 403


async def test_a_read_waits_for_the_write_it_names_and_gives_up_in_time(scene: Scene) -> None:
    membership = new_id()
    late = await scene.member.get(scene.notes, headers={"Hearth-After": f"membership/{membership}@1"})
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    # What this service owns, and what none of its projections follows, needs no waiting.
    for position in (f"post/{new_id()}@9", f"session/{new_id()}@9"):
        assert (await scene.member.get(scene.notes, headers={"Hearth-After": position})).status_code == 200
    for nonsense in (
        "x",
        "membership/1@1",
        "a" * 100,
        f"membership/{'g' * 36}@1",
        ", ".join([f"post/{new_id()}@1"] * 201),
    ):
        assert (await scene.member.get(scene.notes, headers={"Hearth-After": nonsense})).status_code == 400


async def test_a_hundred_at_once_are_served_or_asked_to_come_again(scene: Scene) -> None:
    """With every connection taken for longer than a request waits for one, nobody is told that something broke."""
    kit = scene.kit
    url = kit.runtime.settings.database_url.get_secret_value()
    engine = make_engine(url, connections=2, pool_timeout=0.05)
    narrow = Kit(
        kit.service, kit.runtime, build_app(kit.service, replace(kit.runtime, engine=engine)), kit.database, kit.issuer
    )
    member = narrow.person(scene.organization, scene.account)
    blocker = await asyncpg.connect(kit.database.superuser)
    lock = blocker.transaction()
    await lock.start()
    await blocker.execute("LOCK TABLE note")
    writes = [asyncio.create_task(member.post(scene.notes, json={"body": str(n)})) for n in range(100)]
    refused: list[httpx.Response] = []
    for done in asyncio.as_completed(writes):
        refused.append(await done)
        if len(refused) == 98:
            await lock.rollback()
    await blocker.close()
    await engine.dispose()
    answers = [write.result() for write in writes]
    assert sorted({answer.status_code for answer in answers}) == [201, 503]
    assert sum(answer.status_code == 201 for answer in answers) == 2
    for answer in refused[:98]:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:hearth:problem:database-unavailable"
    assert len((await scene.member.get(scene.notes)).json()) == 2
