"""Local stacks for tests: the real `hearth up` with real PostgreSQL and NATS, over services that stand in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from chassis.embedded.postgres import Postgres
from chassis.embedded.process import alive, wait_until
from hearth.main import main

STAND_IN = Path(__file__).with_name("stand_in_service.py")
NAMES = ("members", "content", "engagement", "gateway")
WHOLE = {"postgres", "nats", *NAMES}


class TrialStack:
    """A folder and an environment in which `hearth` is run."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="hearth-stack-"))
        self.home.chmod(0o755)
        self.data = self.home / "data"
        modules = self.home / "modules"
        modules.mkdir()
        for name in NAMES:
            code = f"import runpy\nrunpy.run_path({str(STAND_IN)!r}, run_name='__main__')\n"
            (modules / f"{name}.py").write_text(code)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}
        self.environment = {**kept, "PYTHONPATH": str(modules), "HEARTH_DATA": str(self.data)}
        self._foreground: list[subprocess.Popen[bytes]] = []

    def hearth(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; those that only ask, in this process, which is quicker."""
        if arguments[0] not in {"up", "down"}:
            return _in_this_process(list(arguments), self.environment | environment)
        return subprocess.run(
            [sys.executable, "-m", "hearth.main", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ok(self, *arguments: str, **environment: str) -> str:
        """Run a command that must succeed and return what it says."""
        done = self.hearth(*arguments, **environment)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}\n{self.log('supervisor')}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command with --json and return its document."""
        return json.loads(self.ok(*arguments, "--json"))

    def foreground(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `hearth up` and return at once; what it says goes to a file `said`."""
        with (self.home / "said").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "hearth.main", "up", "--port", "0", *arguments],
                env=self.environment,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self._foreground.append(process)
        return process

    def said(self) -> str:
        """What the last foreground `hearth up` has said so far."""
        return (self.home / "said").read_text()

    def state(self) -> dict[str, Any]:
        """The state file; empty when there is none."""
        try:
            content: dict[str, Any] = json.loads((self.data / "run/state.json").read_text())
        except FileNotFoundError:
            return {}
        return content

    def ready(self) -> bool:
        """Whether all is up."""
        return self.state().get("status") == "ready"

    def pids(self) -> dict[str, int | None]:
        """The processes' numbers, as the state file says them."""
        return {name: process["pid"] for name, process in self.state().get("processes", {}).items()}

    def credentials(self) -> dict[str, str]:
        """The credentials file."""
        content: dict[str, str] = json.loads((self.data / "credentials.json").read_text())
        return content

    def log(self, name: str) -> str:
        """A process's log."""
        path = self.data / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def back(self, name: str, before: int) -> bool:
        """Whether a process that was `before` runs again, recorded everywhere."""
        pid = self.pids().get(name)
        if pid in {None, before} or not alive(pid or 0):
            return False
        return (self.data / f"run/{name}.pid").read_text() == f"{pid}\n"

    def remove(self) -> None:
        """Stop everything and delete it."""
        self.hearth("down")
        for process in self._foreground:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
        Postgres(self.data / "postgres").remove()
        shutil.rmtree(self.home, ignore_errors=True)


def _in_this_process(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    out, err, code = StringIO(), StringIO(), 0
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", ["hearth", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def eventually(condition: Any, seconds: float = 60) -> None:
    """Wait for a condition; fails when it does not come to hold."""
    assert wait_until(condition, seconds, every=0.05)
