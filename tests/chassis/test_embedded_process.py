"""Child processes that end with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.embedded.process import alive, command_line, end, environment, spawn, wait_until


def test_a_child_is_the_program_with_its_environment_when_spawn_returns(tmp_path: Path) -> None:
    given = {"PATH": os.defpath, "ODD": "a=b", "LANG": "C"}
    child = spawn(["sleep", "60"], log=tmp_path / "log", env=given, death_signal=signal.SIGTERM, cwd=tmp_path)
    try:
        assert command_line(child.pid) == ["sleep", "60"]
        assert environment(child.pid) == given
        assert Path(f"/proc/{child.pid}/cwd").readlink() == tmp_path
        assert os.getsid(child.pid) == child.pid
        # Nothing but the three standard descriptors: no pipe of ours stays open in it.
        assert {int(entry.name) for entry in Path(f"/proc/{child.pid}/fd").iterdir()} == {0, 1, 2}
    finally:
        end(child.pid, (signal.SIGKILL, 5.0), child=child)


def test_a_program_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        spawn([str(tmp_path / "no-such-program")], log=tmp_path / "log", death_signal=signal.SIGTERM)


def test_a_child_ends_with_its_parent_and_not_with_a_thread_beside(tmp_path: Path) -> None:
    program = (
        "import signal, sys, threading\n"
        "from pathlib import Path\n"
        "from chassis.embedded.process import spawn\n"
        "child = spawn(['sleep', '600'], log=Path(sys.argv[1]), death_signal=signal.SIGTERM)\n"
        "beside = threading.Thread(target=print); beside.start(); beside.join()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.communicate(timeout=10)
    assert wait_until(lambda: not alive(child), 10)


def test_nothing_of_pythons_runs_between_fork_and_exec(tmp_path: Path) -> None:
    """There, a lock that another thread held at the fork is never released, and who started the child would wait for ever."""
    marker = tmp_path / "ran"
    os.register_at_fork(after_in_child=marker.touch)
    child = spawn(["true"], log=tmp_path / "log", death_signal=signal.SIGTERM)
    assert child.wait(10) == 0
    assert not marker.exists()
