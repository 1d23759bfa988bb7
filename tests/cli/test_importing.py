from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from tests.cli.fake_gateway import FakeGateway, ident, problem
from tests.samples.small_export import Expected, build, build_hostile
from tests.samples.synthetic_export import build_synthetic
from typer.testing import CliRunner, Result

from chassis import clock
from hearth import importing
from hearth.client import Client, ClientError
from hearth.demo import load_demo
from hearth.demo_texts import ENTRIES, PEOPLE
from hearth.intake import BYTES_PER_BATCH, Intake, Item, batches, item_of

SLUG = "our-team"
KINDS = ("members", "posts", "comments", "reactions")


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    fake = FakeGateway()

    def from_data(_data: Path, _base_url: str | None = None) -> Client:
        return fake.client(sleep=lambda _seconds: None)

    monkeypatch.setattr(Client, "from_data", from_data)
    monkeypatch.setattr("hearth.intake.sleep", lambda _seconds: None)
    return fake


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Expected]:
    path = tmp_path / "small.zip"
    return path, build(path)


def run(path: Path, *options: str) -> Result:
    app = typer.Typer()
    app.add_typer(importing.app, name="import")
    return CliRunner().invoke(app, ["import", "slack", str(path), "--community", SLUG, *options])


def summary_of(result: Result) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def check(summary: dict[str, Any], expected: Expected, *, again: bool = False) -> None:
    for kind in KINDS:
        count = getattr(expected, kind)
        assert summary[kind] == {"created": 0 if again else count, "existing": count if again else 0}, kind
    assert summary["skipped"] == expected.skipped
    assert summary["orphans"] == expected.orphans
    assert sorted(item["code"] for item in summary["rejected"]) == sorted(code for _, code in expected.rejected)


def test_imports_everything_and_changes_nothing_the_second_time(
    gateway: FakeGateway, small: tuple[Path, Expected]
) -> None:
    path, expected = small
    first = run(path, "--create", "--zone", "Asia/Shanghai", "--json")
    assert first.exit_code == 0, first.output
    check(summary_of(first), expected)
    assert gateway.communities[SLUG]["zone"] == "Asia/Shanghai"
    assert gateway.communities[SLUG]["name"] == {"en": "Our Team"}
    stored = json.dumps(gateway.stored)

    second = run(path, "--json")
    assert second.exit_code == 0
    check(summary_of(second), expected, again=True)
    assert json.dumps(gateway.stored) == stored


