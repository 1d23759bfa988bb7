from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from tests.cli.fake_gateway import FakeGateway, ident
from tests.journeys.independent_pulse import independent_pulse
from tests.samples.small_export import build, build_hostile
from tests.samples.synthetic_export import build_synthetic
from typer.testing import CliRunner

from hearth import pulse
from hearth.client import Client, ClientError

RACKET = Path(__file__).parents[3] / "shared" / "data" / "racket-2018.slack-export.zip"

DOCUMENT: dict[str, Any] = {
    "zone": "Asia/Shanghai",
    "members": 1200,
    "never_active": 300,
    "member_days": 12345,
    "weeks": [
        {"week": "2024-W10", "active": 600, "new": 600, "returning": 0, "resurrected": 0, "dormant": 0},
        {"week": "2024-W11", "active": 0, "new": 0, "returning": 0, "resurrected": 0, "dormant": 600},
        {"week": "2024-W12", "active": 300, "new": 100, "returning": 0, "resurrected": 200, "dormant": 0},
    ],
}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    fake = FakeGateway(pulse=DOCUMENT)
    fake.communities["our-team"] = {"id": ident("our-team"), "slug": "our-team", "zone": "Asia/Shanghai"}

    def from_data(_data: Path, _base_url: str | None = None) -> Client:
        return fake.client(sleep=lambda _seconds: None)

    monkeypatch.setattr(Client, "from_data", from_data)
    return fake


def run(*options: str) -> Any:
    app = typer.Typer()
    app.command()(pulse.pulse)
    return CliRunner().invoke(app, list(options))


def test_json_is_exactly_the_document(gateway: FakeGateway) -> None:
    result = run("--community", "our-team", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == DOCUMENT
    assert gateway.requests[-1] == ("GET", f"/v1/communities/{ident('our-team')}/pulse")


@pytest.mark.usefixtures("gateway")
def test_a_table_for_people() -> None:
    result = run("--community", "our-team")
    assert result.exit_code == 0
    assert "…" not in result.stdout
    assert "1,200 members, 300 of them never active (25%); 12,345 member-days" in result.stdout
    assert all(week["week"] in result.stdout for week in DOCUMENT["weeks"])
    assert "▓" * 13 in result.stdout


@pytest.mark.usefixtures("gateway")
def test_an_unknown_community_is_said() -> None:
    result = run("--community", "nobody")
    assert result.exit_code == 1
    assert isinstance(result.exception, ClientError)
    assert "There is no community nobody" in str(result.exception)


def test_a_bar_adds_up() -> None:
    week = {"active": 7, "new": 3, "returning": 3, "resurrected": 1}
    assert len(pulse.bar_of(week, 7, 30)) == 30
    assert pulse.bar_of(week, 7, 30).plain == "█" * 13 + "▓" * 13 + "▒" * 4
    assert len(pulse.bar_of({"active": 0, "new": 0, "returning": 0, "resurrected": 0}, 0, 30)) == 0


def test_a_community_without_activity() -> None:
    console = Console(record=True, width=80)
    pulse.show("x", {"zone": "UTC", "members": 0, "never_active": 0, "member_days": 0, "weeks": []}, console)
    assert "Nobody has been active yet." in console.export_text()


def week(name: str, *figures: int) -> dict[str, Any]:
    return {"week": name, **dict(zip(("active", "new", "returning", "resurrected", "dormant"), figures, strict=True))}


def test_the_independent_figures_of_the_small_export_by_hand(tmp_path: Path) -> None:
    build(tmp_path / "small.zip")
    figures = independent_pulse(tmp_path / "small.zip")
    assert (figures["zone"], figures["members"], figures["never_active"]) == ("UTC", 4, 1)
    # Alice on March 3, 4 and 20, Bob on 4, 5 and 11, Carol on 4, Eve on 4 and 12
    assert figures["member_days"] == 9
    assert figures["weeks"] == [
        week("2024-W09", 1, 1, 0, 0, 0),
        week("2024-W10", 4, 3, 1, 0, 0),
        week("2024-W11", 2, 0, 2, 0, 2),
        week("2024-W12", 1, 0, 0, 1, 2),
    ]


def test_the_zone_moves_a_midnight(tmp_path: Path) -> None:
    build(tmp_path / "small.zip")
    figures = independent_pulse(tmp_path / "small.zip", "Asia/Shanghai")
    # what Alice said on Sunday in UTC is said on Monday, a day on which she spoke anyway
    assert figures["member_days"] == 8
    assert figures["weeks"][0] == week("2024-W10", 4, 4, 0, 0, 0)


def test_hostile_entries_change_no_figure(tmp_path: Path) -> None:
    build(tmp_path / "small.zip")
    build_hostile(tmp_path / "hostile.zip")
    assert independent_pulse(tmp_path / "hostile.zip") == independent_pulse(tmp_path / "small.zip")


def check_identities(figures: dict[str, Any]) -> None:
    """What holds of every pulse, however it was computed."""
    weeks = figures["weeks"]
    for number, one in enumerate(weeks):
        assert one["active"] == one["new"] + one["returning"] + one["resurrected"]
        before = weeks[number - 1]["active"] if number else 0
        assert one["returning"] + one["dormant"] == before
    mondays = [date.fromisoformat(f"{one['week']}-1") for one in weeks]
    assert all((later - earlier).days == 7 for earlier, later in pairwise(mondays))


def test_identities_of_a_synthetic_year(tmp_path: Path) -> None:
    build_synthetic(tmp_path / "x.zip", people=60, messages=1500, seed=5)
    figures = independent_pulse(tmp_path / "x.zip", "America/New_York")
    check_identities(figures)
    assert sum(one["new"] for one in figures["weeks"]) == figures["members"] - figures["never_active"]


@pytest.mark.skipif(not RACKET.exists(), reason="the real export is not here")
def test_the_real_year_by_the_independent_count() -> None:
    figures = independent_pulse(RACKET)
    check_identities(figures)
    assert (figures["members"], figures["never_active"]) == (144, 0)
    assert (figures["weeks"][0]["week"], figures["weeks"][-1]["week"]) == ("2017-W52", "2018-W52")
