"""The embedded PostgreSQL: private, password-checked, and back after every way of ending."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from chassis.embedded.postgres import Postgres
from chassis.embedded.process import EmbeddedError, alive, spawn, wait_until
from chassis.embedded.system import system_user

# synchronous_commit stays on: without it a killed server loses what it has acknowledged.
FAST = {"fsync": "off", "full_page_writes": "off"}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that root's system user can reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="hearth-pg-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres(home: Path) -> Iterator[Postgres]:
    server = Postgres(home / "data", options=FAST)
    server.start()
    server.ensure_role("reader", 'it\'s "quoted" \\ and ünï')
    server.ensure_database("plain", "reader")
    yield server
    server.remove()
    assert not server.cluster.exists()
    assert not server.socket_folder.exists()


async def one(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_runs_the_wheels_postgresql_with_the_builtin_locale(postgres: Postgres) -> None:
    assert str(await one(postgres.dsn("plain"), "SHOW server_version")).startswith("18.")
    locale = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = current_database()"
    assert await one(postgres.dsn("plain"), locale) == "bC.UTF-8"
    # With the C locale a Chinese character is no letter, and pg_trgm would find nothing in it.
    assert await one(postgres.dsn("plain"), "SELECT '英' ~ '[[:alpha:]]'") is True


async def test_the_right_password_is_let_in_and_any_other_is_not(postgres: Postgres) -> None:
    good = postgres.dsn("plain", "reader", 'it\'s "quoted" \\ and ünï')
    assert await one(good, "SELECT current_user::text") == "reader"
    for user, password in [("reader", "wrong"), ("reader", None), ("reader", ""), ("postgres", "postgres")]:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await asyncpg.connect(postgres.dsn("plain", user, password))
        assert refused.value.sqlstate == "28P01"
    secret = await one(postgres.dsn("plain"), "SELECT rolpassword FROM pg_authid WHERE rolname = 'reader'")
    assert str(secret).startswith("SCRAM-SHA-256$")


async def test_there_is_a_private_socket_and_no_tcp(postgres: Postgres) -> None:
    found = postgres.socket_folder.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == postgres.cluster.stat().st_uid
    assert stat.S_IMODE(postgres.cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE((postgres.data / "superuser").stat().st_mode) == 0o600
    assert await one(postgres.dsn("plain"), "SHOW listen_addresses") == ""


def test_it_never_runs_as_root(postgres: Postgres) -> None:
    assert postgres.pid is not None
    status = Path(f"/proc/{postgres.pid}/status").read_text()
    assert "\nUid:\t0\t" not in status
    assert "\nGid:\t0\t" not in status
    groups = next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:]
    assert os.geteuid() != 0 or "0" not in groups


async def test_a_closed_database_lets_in_only_its_own_roles(postgres: Postgres) -> None:
    for role in ("own", "app", "stranger"):
        postgres.ensure_role(role, "secret")
    postgres.ensure_database("closed", "own", connect=["app"])
    postgres.ensure_database("closed", "own", connect=["app"])  # again: nothing changes
    assert await one(postgres.dsn("closed", "own", "secret"), "SELECT 1") == 1
    assert await one(postgres.dsn("closed", "app", "secret"), "SELECT 1") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres.dsn("closed", "stranger", "secret"))
    flags = "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'app'"
    assert await one(postgres.dsn("closed"), flags) is False


async def test_a_template_is_copied_and_a_database_dropped(postgres: Postgres) -> None:
    postgres.ensure_database("model", "reader")
    postgres.psql("CREATE TABLE thing AS SELECT 7 AS x;", database="model")
    postgres.ensure_database("copy", "reader", template="model")
    assert await one(postgres.dsn("copy"), "SELECT x FROM thing") == 7
    held = await asyncpg.connect(postgres.dsn("copy"))
    postgres.drop_database("copy")
    postgres.drop_database("copy")
    held.terminate()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(postgres.dsn("copy"))


def test_a_failing_script_says_why(postgres: Postgres) -> None:
    with pytest.raises(EmbeddedError, match="nowhere"):
        postgres.psql("SELECT * FROM nowhere;")


async def test_another_process_attaches_by_naming_the_folder(postgres: Postgres) -> None:
    other = Postgres(postgres.data)
    assert other.pid == postgres.pid
    other.start()  # keeps the server that runs
    assert other.pid == postgres.pid
    assert await one(other.dsn("plain"), "SELECT 1") == 1


async def test_what_is_committed_survives_kill_and_start(postgres: Postgres) -> None:
    postgres.psql("CREATE TABLE kept (x int); INSERT INTO kept VALUES (1);", database="plain")
    held = await asyncpg.connect(postgres.dsn("plain"))  # a backend that outlives its postmaster for a moment
    before = postgres.pid
    postgres.kill()
    assert postgres.pid is None
    assert (postgres.cluster / "postmaster.pid").exists()
    postgres.start()
    held.terminate()
    assert postgres.pid not in {None, before}
    assert await one(postgres.dsn("plain"), "SELECT x FROM kept") == 1


def test_lock_files_with_a_strangers_number_do_not_hold_it_up(postgres: Postgres, tmp_path: Path) -> None:
    postgres.kill()
    # PostgreSQL takes any living process of its own user for the server that the file names.
    stranger = spawn(["/bin/sleep", "600"], log=tmp_path / "log", user=system_user())
    try:
        for path in (postgres.cluster / "postmaster.pid", postgres.socket_folder / ".s.PGSQL.5432.lock"):
            lines = path.read_text().splitlines()
            path.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert postgres.pid is None
        postgres.start()
        assert postgres.pid not in {None, stranger.pid}
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_stop_and_start_again(postgres: Postgres) -> None:
    pid = postgres.pid
    assert pid is not None
    postgres.stop()
    assert not alive(pid)
    assert not (postgres.cluster / "postmaster.pid").exists()
    postgres.stop()
    postgres.start()
    assert postgres.ready


def test_a_server_that_cannot_start_says_so_with_its_log(home: Path) -> None:
    server = Postgres(home / "broken", options={**FAST, "shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedError, match="shared_buffers"):
        server.start()
    server.remove()


def test_a_half_made_cluster_is_made_anew(home: Path) -> None:
    server = Postgres(home / "half", options=FAST)
    (home / "half/cluster.new/base").mkdir(parents=True)
    server.start()
    assert server.ready
    server.remove()


def test_a_deep_folder_gets_a_short_socket_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    server = Postgres(home / ("d" * 90) / "data", options=FAST)
    folder = server.socket_folder
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 107
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)  # someone was there before us
    with pytest.raises(EmbeddedError, match="open to others"):
        server.start()
    folder.rmdir()
    folder.symlink_to(home)
    with pytest.raises(EmbeddedError, match="someone else"):
        server.start()
    folder.unlink()
    server.start()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.remove()
    assert not folder.exists()


def test_it_ends_with_the_process_that_started_it(home: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path; from chassis.embedded.postgres import Postgres\n"
        "p = Postgres(Path(sys.argv[1]), options={'fsync': 'off'}, die_with_parent=True); p.start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    server = Postgres(home / "mortal", options=FAST)
    done = subprocess.run([sys.executable, "-c", code, str(server.data)], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    assert wait_until(lambda: server.pid is None, 20)
    server.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a system user for the server")
def test_as_root_unreachable_data_live_where_the_system_user_can_go(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    before = tmp_path.stat().st_mode
    server = Postgres(tmp_path / "data", options=FAST)
    server.start()
    try:
        assert server.cluster.is_relative_to("/var/lib/hearth")
        assert stat.S_IMODE(server.cluster.parent.stat().st_mode) == 0o710
        assert tmp_path.stat().st_mode == before
        assert Postgres(tmp_path / "data").pid == server.pid
    finally:
        server.remove()
    assert not server.data.exists()


def test_a_file_that_is_replaced_while_it_is_read_is_of_no_server(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed server's file says "ready" until the next one has written its own: number and state are of one reading."""
    now = postgres._pid_file()
    readings = iter([["1", *now[1:]], now])
    monkeypatch.setattr(postgres, "_pid_file", lambda: next(readings, now))
    assert not postgres.ready
    assert postgres.ready
