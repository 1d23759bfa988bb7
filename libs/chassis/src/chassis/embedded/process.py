"""Child processes of the local stack: spawned to die with us, and told apart from strangers before any signal."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Resolved at import: between fork and exec nothing may be looked up or imported.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class EmbeddedError(RuntimeError):
    """A local server cannot be prepared, started or reached; the text is for the operator."""


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: pwd.struct_passwd | None = None,
    death_signal: signal.Signals | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, its output appended to `log` (0600).

    With `death_signal` the kernel sends that signal to the child when the calling *thread* ends, so call this from a
    thread that lives as long as the child shall. `user` drops root's privileges.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - argv is built by us
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd or Path("/"),
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            # A Ctrl-C in the terminal reaches only the supervisor, which then stops all in order.
            start_new_session=True,
            umask=0o077,
            # Runs after the change of user, which would clear the death signal.
            preexec_fn=None if death_signal is None else _die_with(os.getpid(), death_signal),  # noqa: PLW1509
        )
    finally:
        os.close(descriptor)


def _die_with(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    number = int(death_signal)

    def arm() -> None:
        _prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was armed
            os._exit(1)

    return arm


def alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def command_line(pid: int) -> list[str]:
    """Return the arguments of `pid`; empty when it is gone, a zombie or not ours to see."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode(errors="replace") for part in raw.split(b"\0")[:-1]]


def environment(pid: int) -> dict[str, str]:
    """Return the environment that `pid` started with; empty when it is gone or not ours to see."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (part.decode(errors="replace").partition("=") for part in raw.split(b"\0") if part)
    return {name: value for name, _, value in pairs}


def working_folder(pid: int) -> Path | None:
    """Return the current folder of `pid`; None when it is gone or not ours to see."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def all_pids() -> list[int]:
    """Return every process id of this machine (of this pid namespace)."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def wait_gone(pid: int, seconds: float, child: subprocess.Popen[bytes] | None = None) -> bool:
    """Wait until `pid` has ended, at most `seconds`; reaps it when it is our `child`."""
    if child is not None and child.pid == pid:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
    return wait_until(lambda: not alive(pid), seconds)


def wait_until(condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> bool:
    """Poll `condition` until it holds, at most `seconds`; returns whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


def end(
    pid: int, *steps: tuple[signal.Signals, float], child: subprocess.Popen[bytes] | None = None
) -> signal.Signals | None:
    """Send each signal in turn and wait its seconds; returns the signal that did it, None when it was gone already.

    The caller has verified whose process this is.
    """
    for number, seconds in steps:
        if not alive(pid):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_gone(pid, seconds, child):
            return number
    wait_gone(pid, 0.1, child)
    return None


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, empty when there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 16_384))
            return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def write_private(path: Path, text: str) -> None:
    """Replace `path` atomically with `text`, readable by its owner only, and durable when this returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
