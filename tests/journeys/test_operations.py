"""An operator's journey: looking at the stack, watching events, curing a poisoned consumer, stopping without losing anything."""

from __future__ import annotations

import json
import re
import secrets
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from tests.journeys.callers import Caller, Town, found_town
from tests.journeys.writers import check_acknowledged, crowd
from tests.stack_fixture import SERVICES, LiveStack, running_stack, until

from chassis.embedded.process import alive
from contracts.base import Envelope

ATTEMPTS = 2


@pytest.fixture(scope="module")
def stack() -> Iterator[LiveStack]:
    """A stack whose consumers give up soon."""
    with running_stack(HEARTH_HANDLER_ATTEMPTS=str(ATTEMPTS)) as live:
        yield live


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url)
    for name in ("gu", "ha", "ivo"):
        town.member(name)
    yield town
    town.close()


def checks(stack: LiveStack) -> dict[str, tuple[str, str]]:
    """What `hearth doctor` finds, by check."""
    done = stack.hearth("doctor", "--json")
    document = json.loads(done.stdout)
    assert document["ok"] == (done.returncode == 0)
    return {one["name"]: (one["status"], one["detail"]) for one in document["checks"]}


def test_a_healthy_stack_is_said_to_be_healthy(stack: LiveStack, town: Town) -> None:
    assert town
    stack.drain()
    found = checks(stack)
    assert {name for name, (status, _) in found.items() if status == "failed"} == set()
    for name in SERVICES:
        assert found[f"{name} ready"] == ("ok", "ready")
        assert found[f"{name} process"][0] == "ok"
    for name in SERVICES:
        assert found[f"{name} dead letters"] == ("ok", "none")
        assert re.fullmatch(r"0 of \d+ events wait", found[f"{name} outbox"][1])
    waiting = {row["service"]: row for row in stack.json("outbox", "status")["data"]}
    assert waiting.keys() == set(SERVICES)
    for name, row in waiting.items():
        assert (row["unpublished"], row["oldest_unpublished_seconds"]) == (0, None)
        assert sum(part["events"] for part in row["partitions"]) == row["events"] == stack.count(name, "outbox")


