"""An operator's journey: a Slack export comes in through the gateway, is counted, seen and measured, and changes nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.callers import PASSWORD, Caller, open_community
from tests.journeys.independent_pulse import independent_pulse
from tests.samples.small_export import ROOT as ROOT_TS
from tests.samples.small_export import Expected, build, build_hostile
from tests.stack_fixture import ROOT, SERVICES, LiveStack, running_stack

RACKET = ROOT.parent / "shared/data/racket-2018.slack-export.zip"
ZONES = ("UTC", "America/New_York", "Asia/Shanghai")
GENERAL = "slack:C0GENERAL:"
KINDS = ("members", "posts", "comments", "reactions")


@pytest.fixture(scope="module")
def stack() -> Iterator[LiveStack]:
    """A stack whose events and dead letters are all this module's."""
    with running_stack() as live:
        yield live


@pytest.fixture(scope="module")
def owner(stack: LiveStack) -> Iterator[Caller]:
    """The owner of the stack's organization."""
    known = stack.credentials()
    with Caller(stack.base_url) as caller:
        yield caller.sign_in(known["organization_id"], known["email"], known["password"])


@pytest.fixture(scope="module")
def small(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected, dict[str, Any]]:
    """The small export, imported; with what it holds and what the command said."""
    path = tmp_path_factory.mktemp("exports") / "small.zip"
    expected = build(path)
    return path, expected, stack.bring(path, "small", "--create", "--zone", "UTC")


@pytest.fixture(scope="module")
def community(owner: Caller, small: tuple[Path, Expected, dict[str, Any]]) -> str:
    """The path of the small export's community, opened."""
    assert small[2]
    [found] = owner.get("/v1/communities", slug="small")["data"]
    open_community(owner, found)
    return f"/v1/communities/{found['id']}"


@pytest.fixture(scope="module")
def accounts(owner: Caller, community: str) -> dict[str, dict[str, Any]]:
    """The small export's memberships by the names of their people."""
    found = [
        one
        for state in ("approved", "left")
        for one in owner.all(f"{community}/memberships", state=state)
        if not one["staff"]
    ]
    return {one["member"]["display_name"]: one for one in found}


def created(summary: dict[str, Any]) -> list[int]:
    """What a summary says was new: members, posts, comments, reactions."""
    assert all(summary[kind]["existing"] == 0 for kind in KINDS), summary
    return [summary[kind]["created"] for kind in KINDS]


