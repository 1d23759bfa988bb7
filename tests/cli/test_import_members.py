"""`hearth import members` against a gateway that answers like the real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.fake_gateway import CREDENTIALS
from typer.testing import CliRunner

from hearth import member_files
from hearth.client import Client, ClientError
from hearth.main import app
from hearth.member_files import meanings

COLUMNS = [
    {"column": 0, "name": "编号", "samples": [], "suggested": "external_id"},
    {"column": 1, "name": "姓名", "samples": [], "suggested": "name"},
    {"column": 2, "name": "", "samples": [], "suggested": None},
]
REJECTED = "\ufeffrow,code,reason,编号\r\n3,name-missing,x,7\r\n".encode()


class Answers:
    """Plays the part of members: one file, looked at twice before it is through."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.bodies: dict[str, Any] = {}
        self.looks = 0
        self.state = "uploaded"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/v1/sessions"):
            return httpx.Response(201, json={"access_token": "t", "refresh_token": "r", "expires_in": 600})
        if path == "/v1/communities":
            return httpx.Response(200, json={"data": [{"id": "c1", "slug": "english"}], "next_cursor": None})
        self.asked.append(
            (request.method, path.removeprefix("/v1/communities/c1/member-files"), request.headers.get("if-match", ""))
        )
        self.bodies[path.rpartition("/")[2]] = request.content
        if path.endswith("/rejected.csv"):
            return httpx.Response(200, content=REJECTED)
        if path.endswith("/rows"):
            row = {"number": 3, "reason": {"code": "name-missing", "detail": "The row has no name."}}
            return httpx.Response(200, json={"data": [row], "next_cursor": None})
        step = path.rpartition("/")[2]
        self.state = {"dry-run": "checking", "start": "importing"}.get(step, self.state)
        if request.method == "GET":
            self.looks += 1
            if self.looks > 1:
                self.state = {"checking": "checked", "importing": "imported"}[self.state]
        counts = {"create": 1, "join": 0, "change": 0, "keep": 0, "reject": 1}
        file = {
            "id": "f1",
            "state": self.state,
            "columns": COLUMNS,
            "rows": 2,
            "done": 2,
            "counts": counts,
            "reason": None,
        }
        return httpx.Response(200, json=file, headers={"ETag": f'"{len(self.asked)}"'})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    one = Answers()
    make: Callable[..., Client] = lambda *_: Client(CREDENTIALS, transport=httpx.MockTransport(one))  # noqa: E731
    monkeypatch.setattr(Client, "from_data", make)
    monkeypatch.setattr(member_files, "PAUSE_SECONDS", 0)
    return one


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["import", "members", *arguments])
    return done.exit_code, done.stdout


@pytest.mark.parametrize(
    ("options", "step", "state"), [((), "start", "imported"), (("--dry-run",), "dry-run", "checked")]
)
def test_a_file_goes_through(answers: Answers, tmp_path: Path, options: tuple[str, ...], step: str, state: str) -> None:
    file, rejected = tmp_path / "members.csv", tmp_path / "rejected.csv"
    file.write_text("编号,姓名\n1,林\n7,\n", encoding="utf-8")
    code, said = run(
        str(file), "--community", "english", "--tag", "春", "--rejected", str(rejected), "--json", *options
    )
    assert (code, json.loads(said)["state"]) == (0, state)
    assert answers.asked == [
        ("POST", "", ""),
        ("PUT", "/f1/mapping", '"1"'),
        ("POST", f"/f1/{step}", '"2"'),
        ("GET", "/f1", ""),
        ("GET", "/f1", ""),
        ("GET", "/f1/rejected.csv", ""),
        ("GET", "/f1/rows", ""),
    ]
    assert answers.bodies["member-files"] == file.read_bytes()
    assert json.loads(answers.bodies["mapping"]) == {
        "columns": [{"column": 0, "field": "external_id"}, {"column": 1, "field": "name"}],
        "tags": ["春"],
        "source": None,
    }
    assert rejected.read_bytes() == REJECTED


@pytest.mark.usefixtures("answers")
def test_it_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    file.write_text("x", encoding="utf-8")
    code, said = run(str(file), "--community", "english", "--map", "姓名=name", "--map", "3=phone")
    assert code == 0
    assert "new people" in said
    assert "row 3  name-missing: The row has no name." in said


def test_columns_by_name_and_number() -> None:
    assert meanings(COLUMNS, ["姓名=name", "3=phone"]) == [
        {"column": 1, "field": "name"},
        {"column": 2, "field": "phone"},
    ]
    for wrong in ("name", "nobody=name", "0=name", "4=name"):
        with pytest.raises(ClientError):
            meanings(COLUMNS, [wrong])
    with pytest.raises(ClientError):
        meanings([{**COLUMNS[2]}], [])
