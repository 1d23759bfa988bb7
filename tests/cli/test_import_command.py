"""The commands as their user runs them: as processes, over real sockets, against a gateway that drops connections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from tests.cli.fake_gateway import CREDENTIALS, FakeGateway
from tests.samples.small_export import build

HEARTH = Path(sys.executable).parent / "hearth"


class Served:
    """A fake gateway on a port of its own, and the credentials that lead there."""

    def __init__(self, data: Path) -> None:
        self.gateway = gateway = FakeGateway()
        self.dropped: list[str] = []
        dropped = self.dropped

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                url = f"http://hearth.test{self.path}"
                answer = gateway(httpx.Request(self.command, url, headers=list(self.headers.items()), content=body))
                if self.path.endswith("/imports") and self.path not in dropped:
                    # the effect is there, the answer is not
                    dropped.append(self.path)
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = _answer  # noqa: N815 - the names of http.server

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        credentials = {
            "base_url": f"http://127.0.0.1:{self.server.server_port}",
            "email": CREDENTIALS.email,
            "password": CREDENTIALS.password,
            "organization_id": CREDENTIALS.organization_id,
            "community_id": None,
        }
        (data / "credentials.json").write_text(json.dumps(credentials), encoding="utf-8")

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path)
    yield one
    one.close()


def hearth(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HEARTH_DATA": str(data), "COLUMNS": "100"}
    return subprocess.run(
        [HEARTH, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_commands_as_processes(served: Served, tmp_path: Path) -> None:
    expected = build(tmp_path / "small.zip")
    importing = ("import", "slack", str(tmp_path / "small.zip"), "--community", "our-team")
    first = hearth(tmp_path, *importing, "--create", "--json")
    assert first.returncode == 0, first.stderr
    assert first.stderr == "", "no progress bar where there is no terminal"
    summary = json.loads(first.stdout)
    assert len(served.dropped) == 4
    assert summary["posts"] == {"created": expected.posts, "existing": 0}
    assert summary["reactions"] == {"created": expected.reactions, "existing": 0}

    again = hearth(tmp_path, *importing)
    assert again.returncode == 0, again.stderr
    assert f"{expected.posts}" in again.stdout

    served.gateway.pulse = {"zone": "UTC", "members": 4, "never_active": 1, "member_days": 9, "weeks": []}
    pulse = hearth(tmp_path, "pulse", "--community", "our-team", "--json")
    assert json.loads(pulse.stdout) == served.gateway.pulse

    missing = hearth(tmp_path, "pulse", "--community", "nobody")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "There is no community nobody." in missing.stderr
    assert "Traceback" not in missing.stderr
    assert hearth(tmp_path, "import", "slack", str(tmp_path / "none.zip"), "--community", "x").returncode == 2
    assert hearth(tmp_path, "pulse").returncode == 2


def test_without_a_stack_it_says_what_to_do(tmp_path: Path) -> None:
    result = hearth(tmp_path, "pulse", "--community", "x")
    assert result.returncode == 1
    assert "hearth up" in result.stderr
