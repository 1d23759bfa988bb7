"""A projection is added after the import: it is filled from the owners' logs, though the streams have forgotten everything."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.journeys import late_projection
from tests.journeys.callers import Town, found_town
from tests.journeys.independent_pulse import independent_pulse
from tests.samples.synthetic_export import build_synthetic
from tests.stack_fixture import ROOT, LiveStack, running_stack, until

from chassis.embedded.nats import free_port
from chassis.embedded.process import environment
from chassis.schema import Roles

WORDS = "('content.post.published.v1', 'content.comment.published.v1')"
SAID = f"SELECT event_id AS id, aggregate_type AS kind, payload::jsonb ->> 'origin' AS origin FROM outbox WHERE type IN {WORDS}"


@pytest.fixture(scope="module")
def stack() -> Iterator[LiveStack]:
    """A stack whose projections are this module's to empty."""
    with running_stack() as live:
        yield live


@pytest.fixture(scope="module")
def export(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An imported community."""
    path = tmp_path_factory.mktemp("exports") / "synthetic.zip"
    size = build_synthetic(path, people=25, messages=700, seed=7, days=60)
    summary = stack.bring(path, "imported", "--create", "--zone", "UTC")
    assert summary["comments"]["created"] == size.comments
    return path


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    """Another brand, whose people talk themselves."""
    town = found_town(stack.base_url)
    for name in ("ada", "bo"):
        person = town.member(name)
        post = person.ask("POST", f"{town.path}/posts", {"body": f"{name} was here"}, status=201).json()
        person.ask("POST", f"{town.path}/posts/{post['id']}/comments", {"body": "and here"}, status=201)
    yield town
    town.close()


def figures(stack: LiveStack, town: Town) -> list[Any]:
    """The pulse of both communities."""
    return [stack.json("pulse", "--community", "imported"), town.owner.get(f"{town.path}/pulse")]


def words(stack: LiveStack) -> dict[str, tuple[str, str]]:
    """What the late projection has heard."""
    return {row["event_id"]: (row["kind"], row["origin"]) for row in stack.sql("engagement", "SELECT * FROM word")}


def said(stack: LiveStack) -> dict[str, tuple[str, str]]:
    """What was said, by content's log."""
    return {row["id"]: (row["kind"], row["origin"]) for row in stack.sql("content", SAID)}


def test_clearing_and_filling_pulse_gives_the_same_figures(stack: LiveStack, export: Path, town: Town) -> None:
    stack.drain()
    before, facts = figures(stack, town), stack.count("engagement", "activity")
    assert before[0] == independent_pulse(export, "UTC")
    filled = stack.json("events", "backfill", "--consumer", "pulse")
    assert filled["consumer"] == "pulse"
    # All posts, comments and reactions, of which those that were imported without a time make no activity.
    assert filled["replayed"]["content"] >= facts
    assert figures(stack, town) == before
    assert stack.count("engagement", "activity") == facts
    stack.drain()
    assert figures(stack, town) == before


def test_a_projection_that_several_services_keep_is_filled_for_the_one_that_is_named(
    stack: LiveStack, export: Path, town: Town
) -> None:
    assert export
    stack.drain()
    before = figures(stack, town)
    ambiguous = stack.hearth("events", "backfill", "--consumer", "standing")
    assert ambiguous.returncode == 1
    assert "content and engagement each have a consumer 'standing': say whose with --service" in ambiguous.stderr
    assert figures(stack, town) == before  # nothing was cleared
    members = "SELECT account_id, state, roles, staff FROM membership ORDER BY id"
    known = "SELECT account_id, state, roles, staff FROM standing_member ORDER BY membership_id"
    for service in ("engagement", "content"):
        stack.execute(service, "UPDATE standing_member SET state = 'left';")
        done = stack.json("events", "backfill", "--consumer", "standing", "--service", service)
        assert (done["service"], list(done["replayed"])) == (service, ["members"])
        assert stack.sql(service, known) == stack.sql("members", members)
    assert figures(stack, town) == before


@contextlib.contextmanager
def next_months_engagement(stack: LiveStack) -> Iterator[dict[str, str]]:
    """Run the worker with the late projection beside the service; yields what the operating commands are told to find it."""
    stack.execute(
        "engagement", late_projection.migration(Roles("engagement_owner", "engagement_app", "engagement_worker"))
    )
    internal = f"http://127.0.0.1:{(port := free_port())}"
    told = environment(stack.pid_of("engagement")) | {"HEARTH_INTERNAL_PORT": str(port), "PYTHONPATH": str(ROOT)}
    with (stack.home / "late.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.late_projection", "worker"], env=told, stdout=log, stderr=log
        )
    try:
        until(lambda: answers(f"{internal}/readyz"), "the late projection is ready", 60)
        urls = {name: one["internal_url"] for name, one in stack.state()["processes"].items() if one["internal_url"]}
        named = ",".join(f"{name}={url}" for name, url in (urls | {"engagement": internal}).items())
        yield {"HEARTH_INTERNAL_URLS": named, "HEARTH_OPS_TOKEN": told["HEARTH_OPS_TOKEN"]}
    finally:
        worker.terminate()
        assert worker.wait(30) == 0


def answers(url: str) -> bool:
    """Whether a probe is content."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_a_projection_that_is_added_later_gets_everything_from_the_logs(
    stack: LiveStack, export: Path, town: Town
) -> None:
    assert export
    stack.drain()
    before = figures(stack, town)
    stack.wipe_streams()
    stack.drain()
    with next_months_engagement(stack) as told:
        until(lambda: not unheard(told), "the late projection follows the streams")
        assert words(stack) == {}  # the streams hold nothing
        done = stack.hearth("events", "backfill", "--consumer", "words", "--json", **told)
        assert done.returncode == 0, done.stderr
        log = said(stack)
        assert len(log) > 700
        replayed = json.loads(done.stdout)["replayed"]
        assert replayed["content"] == len(log)
        # What was live then is a backfill now: it counts, and rings nobody's bell.
        assert words(stack) == {
            one: (kind, "import" if origin == "import" else "backfill") for one, (kind, origin) in log.items()
        }
        members = stack.sql("members", "SELECT id, state, version FROM membership")
        speakers = stack.sql("engagement", "SELECT membership_id AS id, state, version FROM speaker")
        assert sorted(speakers, key=lambda row: row["id"]) == sorted(members, key=lambda row: row["id"])

        # Nobody else heard it twice.
        stack.drain()
        assert figures(stack, town) == before

        # From now on it lives on what is said, like the others.
        ada = town.people[0]
        ada.ask("POST", f"{town.path}/posts", {"body": "and now?"}, status=201)
        until(lambda: len(words(stack)) == len(log) + 1, "the late projection hears what is new")
        assert sorted({origin for _, origin in words(stack).values()}) == ["backfill", "import", "live"]

        # Once more changes nothing but what counts as new.
        assert stack.hearth("events", "backfill", "--consumer", "words", **told).returncode == 0
        assert words(stack).keys() == said(stack).keys()
    assert stack.dead_letters() == []


def unheard(told: dict[str, str]) -> bool:
    """Whether the late projection's consumers are not there yet."""
    urls = dict(part.split("=", 1) for part in told["HEARTH_INTERNAL_URLS"].split(","))
    headers = {"Authorization": f"Bearer {told['HEARTH_OPS_TOKEN']}"}
    answer = httpx.get(f"{urls['engagement']}/ops/consumers", headers=headers, trust_env=False)
    mine = [row for row in answer.json()["data"] if row["consumer"] == "words"]
    return len(mine) != 2 or any(row["pending"] != 0 for row in mine)
