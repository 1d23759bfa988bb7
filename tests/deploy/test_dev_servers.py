"""The try-out cluster's servers take what the overlay gives them: the real programs run on its files and secrets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from tests.deploy.manifests import KUBERNETES, PROCESSES, Document, environment, named, of_kind, pods

from chassis.bus import Bus
from chassis.embedded.nats import binary, free_port, permissions, server_config
from chassis.embedded.postgres import Postgres
from chassis.embedded.process import wait_until
from chassis.embedded.system import wheel

SQL = KUBERNETES / "overlays" / "dev" / "databases.sql"


def told(documents: list[Document], name: str) -> dict[str, str]:
    (pod,) = (pod for pod in pods(documents) if pod.name == name)
    return environment(documents, pod)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"), options={"fsync": "off"}, die_with_parent=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def databases(postgres: Postgres, dev: list[Document]) -> Postgres:
    """Roles and databases, made as on a managed server: by an administrator who is no superuser."""
    postgres.psql("CREATE ROLE administrator LOGIN CREATEDB CREATEROLE PASSWORD :'password';", password="administrator")
    done = run_sql(postgres, told(dev, "postgres"))
    assert done.returncode == 0, done.stderr
    return postgres


def run_sql(postgres: Postgres, passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [wheel() / "pginstall/bin/psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", SQL],
        env=passwords
        | {"PGHOST": str(postgres.socket_folder), "PGUSER": "administrator", "PGPASSWORD": "administrator"}
        | {"PGDATABASE": "postgres", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


def here(url: str, postgres: Postgres) -> str:
    """Return a URL of the cluster's PostgreSQL as one of this server's."""
    parsed = make_url(url)
    assert (parsed.host, parsed.port) == ("postgres", 5432)
    assert parsed.database
    return postgres.dsn(parsed.database, parsed.username, str(parsed.password))


@pytest.mark.parametrize("service", PROCESSES)
def test_a_migration_runs_with_what_it_is_told(databases: Postgres, dev: list[Document], service: str) -> None:
    variables = {
        name: here(value, databases) if name.endswith("DATABASE_URL") else value
        for name, value in told(dev, f"{service}-migrate").items()
    }
    done = subprocess.run(
        [sys.executable, "-m", service, "migrate"],
        env=variables | {"HEARTH_ENV": "production", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["event"] == "migrated"


@pytest.mark.parametrize("service", PROCESSES)
async def test_a_database_is_closed_to_the_other_services(
    databases: Postgres, dev: list[Document], service: str
) -> None:
    variables = told(dev, f"{service}-api")
    for kind in ("DATABASE_URL", "WORKER_DATABASE_URL"):
        url = here(variables[f"HEARTH_{service.upper()}_{kind}"], databases)
        connection = await asyncpg.connect(url)
        assert not await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = user")
        provider, locale = await connection.fetchrow(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        )
        assert (provider, locale) == (b"b", "C.UTF-8")
        await connection.close()
        for other in set(PROCESSES) - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(url.replace(f"/hearth_{service}?", f"/hearth_{other}?"))


def test_a_missing_password_stops_it(databases: Postgres) -> None:
    done = run_sql(databases, {})
    assert done.returncode != 0
    assert "syntax error" in done.stderr


def nats_conf(dev: list[Document]) -> str:
    (found,) = (one["data"] for one in of_kind(dev, "ConfigMap") if "nats.conf" in one["data"])
    text: str = found["nats.conf"]
    return text


def test_nats_users_may_do_what_those_of_the_local_stack_may(dev: list[Document]) -> None:
    lines = [line for line in nats_conf(dev).splitlines() if not line.startswith("#")]
    # The server's format is JSON but for its variables.
    stated = json.loads("\n".join(lines).replace(": $", ': "$').replace("_PASSWORD", '_PASSWORD"'))
    users = stated["authorization"].pop("users")
    passwords = {process: f"$NATS_{process.upper()}_PASSWORD" for process in PROCESSES}
    local = server_config(passwords, 4222, store=Path("/data/jetstream"), sync_always=True)
    local["authorization"].pop("users")
    assert users == [
        {"user": process, "password": passwords[process], "permissions": permissions(process)} for process in PROCESSES
    ]
    assert stated == local | {"listen": "0.0.0.0:4222", "http": "0.0.0.0:8222"}


@pytest.fixture(scope="module")
def nats(dev: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server as the overlay configures it, on loopback; yields its address."""
    folder, address = tmp_path_factory.mktemp("nats"), f"127.0.0.1:{free_port()}"
    conf = nats_conf(dev).replace("0.0.0.0:4222", address).replace("0.0.0.0:8222", "127.0.0.1:-1")
    (folder / "nats.conf").write_text(conf.replace("/data/", f"{folder}/"))
    log = folder / "log"
    log.touch()
    server = subprocess.Popen([binary(), "--config", folder / "nats.conf", "--log", log], env=told(dev, "nats"))
    try:
        assert wait_until(lambda: "Server is ready" in log.read_text(), 30), log.read_text()
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.parametrize("service", PROCESSES)
async def test_nats_lets_a_service_make_its_stream(dev: list[Document], nats: str, service: str) -> None:
    url = told(dev, f"{service}-worker")["HEARTH_NATS_URL"]
    # What partners cause is the gateway's to tell.
    bus = await Bus.connect(url.replace("nats:4222", nats), "partners" if service == "gateway" else service)
    await bus.ensure_stream()
    await bus.close()


def test_the_servers_are_where_the_pods_look(dev: list[Document]) -> None:
    for server, port in (("postgres", 5432), ("nats", 4222)):
        assert named(dev, "Service", server)["spec"]["ports"][0]["port"] == port
        volumes = named(dev, "StatefulSet", server)["spec"]["volumeClaimTemplates"]
        assert [one["metadata"]["name"] for one in volumes] == ["data"]
