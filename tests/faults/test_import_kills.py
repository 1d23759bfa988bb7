"""A process is killed in the middle of an import: the import goes on or is run again, and ends where an undisturbed one ends."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.faults.truth import check_truth
from tests.journeys.independent_pulse import independent_pulse
from tests.samples.synthetic_export import build_double, build_synthetic
from tests.stack_fixture import ROOT, LiveStack, until

pytestmark = pytest.mark.faults

LONG = os.environ.get("HEARTH_FAULTS") == "long"
SEED = int(os.environ.get("HEARTH_FAULTS_SEED", "1"))
RACKET = ROOT.parent / "shared/data/racket-2018.slack-export.zip"
ZONE = "Europe/Berlin"
VICTIMS = ("importer", "members", "content", "engagement", "gateway", "nats", "postgres")

STATE = {
    "content": {
        "posts": """
            SELECT external_id, author_id, body, section, published_at, edited_at, attachments, mentions, version
            FROM post WHERE community_id = :'community' ORDER BY external_id""",
        "comments": """
            SELECT comment.external_id, post.external_id AS post, comment.author_id, comment.body, commented_at,
                comment.edited_at, comment.attachments, comment.mentions, comment.version
            FROM comment JOIN post ON post.id = post_id WHERE comment.community_id = :'community'
            ORDER BY comment.external_id""",
        "reactions": """
            SELECT coalesce(post.external_id, comment.external_id) AS subject, account_id, emojis, reacted_at, reaction.version
            FROM reaction LEFT JOIN post ON post.id = subject_id LEFT JOIN comment ON comment.id = subject_id
            WHERE reaction.community_id = :'community' ORDER BY 1, 2""",
        "events": """
            SELECT type, aggregate_type, version, count(*) AS events FROM outbox
            WHERE payload::jsonb ->> 'community' = :'community' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    },
    "members": {
        "memberships": """
            SELECT account_id, state, roles, staff, bot, version, joined_at = applied_at AS joined FROM membership
            WHERE community_id = :'community' ORDER BY account_id""",
        "membership events": """
            SELECT type, version, count(*) AS events FROM outbox
            WHERE aggregate_type = 'membership' AND payload::jsonb ->> 'community' = :'community' GROUP BY 1, 2 ORDER BY 1, 2""",
    },
    "engagement": {
        "activity": """
            SELECT account_id, occurred_at, kind, count(*) AS facts FROM activity
            WHERE community_id = :'community' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    },
}


@dataclass(frozen=True)
class Undisturbed:
    """An export, what the import of it said, and where it ended."""

    export: Path
    summary: dict[str, Any]
    state: dict[str, Any]


def export_of(folder: Path, kind: str) -> Path:
    """Make an export, or find it. Skips when it is not there."""
    path = folder / f"{kind}.zip"
    if kind == "synthetic":
        build_synthetic(path, people=30, messages=1800, seed=SEED, days=90)
    elif kind == "double":
        build_double(path, seed=SEED)
    elif RACKET.exists():
        return RACKET
    else:
        pytest.skip(f"{RACKET.name} is not beside this checkout")
    return path


@pytest.fixture(scope="module", params=["synthetic", "racket", "double"] if LONG else ["synthetic"])
def undisturbed(
    request: pytest.FixtureRequest, stack: LiveStack, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    """An import that nothing happened to."""
    export = export_of(tmp_path_factory.mktemp("exports"), request.param)
    slug = f"calm-{request.param}"
    summary = stack.bring(export, slug, "--create", "--zone", ZONE)
    stack.drain()
    return Undisturbed(export, summary, state_of(stack, slug))


def community_of(stack: LiveStack, slug: str) -> str | None:
    """Return a community's id."""
    found = stack.sql("members", "SELECT id FROM community WHERE slug = :'slug'", slug=slug)
    return str(found[0]["id"]) if found else None


def state_of(stack: LiveStack, slug: str) -> dict[str, Any]:
    """Return everything that a community's import left, in terms that do not hang on its own ids."""
    community = community_of(stack, slug)
    assert community is not None
    state: dict[str, Any] = {
        name: stack.sql(service, query, community=community)
        for service, queries in STATE.items()
        for name, query in queries.items()
    }
    return state | {"pulse": stack.json("pulse", "--community", slug)}


def progress(stack: LiveStack, slug: str) -> int:
    """Return how many rows an import has made so far."""
    community = community_of(stack, slug)
    if community is None:
        return 0
    counted = "SELECT (SELECT count(*) FROM post WHERE community_id = :'c') + (SELECT count(*) FROM comment WHERE community_id = :'c') AS rows"
    members = stack.sql("members", "SELECT count(*) AS rows FROM membership WHERE community_id = :'c'", c=community)
    return int(members[0]["rows"]) + int(stack.sql("content", counted, c=community)[0]["rows"])


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_in_the_middle_of_an_import_changes_nothing_of_its_end(
    stack: LiveStack, undisturbed: Undisturbed, victim: str
) -> None:
    dice = random.Random(f"{SEED} {victim}")
    slug = f"hit-{victim}-{undisturbed.export.stem[:9]}"
    rows = sum(undisturbed.summary[kind]["created"] for kind in ("members", "posts", "comments"))
    goal = dice.randint(1, rows // 2)
    importer = stack.command(
        "import", "slack", str(undisturbed.export), "--community", slug, "--create", "--zone", ZONE, "--json"
    )
    until(lambda: progress(stack, slug) >= goal or importer.poll() is not None, "the import is in its middle", 120)
    assert importer.poll() is None, "the import was over before it could be disturbed"
    if victim == "importer":
        importer.kill()
        importer.communicate()
    else:
        before = stack.end(victim)
        said, complaint = importer.communicate(timeout=300)
        # It rides the restart out; what it says of the end is true.
        assert importer.returncode == 0, f"{complaint}\n{said}"
        assert json.loads(said) == undisturbed.summary  # what was sent twice was counted once
        stack.await_back(victim, before)

    again = stack.bring(undisturbed.export, slug)
    for kind in ("members", "posts", "comments", "reactions"):
        assert sum(again[kind].values()) == undisturbed.summary[kind]["created"]
        assert victim == "importer" or again[kind]["created"] == 0
    assert again["rejected"] == undisturbed.summary["rejected"]
    stack.drain()
    assert state_of(stack, slug) == undisturbed.state
    assert undisturbed.state["pulse"] == independent_pulse(undisturbed.export, ZONE)


def test_after_all_of_it_everything_agrees(stack: LiveStack) -> None:
    stack.drain()
    check_truth(stack)
