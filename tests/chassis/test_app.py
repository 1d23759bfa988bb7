"""Composition: permissions are stated, production refuses development secrets, documents describe what is sent, migrations go forward."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import text
from tests.chassis.sample import service

from chassis import app, auth, clock, migrations, ops
from chassis.app import router
from chassis.db import make_engine
from chassis.health import Health, internal_app
from chassis.settings import Environment, Settings, load
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit
from members.settings import MembersSettings

TOKEN = "t" * 40


def test_a_route_without_a_permission_stops_the_app() -> None:
    routes = router("loose")

    @routes.get("/v1/loose")
    async def read_loose() -> bool:
        return True

    with pytest.raises(RuntimeError, match="/v1/loose states no permission"):
        auth.check_permissions(routes.routes)


def test_production_refuses_development_and_short_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    strong = {"ops_token": SecretStr("o" * 32), "cursor_secret": SecretStr("c" * 32)}
    Settings(env=Environment.PRODUCTION, **strong)
    Settings(env=Environment.DEVELOPMENT)
    for name in strong:
        with pytest.raises(ValidationError, match=f"HEARTH_{name.upper()}"):
            Settings(env=Environment.PRODUCTION, **{**strong, name: SecretStr("short")})
    monkeypatch.setenv("HEARTH_ENV", "production")
    with pytest.raises(ValidationError, match="HEARTH_OPS_TOKEN"):
        Settings()


def test_a_refused_start_names_variables_and_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_ENV", "production")
    monkeypatch.setenv("HEARTH_OPS_TOKEN", "a-secret-that-is-too-short")
    with pytest.raises(SystemExit, match="HEARTH_OPS_TOKEN") as refused:
        load(Settings)
    assert "a-secret" not in str(refused.value)
    monkeypatch.setenv("HEARTH_PORT", "99999")
    with pytest.raises(SystemExit, match="HEARTH_PORT"):
        load(Settings)


def test_the_refusal_names_the_variable_that_is_read() -> None:
    strong = {"ops_token": SecretStr("o" * 32), "cursor_secret": SecretStr("c" * 32)}
    with pytest.raises(ValidationError, match="HEARTH_MEMBERS_KEY_SECRET"):
        MembersSettings(
            env=Environment.PRODUCTION,
            database_url=SecretStr("postgresql://a@/d"),
            worker_database_url=SecretStr("postgresql://b@/d"),
            **strong,
        )
    with pytest.raises(ValidationError, match="HEARTH_DELEGATION_SECRET"):
        MembersSettings(
            env=Environment.PRODUCTION,
            database_url=SecretStr("postgresql://a@/d"),
            worker_database_url=SecretStr("postgresql://b@/d"),
            key_secret=SecretStr("k" * 32),
            **strong,
        )


async def test_a_database_url_may_ask_for_tls(cluster: Cluster) -> None:
    url = cluster.empty("sample").application + "&sslmode=require"
    engine = make_engine(url, connections=0)
    # Over a Unix socket there is no TLS to ask for: it connects, where an unknown parameter would be a TypeError.
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


async def test_a_start_on_a_database_without_tables_says_what_to_do(cluster: Cluster) -> None:
    database = cluster.empty("content")
    settings = service.settings(
        env=Environment.TEST,
        database_url=SecretStr(database.application),
        worker_database_url=SecretStr(database.worker),
        nats_url=SecretStr(cluster.nats.url("content")),
    )
    async with app.running(service, settings) as runtime:
        with pytest.raises(SystemExit, match="python -m content migrate"):
            await app.prepare(service, runtime)
    cluster.drop(database)


async def test_the_document_says_permissions_problems_and_camel_case_ids(kit: Kit) -> None:
    document = kit.app.openapi()
    operation = document["paths"]["/v1/communities/{community_id}/notes"]["post"]
    assert operation["operationId"] == "createNote"
    assert operation["x-hearth-permission"] == "community_member"
    assert operation["security"] == [{"bearer": []}]
    assert "application/problem+json" in operation["responses"]["422"]["content"]
    assert "HTTPValidationError" not in json.dumps(document)
    assert document["openapi"].startswith("3.1")


@pytest.fixture
async def internal(kit: Kit) -> AsyncIterator[httpx.AsyncClient]:
    settings = kit.runtime.settings.model_copy(update={"ops_token": SecretStr(TOKEN)})
    runtime = type(kit.runtime)(**{**kit.runtime.__dict__, "settings": settings})
    health = Health({"database": kit.runtime.reader.ping})
    health.started = True
    app = internal_app(health, ops.routes(runtime))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://internal") as client:
        yield client


async def test_probes_and_metrics(internal: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/startupz"):
        assert (await internal.get(path)).status_code == 200, path
    assert "hearth_outbox_unpublished" in (await internal.get("/metrics")).text


async def test_readiness_follows_its_checks_and_the_stop() -> None:
    broken = True

    async def check() -> None:
        if broken:
            raise ConnectionError

    health = Health({"database": check})
    app = internal_app(health)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://internal") as client:
        assert (await client.get("/startupz")).status_code == 503
        health.started = True
        failing = await client.get("/readyz")
        assert (failing.status_code, failing.json()["failures"]) == (503, {"database": "ConnectionError"})
        assert (await client.get("/livez")).status_code == 200
        broken = False
        health._asked_at = -10.0
        assert (await client.get("/readyz")).status_code == 200
        health.stopping = True
        assert (await client.get("/readyz")).status_code == 503


async def test_operating_routes_need_the_token(internal: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", "/ops/outbox"),
        ("GET", "/ops/dead-letters"),
        ("POST", "/ops/dead-letters/retry"),
        ("GET", "/ops/consumers"),
        ("POST", "/ops/consumers/memory/clear"),
        ("POST", "/ops/events/republish"),
        ("POST", "/ops/events/replay"),
        ("GET", "/ops/events/tail"),
    ):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert (await internal.request(method, path, headers=headers)).status_code == 401, path


async def test_operating_routes_answer_and_refuse_nonsense(internal: httpx.AsyncClient) -> None:
    internal.headers["Authorization"] = f"Bearer {TOKEN}"
    outbox = (await internal.get("/ops/outbox")).json()
    assert (outbox["service"], outbox["unpublished"]) == ("content", 0)
    assert (await internal.get("/ops/dead-letters?limit=x")).json() == {"data": [], "total": 0}
    assert (await internal.post("/ops/dead-letters/retry", json={})).json() == {"retried": 0, "failed": 0}
    consumers = (await internal.get("/ops/consumers")).json()["data"]
    assert {row["consumer"] for row in consumers} == {"standing", "memory"}
    assert (await internal.post("/ops/consumers/memory/clear")).json()["consumer"] == "memory"
    assert (await internal.post("/ops/consumers/none/clear")).status_code == 404
    assert (await internal.post("/ops/events/republish", json={"since": clock.now().isoformat()})).json() == {
        "republished": 0
    }
    for body in ({"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}, {}):
        assert (await internal.post("/ops/events/republish", json=body)).status_code == 422
    for body in ({}, {"consumer": "pulse", "types": "all"}, {"consumer": "pulse", "types": ["'; DROP"]}):
        assert (await internal.post("/ops/events/replay", json=body)).status_code == 422
    for content in (b"{", b"[]", b"\xff"):
        assert (await internal.post("/ops/events/republish", content=content)).status_code == 400


async def test_migrations_run_once_even_when_replicas_start_together(cluster: Cluster) -> None:
    database = cluster.empty("sample")
    roles = cluster.roles("sample")
    applied = await asyncio.gather(*(migrations.upgrade(database.owner, service.migrations, roles) for _ in range(3)))
    assert sorted(applied) == [[], [], ["0001"]]
    cluster.drop(database)


async def test_an_upgrade_that_fails_leaves_nothing(cluster: Cluster, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001.py").write_text(
        'from chassis.migrations import run\nrevision = "0001"\ndown_revision = None\n'
        'def upgrade():\n    run(["CREATE TABLE half (id int)", "CREATE TABLE half (id int)"])\n'
    )
    database = cluster.empty("sample")
    with pytest.raises(Exception, match="already exists"):
        await migrations.upgrade(database.owner, tmp_path, cluster.roles("sample"))
    assert (
        cluster.postgres.psql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public';", database=database.name
        ).strip()
        == "0"
    )
    cluster.drop(database)


@pytest.mark.parametrize(
    "urls",
    [
        ("postgresql://a@/d", "postgresql://a@/d", "postgresql://b@/d"),
        ("postgresql://a@/d", "postgresql://b;drop@/d", "postgresql://c@/d"),
        ("postgresql:///d", "postgresql://b@/d", "postgresql://c@/d"),
    ],
)
def test_roles_are_three_plain_names(urls: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="three distinct users"):
        migrations.roles_of(*urls)


async def test_a_start_waits_for_a_database_that_is_away(
    kit: Kit, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = asyncio.Event()
    monkeypatch.setattr(app, "START_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(app.log, "warning", lambda *_, **__: waited.set(), raising=False)
    name = kit.database.name
    cluster.postgres.psql(
        f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false;'
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';"
    )
    starting = asyncio.create_task(app.prepare(service, kit.runtime))
    try:
        await asyncio.wait_for(waited.wait(), 20)
        assert not starting.done()
    finally:
        cluster.postgres.psql(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true;')
    await asyncio.wait_for(starting, 20)
