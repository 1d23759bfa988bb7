"""Whatever is killed, and however it is done: acknowledged writes are there once, and every projection agrees with what was written."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.faults.truth import check_truth
from tests.journeys.callers import Caller, Town, found_town
from tests.journeys.writers import Crowd, check_acknowledged, crowd
from tests.stack_fixture import LiveStack, until

from chassis.embedded.nats import free_port
from chassis.embedded.process import environment

pytestmark = pytest.mark.faults

LONG = os.environ.get("HEARTH_FAULTS") == "long"
SEED = int(os.environ.get("HEARTH_FAULTS_SEED", "1"))
ROUNDS = 8 if LONG else 1
PROCESSES = ("members", "content", "engagement", "gateway", "nats", "postgres")
WRITERS = 4


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url, zone="Asia/Shanghai")
    yield town
    town.close()


@contextlib.contextmanager
def another_relay(stack: LiveStack, service: str) -> Iterator[None]:
    """Run one more worker of a service, which nobody starts again: outages must not end it."""
    told = environment(stack.pid_of(service)) | {"HEARTH_INTERNAL_PORT": str(free_port())}
    path = stack.home / f"another-{service}.log"
    with path.open("wb") as log:
        worker = subprocess.Popen([sys.executable, "-m", service, "worker"], env=told, stdout=log, stderr=log)
    until(lambda: b'"started"' in path.read_bytes(), f"another worker of {service} runs", 60)
    try:
        yield
        assert worker.poll() is None, path.read_text()[-3000:]
    finally:
        worker.terminate()
        worker.wait(30)


class Manager:
    """The owner, who gives and takes roles at the moment before something breaks."""

    def __init__(self, town: Town, people: list[Caller], dice: random.Random) -> None:
        self._town = town
        self._dice = dice
        self._memberships = [caller.get(f"{town.path}/memberships/me") for caller in people]

    def decide(self) -> None:
        """Give a member other roles."""
        chosen = self._dice.choice(self._memberships)
        roles = {"roles": self._dice.sample(["moderator", "editor", "analyst"], self._dice.randrange(3))}
        path = f"{self._town.path}/memberships/{chosen['id']}/roles"
        answer = self._town.owner.http.put(path, json=roles, headers={"If-Match": f'"{chosen["version"]}"'})
        assert answer.status_code == 200, answer.text
        chosen["version"] = answer.json()["version"]


def restarts(stack: LiveStack) -> dict[str, int]:
    """How often each process was started again."""
    return {name: process["restarts"] for name, process in stack.state()["processes"].items()}


def kill(stack: LiveStack, working: Crowd, names: list[str]) -> None:
    """Kill processes at once, and wait until all is well again; nothing else may have ended."""
    before = restarts(stack)
    pids = {name: stack.end(name) for name in names}
    for name, pid in pids.items():
        stack.await_back(name, pid)
    working.await_everybody()
    after = restarts(stack)
    for name in PROCESSES:
        assert (after[name] > before[name]) == (name in names), f"{name} ended because {names} did: see its log"


def test_killing_each_process_in_turn_and_all_at_once_loses_and_doubles_nothing(stack: LiveStack, town: Town) -> None:
    dice = random.Random(SEED)
    people = [town.member(f"writer{number}") for number in range(WRITERS)]
    manager = Manager(town, people, dice)
    with another_relay(stack, "content"), another_relay(stack, "engagement"):
        for turn in range(ROUNDS):
            with crowd(town, people, seed=SEED * 100 + turn) as working:
                for names in [*([name] for name in dice.sample(PROCESSES, len(PROCESSES))), list(PROCESSES)]:
                    working.await_writes(dice.randrange(3, 20))
                    manager.decide()
                    kill(stack, working, names)
                working.await_writes(10)
            stack.drain()
            check_truth(stack)
            check_acknowledged(stack, working)
            people = [town.member(f"writer{turn}-{number}") for number in range(WRITERS)]
            manager = Manager(town, people, dice)
    check_truth(stack)