def test_what_is_sent(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    run(small[0], "--create")
    assert gateway.stored["members"]["slack:U0CAROL"] == {
        "external_id": "slack:U0CAROL",
        "display_name": "Carol",
        "bot": False,
        "deleted": True,
        "joined_at": "2024-03-04T00:03:20.000300Z",
    }
    assert "joined_at" not in gateway.stored["members"]["slack:U0DAVE"]
    root = gateway.stored["posts"]["slack:C0GENERAL:1709510400.000100"]
    assert root["published_at"] == "2024-03-04T00:00:00.000100Z"
    assert root["edited_at"] == "2024-03-04T00:01:00Z"
    assert root["section"] == "general"
    assert root["author_id"] == ident("slack:U0ALICE")
    assert f"<@{ident('slack:U0BOB')}>" in root["body"]
    assert "attachments" not in root
    assert gateway.stored["posts"]["slack:a lonely place:1710201600.000000"]["section"] == "a-lonely-place"
    assert gateway.stored["posts"]["slack:C0PROJECTS:1709512000.000000"]["attachments"] == [
        {
            "name": "plan.pdf",
            "media_type": "application/pdf",
            "size": 12345,
            "url": "https://files.slack.com/files-pri/T0-F0/plan.pdf?x=1",
        },
        {"name": "Sketch", "media_type": "image/png", "size": 5},
    ]
    comment = gateway.stored["comments"]["slack:C0GENERAL:1709510500.000200"]
    assert comment == {
        "external_id": "slack:C0GENERAL:1709510500.000200",
        "post_external_id": "slack:C0GENERAL:1709510400.000100",
        "author_id": ident("slack:U0BOB"),
        "body": "first!",
        "commented_at": "2024-03-04T00:01:40.000200Z",
    }


def test_members_come_first_and_are_waited_for(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    gateway.lag, gateway.unheard_of = 3, 2
    assert run(small[0], "--create").exit_code == 0
    base = f"/v1/communities/{ident(SLUG)}"
    calls = [call for call in gateway.requests if call[1].startswith(base)]
    order = list(dict.fromkeys(calls))
    assert order == [
        ("POST", f"{base}/memberships/imports"),
        ("GET", f"{base}/posts"),
        ("POST", f"{base}/posts/imports"),
        ("POST", f"{base}/comments/imports"),
        ("POST", f"{base}/reactions/imports"),
        ("GET", f"{base}/pulse"),
    ]
    assert calls.count(("GET", f"{base}/posts")) == 2 + 3 + 1
    awaited = {position.strip() for header in gateway.after[:1] for position in header.split(",")}
    assert awaited == {f"member/{ident(member)}@1" for member in gateway.stored["members"]}


def test_a_hostile_export_is_reported_item_by_item_and_still_succeeds(gateway: FakeGateway, tmp_path: Path) -> None:
    expected = build_hostile(tmp_path / "hostile.zip")
    result = run(tmp_path / "hostile.zip", "--create", "--json")
    assert result.exit_code == 0, result.output
    check(summary_of(result), expected)
    assert all(set(item) == {"place", "code", "detail"} for item in summary_of(result)["rejected"])
    assert len(gateway.stored["posts"]) == expected.posts


def test_what_the_server_refuses_is_reported_with_its_place(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    gateway.refused = {"slack:U0EVE", "slack:C0GENERAL:1709600000.000200"}
    result = run(small[0], "--create", "--json")
    assert result.exit_code == 0
    rejected = {(item["place"], item["code"]) for item in summary_of(result)["rejected"]}
    assert ("users.json[4]", "refused") in rejected
    assert ("general/2024-03-05.json[0]", "refused") in rejected
    assert ("general/2024-03-04.json[2]", "author_rejected") in rejected
    # the comment of the refused post was by the refused member
    assert ("general/2024-03-03.json[7]", "author_rejected") in rejected
    assert ("general/2024-03-04.json[0].reactions[2]", "author_rejected") in rejected
    total = summary_of(result)
    assert sum(total[kind]["created"] for kind in KINDS) + len(rejected) == 8 + 15 + 5 + 5


def test_one_item_that_spoils_its_batch_is_found(gateway: FakeGateway) -> None:
    gateway.communities[SLUG] = {"id": ident(SLUG), "slug": SLUG, "zone": "UTC"}
    with gateway.client() as client:
        intake = Intake(client, ident(SLUG), "test")
        intake.members([item_of("m", {"external_id": "m", "display_name": "M", "bot": False, "deleted": False})])
        posts = [
            item_of(
                f"post {number}",
                {
                    "external_id": f"p{number}",
                    "author_id": ident("m"),
                    "body": "unwelcome" if number in {3, 77} else "fine",
                    "published_at": "2026-01-01T00:00:00Z",
                },
            )
            for number in range(100)
        ]
        intake.posts(posts)
    assert intake.summary.posts.created == 98
    assert [(item.place, item.code) for item in intake.summary.rejected] == [
        ("post 3", "invalid"),
        ("post 77", "invalid"),
    ]


def test_breaks_off_with_words_and_goes_on_when_run_again(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    path, expected = small

    def broken(request: httpx.Request) -> httpx.Response | None:
        return problem(500, "internal-error", "it broke") if request.url.path.endswith("/comments/imports") else None

    gateway.faults.append(broken)
    first = run(path, "--create", "--json")
    assert first.exit_code == 1
    assert isinstance(first.exception, ClientError)
    assert "it broke" in str(first.exception)
    assert "Run it again" in str(first.exception)
    assert summary_of(first)["posts"]["created"] == expected.posts
    assert "it broke" in summary_of(first)["error"]

    second = summary_of(run(path, "--json"))
    assert second["posts"] == {"created": 0, "existing": expected.posts}
    assert second["comments"] == {"created": expected.comments, "existing": 0}
    assert len(gateway.stored["reactions"]) == expected.reactions


@pytest.mark.parametrize("fault", ["lost", "reset", "away", "limited", "expired"])
def test_faults_on_the_way_change_nothing_of_the_outcome(
    fault: str, gateway: FakeGateway, small: tuple[Path, Expected]
) -> None:
    def reset(request: httpx.Request) -> httpx.Response | None:
        raise httpx.ReadError("reset", request=request)

    def away(_request: httpx.Request) -> httpx.Response | None:
        return problem(503, "unavailable", headers={"Retry-After": "1"}) if len(gateway.requests) % 2 else None

    def limited(_request: httpx.Request) -> httpx.Response | None:
        return problem(429, "rate-limited", headers={"Retry-After": "2"}) if len(gateway.requests) % 2 else None

    def expired(_request: httpx.Request) -> httpx.Response | None:
        if len(gateway.requests) % 3 == 0:
            gateway.tokens.clear()
        return None

    if fault == "lost":
        gateway.lost_answers = 4
    elif fault == "reset":
        gateway.faults.append(lambda request: reset(request) if len(gateway.requests) in {1, 4, 7} else None)
    elif fault == "expired":
        gateway.faults.append(expired)
    else:
        gateway.faults.extend([{"away": away, "limited": limited}[fault]] * 6)
    result = run(small[0], "--create", "--json")
    assert result.exit_code == 0, result.output
    check(summary_of(result), small[1])


def test_without_create_a_missing_community_is_an_error(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    result = run(small[0])
    assert result.exit_code == 1
    assert "--create" in str(result.exception)
    assert gateway.communities == {}


def test_a_community_made_by_somebody_else_in_between_is_used(
    gateway: FakeGateway, small: tuple[Path, Expected]
) -> None:
    def race(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and request.url.path == "/v1/communities":
            gateway.communities[SLUG] = {"id": ident(SLUG), "slug": SLUG, "zone": "UTC"}
        return None

    gateway.faults.append(race)
    assert run(small[0], "--create").exit_code == 0
    assert len(gateway.stored["posts"]) == small[1].posts


def test_a_zone_is_for_a_new_community(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    gateway.communities[SLUG] = {"id": ident(SLUG), "slug": SLUG, "zone": "UTC"}
    result = run(small[0], "--zone", "Asia/Shanghai")
    assert result.exit_code == 0
    assert "keeps its time zone UTC" in result.stderr


def test_wrong_use_is_told_apart_from_failure(
    gateway: FakeGateway, tmp_path: Path, small: tuple[Path, Expected]
) -> None:
    assert run(tmp_path / "missing.zip").exit_code == 2
    assert run(small[0], "--zone", "Mars/Olympus").exit_code == 2
    assert run(small[0], "--zone", "../../etc/passwd").exit_code == 2
    assert run(small[0], "--nonsense").exit_code == 2
    assert gateway.requests == []


def test_what_is_no_export_is_refused_before_anything_is_written(gateway: FakeGateway, tmp_path: Path) -> None:
    path = tmp_path / "no.zip"
    path.write_text("this is not a zip", encoding="utf-8")
    result = run(path, "--create", "--json")
    assert result.exit_code == 1
    assert [item["code"] for item in summary_of(result)["rejected"]] == ["not_a_zip"]
    assert gateway.requests == []


def test_the_summary_for_people(gateway: FakeGateway, tmp_path: Path) -> None:
    build_hostile(tmp_path / "hostile.zip")
    result = run(tmp_path / "hostile.zip", "--create")
    assert "posts" in result.stdout
    assert "4 replies whose thread is not in the export became posts of their own." in result.stdout
    assert "channel_join" in result.stdout
    assert "Rejected: 35." in result.stdout
    assert "15 more; --json lists them all" in result.stdout
    assert "\x1b[31m" not in result.stdout
    assert len(gateway.stored["posts"]) == 19


def test_batches_are_bounded_in_number_and_size(gateway: FakeGateway, tmp_path: Path) -> None:
    size = build_synthetic(tmp_path / "x.zip", people=230, messages=3000, seed=7)
    result = run(tmp_path / "x.zip", "--create", "--json")
    summary = summary_of(result)
    assert [summary[kind]["created"] for kind in KINDS] == [size.members, size.posts, size.comments, size.reactions]
    base = f"/v1/communities/{ident(SLUG)}"
    assert gateway.requests.count(("POST", f"{base}/memberships/imports")) == 3
    assert gateway.largest <= BYTES_PER_BATCH + 100_000
    large = [Item(str(number), b"x" * 900_000) for number in range(5)]
    assert [len(batch) for batch in batches(large, 500)] == [2, 2, 1]
    assert [len(batch) for batch in batches([Item("huge", b"x" * 3_000_000), large[0]], 500)] == [1, 1]
    assert list(batches([], 500)) == []


def test_figures_that_lag_behind_are_no_failure(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    def behind(request: httpx.Request) -> httpx.Response | None:
        return problem(403, "forbidden", "not yet") if request.url.path.endswith("/pulse") else None

    gateway.faults.extend([behind] * 100)
    result = run(small[0], "--create")
    assert result.exit_code == 0
    assert "still catching up" in result.stderr


def test_an_answer_nobody_expects_is_said(gateway: FakeGateway, small: tuple[Path, Expected]) -> None:
    gateway.faults.append(
        lambda request: httpx.Response(200, json={"ok": True}) if "imports" in request.url.path else None
    )
    result = run(small[0], "--create")
    assert result.exit_code == 1
    assert "answered something unexpected" in str(result.exception)


def test_the_demo_is_loaded_once() -> None:
    gateway = FakeGateway()
    gateway.communities["english"] = {"id": ident("english"), "slug": "english", "zone": "Asia/Shanghai"}
    with gateway.client() as client:
        first = load_demo(client, ident("english"))
        later = clock.now() + timedelta(days=3)
        with clock.use(lambda: later):
            second = load_demo(client, ident("english"))
    assert first.rejected == second.rejected == []
    assert first.members.created == len(PEOPLE) == 13
    assert first.posts.created == len(ENTRIES) == 25
    assert first.comments.created >= 60
    assert first.reactions.created > 100
    assert [tally.created for tally in second.tallies().values()] == [0, 0, 0, 0]
    assert [tally.existing for tally in second.tallies().values()] == [
        tally.created for tally in first.tallies().values()
    ]
    said = [*gateway.stored["posts"].values(), *gateway.stored["comments"].values()]
    assert not [item for item in said if "{" in item["body"]]
    latest = max(item.get("published_at") or item["commented_at"] for item in said)
    assert latest < clock.now().isoformat()
    for comment in gateway.stored["comments"].values():
        assert comment["commented_at"] >= gateway.stored["posts"][comment["post_external_id"]]["published_at"]
