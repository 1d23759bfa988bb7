"""`hearth up` and `hearth down`: first start, second start, what is refused, and who is told what."""

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from tests.cli.stacks import WHOLE, TrialStack, eventually

from chassis.embedded.ports import free_port
from chassis.embedded.postgres import Postgres
from chassis.embedded.process import alive, command_line, environment


@pytest.fixture
def stack() -> Iterator[TrialStack]:
    trial = TrialStack()
    yield trial
    trial.remove()


@pytest.fixture(scope="module")
def running() -> Iterator[TrialStack]:
    """A stack that is up, for tests that only look."""
    trial = TrialStack()
    trial.ok("up", "--detach", "--port", "0", HEARTH_LOG_LEVEL="DEBUG")
    yield trial
    trial.remove()


def test_first_start_second_start_and_stop(stack: TrialStack) -> None:
    port = free_port()
    said = stack.ok("up", "--detach", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    assert address in said
    assert f"{address}/docs" in said
    assert "owner@demo.example" in said

    credentials = stack.credentials()
    assert set(credentials) == {"base_url", "email", "password", "organization_id", "community_id"}
    assert credentials["base_url"] == address
    assert credentials["password"] not in said  # it was no terminal
    first_pids, first_urls = stack.pids(), {name: one["url"] for name, one in stack.state()["processes"].items()}
    assert set(first_pids) == WHOLE
    for name, pid in first_pids.items():
        assert (stack.data / f"run/{name}.pid").read_text() == f"{pid}\n"
    memory = json.loads((stack.data / "stand-in.json").read_text())
    assert memory["community"]["state"] == "open"
    assert memory["community"]["id"] == credentials["community_id"]

    again = stack.ok("up", "--detach", "--port", str(port))
    assert f"up already: {address}" in again
    assert stack.pids() == first_pids

    assert "down" in stack.ok("down")
    assert not any(alive(pid or 0) for pid in first_pids.values())
    assert stack.state() == {}
    # The gateway first, so that nothing is accepted that could not be finished.
    assert (stack.data / "stopped").read_text().splitlines()[0] == "gateway"
    assert "not up" in stack.ok("down")

    stack.ok("up", "--detach", "--port", str(port))
    assert stack.credentials() == credentials
    assert {name: one["url"] for name, one in stack.state()["processes"].items()} == first_urls
    assert not set(stack.pids().values()) & set(first_pids.values())


def test_what_it_writes_is_for_its_owner_only(running: TrialStack) -> None:
    allowed = 0o710 if os.geteuid() == 0 else 0o700  # root lets PostgreSQL's system user through
    assert stat.S_IMODE(running.data.stat().st_mode) == allowed
    for path in running.data.rglob("*"):
        if "cluster" in path.parts or path.is_socket() or path.name in {"stand-in.json", "stopped"}:
            continue
        assert not stat.S_IMODE(path.stat().st_mode) & 0o067, path
    secrets = json.loads((running.data / "secrets.json").read_text())
    assert len(set(secrets.values())) == len(secrets) == 7 + 4 + 12
    # Nobody who lists processes sees a secret.
    for pid in running.pids().values():
        arguments = " ".join(command_line(pid or 0))
        assert arguments
        assert not any(value in arguments for value in secrets.values())


def test_each_process_is_told_its_own_secrets_and_no_others(running: TrialStack) -> None:
    secrets = json.loads((running.data / "secrets.json").read_text())
    pids = running.pids()
    for name in ("members", "content", "engagement", "gateway"):
        told = environment(pids[name] or 0)
        held = {secret for secret, value in secrets.items() if any(value in text for text in told.values())}
        common = {"ops_token", "cursor_secret", f"nats_{name}"}
        roles = {f"{name}_app", f"{name}_worker"}
        own = {
            "members": {"members_key_secret", "delegation_secret"},
            "gateway": {"delegation_secret", "gateway_vault_secret"},
            "content": {"content_media_secret", "content_publication_secret"},
        }.get(name, set())
        assert held == common | roles | own  # the owner's password is for migrations only
        assert told["HEARTH_LOG_LEVEL"] == "DEBUG"
        assert told["HEARTH_HOST"] == "127.0.0.1"
        assert told["HEARTH_NATS_URL"].startswith(f"nats://{name}:")
        assert f"http://127.0.0.1:{told['HEARTH_PORT']}" == running.state()["processes"][name]["url"]
    assert environment(pids["content"] or 0)["HEARTH_JWKS_URL"].startswith(running.credentials()["base_url"])
    members = running.state()["processes"]["members"]["url"]
    assert environment(pids["gateway"] or 0)["HEARTH_JWKS_URL"] == f"{members}/.well-known/jwks.json"


async def test_a_services_roles_cannot_enter_anothers_database(running: TrialStack) -> None:
    secrets = json.loads((running.data / "secrets.json").read_text())
    postgres = Postgres(running.data / "postgres")
    own = await asyncpg.connect(postgres.dsn("hearth_content", "content_app", secrets["content_app"]))
    await own.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres.dsn("hearth_members", "content_app", secrets["content_app"]))


