"""Whatever is killed: a partner gets every event that it asked for, under one id each, and none that never was."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.test_kills import ROUNDS, SEED, another_relay
from tests.faults.truth import check_truth
from tests.journeys.callers import Town, found_town
from tests.journeys.writers import crowd
from tests.stack_fixture import LiveStack, until

from chassis.embedded.nats import free_port
from contracts.catalogue import BY_TYPE

pytestmark = pytest.mark.faults

VICTIMS = ("gateway", "nats", "postgres", "content", "partner")
ASKED = ["content.*", "members.membership.*"]
PENDING = "SELECT count(*) AS rows FROM delivery WHERE state = 'pending'"
LIVE = """
SELECT event_id::text AS id, type FROM outbox WHERE organization_id = :'organization'
AND payload::jsonb ->> 'origin' = 'live' AND recorded_at >= :'since'::timestamptz
"""


class Partner:
    """The partner's process and what it wrote down."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.secret = folder / "secret"
        self._file = folder / "received"
        self._file.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it; it listens soon."""
        argv = [str(Path(__file__).with_name("partner.py")), str(self.port), str(self._file), str(self.secret)]
        self._process = subprocess.Popen([sys.executable, *argv])

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    @property
    def received(self) -> list[list[str]]:
        """What came: [id, type, verified], as often as it came. A line that was cut off was never answered."""
        lines = self._file.read_text().splitlines(keepends=True)
        return [line.split() for line in lines if line.endswith("\n")]


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Partner]:
    partner = Partner(tmp_path)
    partner.start()
    yield partner
    partner.kill()


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url, zone="Asia/Shanghai")
    yield town
    town.close()


def put_up(town: Town, partner: Partner) -> None:
    """Make a client and its endpoint at the partner."""
    client = town.owner.ask(
        "POST", "/v1/clients", {"name": "CRM", "scopes": ["webhooks:manage"], "basis": "processor"}, status=201
    ).json()
    body = {"client_id": client["id"], "url": partner.url, "event_types": ASKED}
    made = town.owner.ask("POST", "/v1/endpoints", body, status=201).json()
    partner.secret.write_text(made["secrets"][0]["secret"])


def strike(stack: LiveStack, partner: Partner, name: str) -> None:
    """Kill one, and wait until it is back."""
    if name == "partner":
        partner.kill()
        partner.start()
        return
    stack.await_back(name, stack.end(name))


def test_nothing_is_lost_and_nothing_invented_whatever_is_killed(
    stack: LiveStack, town: Town, partner: Partner
) -> None:
    dice = random.Random(SEED)
    put_up(town, partner)
    since = stack.sql("gateway", "SELECT now()::text AS now")[0]["now"]
    people = [town.member(f"reader{number}") for number in range(3)]
    with another_relay(stack, "gateway"):
        for turn in range(ROUNDS):
            with crowd(town, people, seed=SEED * 7 + turn) as working:
                for name in dice.sample(VICTIMS, len(VICTIMS)):
                    working.await_writes(dice.randrange(5, 20))
                    strike(stack, partner, name)
                    working.await_everybody()
                working.await_writes(5)
            people = [town.member(f"reader{turn}-{number}") for number in range(3)]
        stack.drain()
        # The partner was away for a moment only: whatever it missed is tried again after five seconds.
        until(lambda: not stack.sql("gateway", PENDING)[0]["rows"], "everything is delivered", 120)
    told = [
        row
        for service in ("content", "members")
        for row in stack.sql(service, LIVE, organization=town.organization_id, since=since)
        if BY_TYPE[row["type"]].partners and (service == "content" or row["type"].startswith("members.membership."))
    ]
    got = partner.received
    assert {id_ for id_, _, _ in got} == {row["id"] for row in told}
    assert {(id_, kind) for id_, kind, _ in got} == {(row["id"], row["type"]) for row in told}
    assert {verified for _, _, verified in got} == {"True"}
    assert len(told) > 50
    states = stack.sql("gateway", "SELECT DISTINCT state FROM delivery")
    assert states == [{"state": "delivered"}]
    # Twice only what was under way when something died.
    assert len(got) - len(told) < len(told)
    assert stack.count("gateway", "endpoint") == 1
    check_truth(stack)
