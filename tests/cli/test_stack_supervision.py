"""The supervisor: whatever dies comes back, and nothing of a killed supervisor stands in the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from tests.cli.stacks import TrialStack, eventually

from chassis.embedded.nats import Nats
from chassis.embedded.postgres import Postgres
from chassis.embedded.process import alive
from hearth.stack import stop_leftovers
from hearth.stack_folder import Folder


@pytest.fixture(scope="module")
def stack() -> Iterator[TrialStack]:
    trial = TrialStack()
    trial.ok("up", "--detach", "--port", "0")
    yield trial
    trial.remove()


@pytest.mark.parametrize("name", ["members", "gateway"])
def test_a_killed_process_is_back_at_the_same_addresses(stack: TrialStack, name: str) -> None:
    before = stack.state()["processes"][name]
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: stack.back(name, before["pid"]))
    after = stack.state()["processes"][name]
    assert (after["url"], after["internal_url"]) == (before["url"], before["internal_url"])
    assert after["restarts"] == before["restarts"] + 1

    def ready() -> bool:
        try:
            return httpx.get(f"{after['internal_url']}/readyz").is_success
        except httpx.TransportError:
            return False

    eventually(ready)
    assert f"{name} has ended; starting it again" in stack.log("supervisor")


def test_killed_servers_are_back_at_the_same_addresses(stack: TrialStack) -> None:
    postgres, nats = Postgres(stack.data / "postgres"), Nats(stack.data / "nats")
    addresses = postgres.dsn("hearth_members"), nats.url()
    before = stack.pids()
    postgres.kill()
    nats.kill()
    for name, server in (("postgres", postgres), ("nats", nats)):
        eventually(lambda name=name: stack.back(name, before[name] or 0))
        eventually(lambda server=server: server.ready)
    assert (postgres.dsn("hearth_members"), nats.url()) == addresses
    assert postgres.psql("SELECT count(*) > 0 FROM visit;", database="hearth_members").strip() == "t"


def test_a_process_that_cannot_come_back_is_tried_until_it_can(stack: TrialStack) -> None:
    (stack.data / "content.broken").touch()
    before = stack.pids()["content"] or 0
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stack.log("supervisor").count("content has ended; starting it again") >= 2)
    assert "planted: cannot start" in stack.log("supervisor")
    (stack.data / "content.broken").unlink()
    eventually(lambda: stack.back("content", before))


def test_a_killed_supervisor_takes_its_processes_along_and_the_next_up_works(stack: TrialStack) -> None:
    before = stack.pids()
    supervisor = stack.state()["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: not any(alive(pid or 0) for pid in before.values()))
    stack.ok("up", "--detach", "--port", "0")
    assert not set(stack.pids().values()) & set(before.values())


def test_leftovers_are_told_from_strangers(stack: TrialStack) -> None:
    trial = TrialStack()
    folder = Folder.at(trial.data)
    folder.make()
    sleeper = "import time; print('up', flush=True); time.sleep(600)"
    (trial.home / "modules/members.py").write_text(sleeper)
    (trial.home / "modules/stranger.py").write_text(sleeper)
    theirs = {"HEARTH_STACK": str(stack.data)}
    ours = {"HEARTH_STACK": str(trial.data)}

    def start(module: str, marker: dict[str, str]) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", module]
        process = subprocess.Popen(argv, env=trial.environment | marker, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.stdout.close()
        return process

    leftover, other_stack, other_program = start("members", ours), start("members", theirs), start("stranger", ours)
    # A pid file of old days that names a stranger's number.
    (folder.run / "members.pid").write_text(f"{other_program.pid}\n")
    try:
        assert stop_leftovers(folder)
        assert leftover.wait(10) == -signal.SIGTERM
        assert other_stack.poll() is None
        assert other_program.poll() is None
        assert not stop_leftovers(folder)
    finally:
        for process in (leftover, other_stack, other_program):
            process.kill()
            process.wait()
        trial.remove()


def test_down_after_a_killed_supervisor_leaves_nothing(stack: TrialStack) -> None:
    before = stack.pids()
    os.kill(stack.state()["supervisor"]["pid"], signal.SIGKILL)
    done = stack.hearth("down")
    assert done.returncode == 0
    eventually(lambda: not any(alive(pid or 0) for pid in before.values()))
    assert Postgres(stack.data / "postgres").pid is None
    stack.ok("up", "--detach", "--port", "0")