def test_a_live_event_is_shown_with_the_trace_of_the_request_that_caused_it(stack: LiveStack, town: Town) -> None:
    gu = town.people[0]
    watching = stack.command("events", "tail", "--service", "content", "--limit", "1", "--json")
    traces: dict[str, str] = {}

    def seen() -> bool:
        # Only what is published from now on is shown, and when "now" begins is the command's secret: so one post after another.
        trace = secrets.token_hex(16)
        traceparent = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
        post = gu.ask("POST", f"{town.path}/posts", {"body": "watch me"}, status=201, headers=traceparent)
        traces[post.json()["id"]] = trace
        return watching.poll() is not None

    until(seen, "an event is shown", 60)
    said, complaint = watching.communicate()
    assert watching.returncode == 0, complaint
    [line] = said.splitlines()
    event = Envelope.model_validate_json(line)
    assert (event.type, event.origin.value) == ("content.post.published.v1", "live")
    assert event.traceparent is not None
    assert event.traceparent.split("-")[1] == traces[str(event.aggregateid)]
    assert "watch me" not in line  # words stay in content
    # A request that is refused says its trace, by which the logs can be searched.
    refused = gu.ask("GET", f"{town.path}/pulse", status=403, headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    assert refused.json()["trace_id"] == "ab" * 16


def test_poison_becomes_one_dead_letter_each_and_others_proceed(stack: LiveStack, town: Town) -> None:
    sick, well = town.people[1:3]
    path = f"{town.path}/posts"
    # One handler's failure that can be cured: engagement cannot take facts of this person.
    condition = f"account_id <> '{UUID(sick.account_id)}'"
    stack.execute("engagement", f"ALTER TABLE activity ADD CONSTRAINT sick CHECK ({condition}) NOT VALID;")
    # One message that is no event, and one event that is none of ours, published past the outbox by the admin.
    stack.publish(f"evt.content.post.published.v1.{town.community_id}", b"\x00 this is no event \xff")
    stack.drain()
    letter = sample(stack) | {"id": "01a2033d-0000-7000-8000-00000000dead", "data": {"post_id": "none"}}
    stack.publish(f"evt.content.post.published.v1.{town.community_id}", json.dumps(letter).encode())

    lost = [sick.ask("POST", path, {"body": f"sick {number}"}, status=201).json() for number in range(2)]
    kept = [well.ask("POST", path, {"body": f"well {number}"}, status=201).json() for number in range(5)]
    until(lambda: len(stack.dead_letters()) >= 8, "eight messages are given up on", 60)
    stack.drain()
    heard = facts(stack)
    assert {one["id"] for one in kept} <= heard
    assert not {one["id"] for one in lost} & heard
    letters = stack.json("dlq", "ls")
    # All three who follow posts give up on what cannot be read; the one who cannot take this person, on them too.
    assert Counter((one["service"], one["consumer"], one["type"], one["attempts"]) for one in letters["data"]) == {
        ("engagement", "pulse", "content.post.published.v1", ATTEMPTS): 3,
        ("engagement", "pulse", "unreadable", 1): 1,
        ("members", "facts", "content.post.published.v1", ATTEMPTS): 1,
        ("members", "facts", "unreadable", 1): 1,
        ("gateway", "deliveries", "content.post.published.v1", ATTEMPTS): 1,
        ("gateway", "deliveries", "unreadable", 1): 1,
    }
    assert letters["total"] == 8
    assert checks(stack)["engagement dead letters"] == ("warning", "4; `hearth dlq ls` shows them")
    for service in ("members", "gateway"):
        assert checks(stack)[f"{service} dead letters"] == ("warning", "2; `hearth dlq ls` shows them")

    # Without a cure nothing is cured, and nothing is lost by trying.
    assert stack.hearth("dlq", "retry", "--all").returncode == 1
    assert len(stack.dead_letters()) == 8
    stack.execute("engagement", "ALTER TABLE activity DROP CONSTRAINT sick;")
    curable = [one["id"] for one in letters["data"] if "sick" in one["error"]]
    assert len(curable) == 2
    assert stack.json("dlq", "retry", curable[0]) == {"retried": 1, "failed": 0, "unknown": 0}
    done = stack.hearth("dlq", "retry", "--all", "--json")
    assert json.loads(done.stdout) == {"retried": 1, "failed": 6, "unknown": 0}
    assert {one["id"] for one in (*kept, *lost)} <= facts(stack)
    # Delivered once more they are known, like everything else.
    assert stack.json("events", "republish", "--since", "1h")["republished"]["content"] > 0
    stack.drain()
    assert len(stack.dead_letters()) == 6
    for service in ("engagement", "members", "gateway"):
        stack.execute(service, "DELETE FROM dead_letter;")


def sample(stack: LiveStack) -> dict[str, Any]:
    """A real event of content, as it went out."""
    [row] = stack.sql("content", "SELECT payload FROM outbox WHERE type = 'content.post.published.v1' LIMIT 1")
    event: dict[str, Any] = json.loads(row["payload"])
    return event


def facts(stack: LiveStack) -> set[str]:
    """The posts that engagement knows of."""
    told = {
        row["event_id"]: row["id"] for row in stack.sql("content", "SELECT event_id, aggregate_id AS id FROM outbox")
    }
    return {
        told[row["id"]] for row in stack.sql("engagement", "SELECT source_id AS id FROM activity WHERE kind = 'post'")
    }


def test_a_process_that_is_told_to_stop_loses_nothing(stack: LiveStack, town: Town) -> None:
    with crowd(town, writers_of(town), seed=41) as working:
        working.await_writes(20)
        for name in ("content", "members", "gateway"):
            before = stack.end(name, signal.SIGTERM)
            stack.await_back(name, before)
            working.await_everybody()
    stack.drain()
    check_acknowledged(stack, working)
    assert stack.dead_letters() == []


def test_down_and_up_again_finds_everything(stack: LiveStack, town: Town) -> None:
    before = town.owner.get(f"{town.path}/pulse")
    known, pids = stack.credentials(), stack.pids()
    with crowd(town, writers_of(town), seed=42) as working:
        working.await_writes(20)
        stack.ok("down")
        assert not any(alive(pid or 0) for pid in pids.values())
        stack.start(int(known["base_url"].rpartition(":")[2]))
        assert stack.credentials() == known
        working.await_everybody()
    stack.drain()
    check_acknowledged(stack, working)
    # The old sessions are good, and so are the figures: the writers were active before.
    assert town.owner.get(f"{town.path}/pulse")["members"] == before["members"] + len(working.writers)
    assert {name for name, (status, _) in checks(stack).items() if status == "failed"} == set()


def writers_of(town: Town) -> list[Caller]:
    """New members, so that all that is theirs was written by the crowd."""
    return [town.member(f"writer{number}") for number in range(3)]
