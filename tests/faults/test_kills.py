"""Whatever is killed, and however it is done: acknowledged writes are there once, and every projection agrees with what was written."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.faults.truth import check_truth
from tests.journeys.callers import Caller, Town, found_town
from tests.journeys.writers import LONGEST_OUTAGE_SECONDS, Crowd, check_acknowledged, crowd
from tests.stack_fixture import LiveStack, until

from chassis.embedded.nats import free_port
from chassis.embedded.process import environment

pytestmark = pytest.mark.faults

LONG = os.environ.get("HEARTH_FAULTS") == "long"
SEED = int(os.environ.get("HEARTH_FAULTS_SEED", "1"))
ROUNDS = 8 if LONG else 1
PROCESSES = ("members", "content", "engagement", "gateway", "nats", "postgres")
WRITERS = 4

ROWS = 3000
BATCH = 1000
"""So many rows of a file of members are taken in one transaction."""
COLUMNS = [
    {"column": 0, "field": "external_id"},
    {"column": 1, "field": "name"},
    {"column": 2, "field": "email"},
    {"column": 3, "field": "tags"},
]
MEMBERS = """
    SELECT identity.subject AS external_id, count(DISTINCT membership.id) AS memberships, count(tag.tag) AS tags
    FROM identity JOIN membership ON membership.account_id = identity.account_id
    LEFT JOIN membership_tag AS tag
        ON tag.community_id = membership.community_id AND tag.account_id = membership.account_id
    WHERE identity.provider = 'import' AND membership.community_id = :'community' GROUP BY 1"""
TOLD = """
    SELECT type, count(*) AS events, count(DISTINCT aggregate_id) AS members FROM outbox
    WHERE payload::jsonb ->> 'community' = :'community' AND payload::jsonb ->> 'origin' = 'import' GROUP BY 1"""


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
        answers: list[httpx.Response] = []

        def decided() -> bool:
            answers.append(self._town.owner.http.put(path, json=roles, headers={"If-Match": f'"{chosen["version"]}"'}))
            # Not reached, and so not done: a busy machine may stand still for longer than a connection may take.
            return answers[-1].status_code != 503

        until(decided, "the owner is heard", LONGEST_OUTAGE_SECONDS)
        assert answers[-1].status_code == 200, answers[-1].text
        chosen["version"] = answers[-1].json()["version"]


def restarts(stack: LiveStack) -> Counter[str]:
    """How often each process was started again."""
    return Counter({name: process["restarts"] for name, process in stack.state()["processes"].items()})


def kill(stack: LiveStack, working: Crowd, names: list[str], ended: Counter[str]) -> None:
    """Kill processes at once, and wait until all is well again; `ended` counts how often each did, and nothing else may have."""
    assert restarts(stack) == ended, f"a process ended by itself before {names} did: see its log"
    pids = {name: stack.end(name) for name in names}
    for name, pid in pids.items():
        stack.await_back(name, pid)
    working.await_everybody()
    before, after = ended.copy(), restarts(stack)
    ended.update(after - before)
    assert {name for name in after if after[name] > before[name]} == set(names), (
        "a process ended because others did: see its log"
    )


def test_killing_each_process_in_turn_and_all_at_once_loses_and_doubles_nothing(stack: LiveStack, town: Town) -> None:
    dice = random.Random(SEED)
    ended = restarts(stack)
    with another_relay(stack, "content"), another_relay(stack, "engagement"):
        for turn in range(ROUNDS):
            people = [town.member(f"writer{turn}-{number}") for number in range(WRITERS)]
            manager = Manager(town, people, dice)
            with crowd(town, people, seed=SEED * 100 + turn) as working:
                for names in [*([name] for name in dice.sample(PROCESSES, len(PROCESSES))), list(PROCESSES)]:
                    working.await_writes(dice.randrange(3, 20))
                    manager.decide()
                    kill(stack, working, names, ended)
                working.await_writes(10)
            stack.drain()
            check_truth(stack)
            check_acknowledged(stack, working)
    assert restarts(stack) == ended, "a process ended by itself: see its log"


def person_of(number: int) -> int:
    """Whom a row describes: every tenth repeats somebody of its own or of an earlier transaction."""
    if number % 10 != 9:
        return number
    return number - 1 if number < BATCH else number - BATCH - 1


def start_file(town: Town) -> dict[str, Any]:
    """Bring a file in which everybody has a tag, and have its rows taken."""
    people = [person_of(number) for number in range(ROWS)]
    lines = ["编号,姓名,邮箱,标签", *(f"p{one},成员{one},p{one}@example.com,老用户" for one in people)]
    path = f"{town.path}/member-files"
    answer = town.owner.http.post(path, content="\n".join(lines).encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 201, answer.text
    path, version = f"{path}/{answer.json()['id']}", answer.json()["version"]
    version = town.owner.ask("PUT", f"{path}/mapping", {"columns": COLUMNS}, version=version).json()["version"]
    started: dict[str, Any] = town.owner.ask("POST", f"{path}/start", status=202, version=version).json()
    return started | {"path": path}


def test_a_kill_in_the_middle_of_a_file_of_members_leaves_every_row_taken_once(stack: LiveStack, town: Town) -> None:
    file = start_file(town)

    def progress() -> dict[str, Any]:
        return stack.sql("members", "SELECT done, state FROM member_file WHERE id = :'file'", file=file["id"])[0]

    until(lambda: progress()["done"] >= BATCH, "some rows are taken", 60)
    before = stack.end("members")
    left = progress()
    assert (left["state"], left["done"] < ROWS) == ("importing", True), "the file was over before the kill"
    stack.await_back("members", before)
    until(lambda: progress()["state"] != "importing", "the rest is taken", 60)
    stack.drain()

    repeated = ROWS // 10
    ended = town.owner.get(file["path"])
    assert (ended["state"], ended["done"]) == ("imported", ROWS)
    counts = {outcome: rows for outcome, rows in ended["counts"].items() if rows}
    assert counts == {"create": ROWS - repeated, "reject": repeated}
    found = {row.pop("external_id"): row for row in stack.sql("members", MEMBERS, community=town.community_id)}
    assert found == {f"p{number}": {"memberships": 1, "tags": 1} for number in range(ROWS) if number % 10 != 9}
    told = {row.pop("type"): row for row in stack.sql("members", TOLD, community=town.community_id)}
    once = {"events": ROWS - repeated, "members": ROWS - repeated}
    assert told == {"members.membership.approved.v1": once, "members.membership_tags.changed.v1": once}
    check_truth(stack)
