"""`hearth doctor`, `outbox`, `dlq` and `events`, over services that stand in."""

import json
import os
import signal
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.stacks import TrialStack, eventually

from hearth.client import ClientError
from hearth.internal import find_deployment
from hearth.operations import parse_since
from hearth.stack_folder import StackError

SERVICES = ["members", "content", "engagement", "gateway"]


@pytest.fixture(scope="module")
def stack() -> Iterator[TrialStack]:
    trial = TrialStack()
    trial.ok("up", "--detach", "--port", "0")
    yield trial
    trial.remove()


def ask(stack: TrialStack, service: str, method: str, path: str, body: Any = None) -> Any:
    """Talk to a stand-in past the command."""
    token = json.loads((stack.data / "secrets.json").read_text())["ops_token"]
    url = stack.state()["processes"][service]["internal_url"]
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request(method, f"{url}{path}", json=body, headers=headers).raise_for_status().json()


def plant(stack: TrialStack, service: str, error: str = "it was poison [bold]") -> str:
    name = str(uuid.uuid4())
    letter = {
        "id": name,
        "consumer": "pulse",
        "event_id": str(uuid.uuid4()),
        "type": "content.post.published.v1",
        "organization_id": str(uuid.uuid4()),
        "error": error,
        "attempts": 5,
        "created_at": "2026-11-01T00:00:00Z",
    }
    ask(stack, service, "POST", "/ops/dead-letters/plant", letter)
    return name


def test_doctor_finds_all_well(stack: TrialStack) -> None:
    report = stack.json("doctor")
    assert report["ok"] is True, report
    checks = {check["name"]: check["status"] for check in report["checks"]}
    wanted = {"data", "secrets.json", "credentials.json", "disk", "supervisor", "clock"}
    wanted |= {f"{name} process" for name in ("postgres", "nats", *SERVICES)}
    wanted |= {f"{name} ready" for name in SERVICES}
    wanted |= {f"{name} {what}" for name in SERVICES for what in ("outbox", "dead letters", "consumers")}
    assert set(checks) == wanted
    assert set(checks.values()) <= {"ok", "warning"}
    assert "supervisor" in stack.ok("doctor")


def test_doctor_names_what_is_not_ready_and_fails(stack: TrialStack) -> None:
    (stack.data / "content.unready").touch()
    (stack.data / "secrets.json").chmod(0o644)
    try:
        done = stack.hearth("doctor", "--json")
    finally:
        (stack.data / "content.unready").unlink()
        (stack.data / "secrets.json").chmod(0o600)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    failed = {check["name"]: check["detail"] for check in report["checks"] if check["status"] == "failed"}
    assert report["ok"] is False
    assert set(failed) == {"content ready", "secrets.json"}
    assert failed["content ready"] == "database: planted"