def rejected(items: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Rejections as one may compare them: what a hostile name is shown as is no matter here."""
    return sorted((code if code == "unsafe_name" else place, code) for place, code in items)


def check_every_zone(stack: LiveStack, owner: Caller, slug: str, export: Path) -> None:
    """The community's figures are those that plain Python finds in the zip, in whatever zone it lives."""
    for zone in ZONES:
        [found] = owner.get("/v1/communities", slug=slug)["data"]
        owner.ask("PATCH", f"/v1/communities/{found['id']}", {"zone": zone}, version=found["version"])
        figures = owner.get(f"/v1/communities/{found['id']}/pulse")
        assert figures == independent_pulse(export, zone)
        assert stack.json("pulse", "--community", slug) == figures


def check_again_changes_nothing(
    stack: LiveStack, owner: Caller, slug: str, export: Path, first: dict[str, Any]
) -> None:
    """A second import finds everything there: no row, no event, no figure is new."""
    stack.drain()
    [found] = owner.get("/v1/communities", slug=slug)["data"]
    before = (events(stack), owner.get(f"/v1/communities/{found['id']}/pulse"))
    again = stack.bring(export, slug)
    for kind in KINDS:
        assert again[kind] == {"created": 0, "existing": first[kind]["created"]}
    assert {name: again[name] for name in ("rejected", "skipped", "orphans")} == {
        name: first[name] for name in ("rejected", "skipped", "orphans")
    }
    stack.drain()
    assert (events(stack), owner.get(f"/v1/communities/{found['id']}/pulse")) == before
    assert stack.dead_letters() == []


def events(stack: LiveStack) -> dict[str, int]:
    """How many events each service has written; signing in writes none."""
    said = stack.json("outbox", "status")["data"]
    return {row["service"]: row["events"] for row in said}


def test_the_small_export_is_counted(small: tuple[Path, Expected, dict[str, Any]]) -> None:
    _, expected, summary = small
    assert created(summary) == [expected.members, expected.posts, expected.comments, expected.reactions]
    assert summary["rejected"] == []
    assert summary["skipped"] == expected.skipped
    assert summary["orphans"] == expected.orphans


def test_its_people_are_members_and_bots_are_marked(accounts: dict[str, dict[str, Any]]) -> None:
    assert {name: (one["state"], one["bot"]) for name, one in accounts.items()} == {
        "Alice": ("approved", False),
        "Bob 鲍勃": ("approved", False),
        "Carol": ("left", False),
        "Dave": ("approved", False),
        "Eve the second": ("approved", False),
        "Deploy Robot": ("approved", True),
        "Build bot": ("approved", True),
        "Slackbot": ("approved", True),
    }
    assert accounts["Alice"]["joined_at"] == "2024-03-03T23:59:59.999999Z"  # her first word


def test_its_words_are_where_and_when_they_were_said(
    owner: Caller, community: str, accounts: dict[str, dict[str, Any]]
) -> None:
    account = {name: one["account_id"] for name, one in accounts.items()}
    posts = {one["external_id"]: one for one in owner.all(f"{community}/posts")}
    assert len(posts) == 15
    assert {one["origin"] for one in posts.values()} == {"import"}
    assert {one["section"] for one in posts.values()} == {"general", "项目", "random", "a-lonely-place"}

    root = posts[GENERAL + ROOT_TS]
    assert datetime.fromisoformat(root["published_at"]) == datetime(2024, 3, 4, microsecond=100, tzinfo=UTC)
    assert datetime.fromisoformat(root["edited_at"]) == datetime(2024, 3, 4, 0, 1, tzinfo=UTC)
    mentions = f"<@{account['Bob 鲍勃']}> and <@{account['Carol']}>, @unknown!"
    assert root["body"].startswith(f"Hello {mentions} See [the \\[docs\\]]")
    assert root["author_id"] == account["Alice"]
    assert root["reaction_counts"] == {"👍": 2, ":party-parrot:": 2}
    fans = {one["account_id"]: one["emojis"] for one in owner.all(f"{community}/posts/{root['id']}/reactions")}
    assert fans == {
        account["Bob 鲍勃"]: ["👍", ":party-parrot:"],
        account["Carol"]: ["👍"],
        account["Eve the second"]: [":party-parrot:"],
    }

    comments = owner.all(f"{community}/posts/{root['id']}/comments")
    assert [(one["body"], one["author_id"]) for one in comments] == [
        ("first!", account["Bob 鲍勃"]),
        ("also sent to the channel", account["Carol"]),
        ("Deployed again", account["Deploy Robot"]),
    ]
    assert comments[1]["reaction_counts"] == {"🎉": 1}
    assert root["comment_count"] == 3

    # Answers to what is not there became posts of their own.
    for external_id in (GENERAL + "1709511500.001200", GENERAL + "1709511600.001300"):
        assert posts[external_id]["author_id"] == account["Eve the second"]
    shared = posts["slack:C0PROJECTS:1709512000.000000"]
    assert shared["attachments"] == [
        {
            "name": "plan.pdf",
            "media_type": "application/pdf",
            "size": 12345,
            "url": "https://files.slack.com/files-pri/T0-F0/plan.pdf?x=1",
        },
        {"name": "Sketch", "media_type": "image/png", "size": 5},
    ]
    assert not [one for one in posts.values() if "business" in one["body"]]  # private channels stay private


def test_the_small_exports_figures_agree_in_every_zone(
    stack: LiveStack, owner: Caller, community: str, small: tuple[Path, Expected, dict[str, Any]]
) -> None:
    assert community
    check_every_zone(stack, owner, "small", small[0])


def test_importing_the_small_export_again_changes_nothing(
    stack: LiveStack, owner: Caller, community: str, small: tuple[Path, Expected, dict[str, Any]]
) -> None:
    assert community
    check_again_changes_nothing(stack, owner, "small", small[0], small[2])


def test_what_was_deleted_since_is_not_imported_again(
    stack: LiveStack, owner: Caller, community: str, small: tuple[Path, Expected, dict[str, Any]]
) -> None:
    posts = {one["external_id"]: one for one in owner.all(f"{community}/posts")}
    gone = posts["slack:C0RANDOM:1710115200.000000"]
    owner.ask("DELETE", f"{community}/posts/{gone['id']}", status=204, version=gone["version"])
    again = stack.bring(small[0], "small")
    assert again["posts"] == {"created": 0, "existing": 15}
    owner.ask("GET", f"{community}/posts/{gone['id']}", status=404)
    assert len(owner.all(f"{community}/posts")) == 14


def test_a_member_claims_the_imported_account_by_invitation(
    stack: LiveStack, owner: Caller, community: str, accounts: dict[str, dict[str, Any]]
) -> None:
    dave = accounts["Dave"]
    before = owner.get(f"{community}/pulse")
    account = f"/v1/accounts/{dave['account_id']}"
    assert owner.get(account)["credentialed"] is False
    token = owner.ask("POST", f"{account}/invitations", status=201).json()["token"]
    organization = stack.credentials()["organization_id"]
    with Caller(stack.base_url, owner.seen) as caller:
        claim = {"token": token, "email": "dave@example.com", "password": PASSWORD}
        caller.hold(caller.ask("POST", "/v1/invitations/claim", claim, status=201).json())
        assert caller.account_id == dave["account_id"]
        caller.ask("POST", "/v1/invitations/claim", {**claim, "email": "d2@example.com"}, status=410)
        caller.sign_in(organization, "dave@example.com")
        post = caller.ask("POST", f"{community}/posts", {"body": "Here I am"}, status=201).json()
        assert (post["author_id"], post["origin"]) == (dave["account_id"], "live")
        old = next(one for one in caller.all(f"{community}/posts") if one["external_id"] == GENERAL + ROOT_TS)
        caller.ask("PUT", f"{community}/posts/{old['id']}/reactions/%F0%9F%91%8D")
    # Dave had never said anything.
    after = owner.get(f"{community}/pulse")
    assert (after["members"], after["never_active"]) == (before["members"], before["never_active"] - 1)
    assert after["member_days"] == before["member_days"] + 1


def test_the_hostile_export_comes_in_as_far_as_it_is_sound(stack: LiveStack, owner: Caller, tmp_path: Path) -> None:
    path = tmp_path / "hostile.zip"
    expected = build_hostile(path)
    summary = stack.bring(path, "hostile", "--create")
    assert created(summary) == [expected.members, expected.posts, expected.comments, expected.reactions]
    assert rejected([(one["place"], one["code"]) for one in summary["rejected"]]) == rejected(expected.rejected)
    assert all(one["detail"].isprintable() and one["place"].isprintable() for one in summary["rejected"])
    assert (summary["skipped"], summary["orphans"]) == (expected.skipped, expected.orphans)
    check_every_zone(stack, owner, "hostile", path)
    check_again_changes_nothing(stack, owner, "hostile", path, summary)


@pytest.mark.parametrize("content", [b"no zip", b"PK\x03\x04 but not really"])
def test_what_is_no_export_imports_nothing(stack: LiveStack, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    before = events(stack)
    done = stack.hearth("import", "slack", str(path), "--community", "nothing", "--create", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["rejected"][0]["code"] == "not_a_zip"
    assert events(stack) == before


@pytest.mark.skipif(not RACKET.exists(), reason=f"{RACKET.name} is not beside this checkout")
def test_a_real_communitys_year(stack: LiveStack, owner: Caller) -> None:
    summary = stack.bring(RACKET, "racket", "--create", "--zone", "America/New_York")
    assert created(summary) == [144, 1088, 8621, 0]
    assert summary["rejected"] == []
    check_every_zone(stack, owner, "racket", RACKET)
    check_again_changes_nothing(stack, owner, "racket", RACKET, summary)
    for service in SERVICES:
        assert stack.count(service, "handler_attempt") == 0