def test_a_busy_port_is_refused_with_the_way_out(stack: TrialStack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (("up", "--port", port), ("up", "--detach", "--port", port)):
            done = stack.hearth(*arguments)
            assert done.returncode == 1
            assert f"port {port} is in use; choose another with --port" in done.stderr
            assert "Traceback" not in done.stderr
    assert stack.state() == {}


def test_a_service_that_cannot_start_is_named_with_its_log_and_nothing_is_left(stack: TrialStack) -> None:
    stack.data.mkdir(mode=0o700)
    (stack.data / "content.broken").touch()
    done = stack.hearth("up", "--detach", "--port", "0")
    assert done.returncode == 1
    assert "content migrate failed" in done.stderr
    assert "planted: cannot start" in done.stderr
    assert "Traceback" not in done.stderr
    assert stack.state() == {}
    assert Postgres(stack.data / "postgres").pid is None
    (stack.data / "content.broken").unlink()
    stack.ok("up", "--detach", "--port", "0")


def test_a_first_start_that_broke_off_is_finished_by_the_next(stack: TrialStack) -> None:
    stack.data.mkdir(mode=0o700)
    (stack.data / "refuse-communities").touch()
    done = stack.hearth("up", "--detach", "--port", "0")
    assert done.returncode == 1
    assert "Planted failure" in done.stderr
    half = stack.credentials()
    assert half["organization_id"]
    assert half["community_id"] is None
    # As if the answer of the sign-up had been lost, too: the password on disk finds the organization again.
    (stack.data / "credentials.json").write_text(json.dumps(half | {"organization_id": None}))
    (stack.data / "refuse-communities").unlink()
    stack.ok("up", "--detach", "--port", "0")
    whole = stack.credentials()
    assert whole["organization_id"] == half["organization_id"]
    assert whole["password"] == half["password"]
    assert whole["community_id"]
    stack.ok("down")
    (stack.data / "credentials.json").unlink()
    done = stack.hearth("up", "--detach", "--port", "0")
    assert done.returncode == 1
    assert "put the old credentials.json back" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_a_signal_stops_all(stack: TrialStack, number: signal.Signals) -> None:
    process = stack.foreground("--demo")
    eventually(stack.ready)
    # The stand-in takes no imports: the stack is up all the same, and the next start tries again.
    assert "The demo community is not complete" in stack.said()
    assert not (stack.data / "demo-loaded").exists()
    pids = stack.pids()
    process.send_signal(number)
    process.send_signal(number)  # an impatient second one changes nothing
    assert process.wait(60) == 0
    assert not any(alive(pid or 0) for pid in pids.values())
    assert "Hearth is down." in stack.said()
    assert "Traceback" not in stack.said()


def test_a_signal_in_the_middle_of_starting_stops_what_was_begun(stack: TrialStack) -> None:
    process = stack.foreground()
    eventually(lambda: stack.pids().get("postgres") is not None)
    pids = stack.pids()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert not any(alive(pid) for pid in pids.values() if pid)
    assert Postgres(stack.data / "postgres").pid is None
    assert "Traceback" not in stack.said()


def test_two_that_start_at_once_become_one(stack: TrialStack) -> None:
    first, second = stack.foreground(), stack.foreground()
    eventually(stack.ready)
    eventually(lambda: first.poll() is not None or second.poll() is not None)
    ended, running = (first, second) if first.poll() is not None else (second, first)
    assert ended.returncode == 0
    assert running.poll() is None
    assert httpx.get(f"{stack.state()['processes']['members']['internal_url']}/readyz").is_success


def test_external_servers_take_the_place_of_the_embedded_ones(stack: TrialStack, running: TrialStack) -> None:
    postgres = Postgres(running.data / "postgres")
    secrets = json.loads((running.data / "secrets.json").read_text())
    told = {
        f"HEARTH_{name.upper()}_{kind}": postgres.dsn(f"hearth_{name}", f"{name}_{role}", secrets[f"{name}_{role}"])
        for name in ("members", "content", "engagement", "gateway")
        for kind, role in {
            "OWNER_DATABASE_URL": "owner",
            "DATABASE_URL": "app",
            "WORKER_DATABASE_URL": "worker",
        }.items()
    }
    partly = stack.hearth("up", "--port", "0", HEARTH_CONTENT_DATABASE_URL="postgresql://x@/y")
    assert partly.returncode == 1
    assert "set HEARTH_CONTENT_OWNER_DATABASE_URL and HEARTH_CONTENT_WORKER_DATABASE_URL too" in partly.stderr
    stack.ok("up", "--detach", "--port", "0", **told, HEARTH_NATS_URL="nats://elsewhere:4222")
    assert set(stack.pids()) == WHOLE - {"postgres", "nats"}
    assert environment(stack.pids()["content"] or 0)["HEARTH_NATS_URL"] == "nats://elsewhere:4222"
    assert not (stack.data / "postgres").exists()