def test_doctor_without_a_stack(tmp_path: Path, stack: TrialStack) -> None:
    done = stack.hearth("doctor", "--data", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "hearth up" in done.stdout


def test_outbox_status(stack: TrialStack) -> None:
    found = stack.json("outbox", "status")["data"]
    assert [row["service"] for row in found] == SERVICES
    assert found[0]["unpublished"] == 0
    assert "outbox_2026_11" in stack.ok("outbox", "status")


def test_dead_letters_are_listed_and_retried(stack: TrialStack) -> None:
    assert stack.ok("dlq", "ls").strip() == "No dead letters."
    first, second, third = plant(stack, "content"), plant(stack, "engagement"), plant(stack, "engagement")
    listed = stack.json("dlq", "ls")
    assert listed["total"] == 3
    assert {(row["service"], row["id"]) for row in listed["data"]} == {
        ("content", first),
        ("engagement", second),
        ("engagement", third),
    }
    assert "it was poison [bold]" in stack.ok("dlq", "ls")
    assert "2 of 3" not in stack.ok("dlq", "ls")
    assert stack.json("dlq", "retry", first, third) == {"retried": 2, "failed": 0, "unknown": 0}
    assert [row["id"] for row in stack.json("dlq", "ls")["data"]] == [second]
    assert "1 retried, 0 failed" in stack.ok("dlq", "retry", "--all")
    assert stack.json("dlq", "ls") == {"data": [], "total": 0}


def test_a_dead_letter_that_fails_again_fails_the_command(stack: TrialStack) -> None:
    plant(stack, "content", "still poison")
    done = stack.hearth("dlq", "retry", "--all", "--json")
    assert (done.returncode, json.loads(done.stdout)["failed"]) == (1, 1)
    doctor = stack.json("doctor")
    assert doctor["ok"] is True
    assert {"name": "content dead letters", "status": "warning", "detail": "1; `hearth dlq ls` shows them"} in doctor[
        "checks"
    ]
    ask(stack, "content", "POST", "/ops/dead-letters/retry", {"ids": []})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dlq", "retry"], "say which"),
        (["dlq", "retry", "--all", str(uuid.uuid4())], "say which"),
        (["dlq", "retry", "17"], "not the id"),
        (["dlq", "retry", str(uuid.uuid4())], "no dead letter"),
        (["events", "republish", "--since", "yesterday"], "yesterday"),
        (["events", "backfill", "--consumer", "nobody"], "there are pulse"),
        (["events", "tail", "--service", "nobody"], "there are members, content, engagement, gateway"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(stack: TrialStack, arguments: list[str], words: str) -> None:
    done = stack.hearth(*arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.startswith("hearth: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_republish_asks_every_service_or_one(stack: TrialStack) -> None:
    done = stack.json("events", "republish", "--since", "2026-11-01T08:00:00+08:00")
    assert done["republished"] == dict.fromkeys(SERVICES, 5)
    asked = ask(stack, "members", "POST", "/ops/asked")
    assert ["POST", "/ops/events/republish", {"since": "2026-11-01T08:00:00+08:00"}] in asked
    assert "content: 5 events" in stack.ok("events", "republish", "--since", "24h", "--service", "content")


def test_backfill_clears_replays_from_each_owner_and_waits(stack: TrialStack) -> None:
    done = stack.json("events", "backfill", "--consumer", "pulse")
    assert done == {"consumer": "pulse", "service": "engagement", "replayed": {"members": 7, "content": 7}}
    for owner, kind in (("members", "members.membership.approved.v1"), ("content", "content.post.published.v1")):
        replay = ["POST", "/ops/events/replay", {"consumer": "pulse", "types": [kind]}]
        assert replay in ask(stack, owner, "POST", "/ops/asked")
    left = ask(stack, "engagement", "GET", "/ops/consumers")["data"][0]
    assert left["pending"] + left["ack_pending"] == 0


def test_tail_shows_events_of_all_services(stack: TrialStack) -> None:
    lines = stack.ok("events", "tail", "--json", "--limit", "4").splitlines()
    assert {json.loads(line)["type"].split(".")[0] for line in lines} == set(SERVICES)
    shown = stack.ok("events", "tail", "--limit", "1", "--service", "content")
    assert "content.thing.happened.v1  thing/1@4  community -  live" in shown


def test_another_deployment_is_named_by_the_environment(stack: TrialStack, tmp_path: Path) -> None:
    urls = {name: stack.state()["processes"][name]["internal_url"] for name in SERVICES[:3]}
    token = json.loads((stack.data / "secrets.json").read_text())["ops_token"]
    named = ",".join(f"{name}={url}/" for name, url in urls.items())
    elsewhere = {"HEARTH_DATA": str(tmp_path / "none"), "HEARTH_INTERNAL_URLS": named}
    report = json.loads(stack.ok("doctor", "--json", **elsewhere, HEARTH_OPS_TOKEN=token))
    names = {check["name"] for check in report["checks"]}
    assert {"members ready", "content outbox", "clock"} <= names
    assert not names & {"supervisor", "disk", "gateway ready"}
    refused = stack.hearth("outbox", "status", **elsewhere, HEARTH_OPS_TOKEN="wrong")
    assert (refused.returncode, refused.stderr) == (1, "hearth: members refuses the operations token\n")


def test_a_process_that_is_away_is_named(stack: TrialStack) -> None:
    pid = stack.pids()["engagement"] or 0
    (stack.data / "engagement.broken").touch()
    try:
        os.kill(pid, signal.SIGKILL)
        away = {"engagement process", "engagement ready", "engagement operations"}

        def named() -> bool:  # while it is being tried again it is there for a moment
            report = json.loads(stack.hearth("doctor", "--json").stdout)
            return away <= {check["name"] for check in report["checks"] if check["status"] == "failed"}

        eventually(named)
        done = stack.hearth("outbox", "status")
        assert done.returncode == 1
        assert "engagement cannot be reached at its internal port" in done.stderr
    finally:
        (stack.data / "engagement.broken").unlink()
    eventually(lambda: stack.back("engagement", pid))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00:00+08:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 21, 22, 30, tzinfo=UTC)),
        ("2d", datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_since_reads_instants_and_ages(text: str, instant: datetime) -> None:
    assert parse_since(text, datetime(2026, 11, 22, tzinfo=UTC)) == instant


@pytest.mark.parametrize("text", ["", "soon", "-1h", "9999999d", "2026-13-01", "999999d"])
def test_since_refuses_the_rest(text: str) -> None:
    with pytest.raises(ClientError):
        parse_since(text, datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize("named", ["members", "members=", "members=ftp://x", "=http://x", "http://x"])
def test_badly_named_deployments_are_explained(tmp_path: Path, named: str) -> None:
    with pytest.raises(StackError, match="members=http"):
        find_deployment(tmp_path, {"HEARTH_INTERNAL_URLS": named, "HEARTH_OPS_TOKEN": "x"})
    with pytest.raises(StackError, match="HEARTH_OPS_TOKEN"):
        find_deployment(tmp_path, {"HEARTH_INTERNAL_URLS": named})
