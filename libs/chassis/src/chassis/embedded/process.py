"""Child processes of the local stack: spawned to die with us, and told apart from strangers before any signal."""

import contextlib
import errno
import os
import pwd
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_LAUNCH_SECONDS = 60.0
_LAUNCHER = """
import ctypes, os, sys

parent, number, uid, gid, report = map(int, sys.argv[1:6])
program = sys.argv[6:]
# What we were given: the interpreter may have added LC_CTYPE to what it passes on.
with open("/proc/self/environ", "rb") as stream:
    environment = dict(part.split(b"=", 1) for part in stream.read().split(b"\\0") if b"=" in part)
try:
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    ctypes.CDLL(None).prctl(1, number, 0, 0, 0)  # PR_SET_PDEATHSIG; a change of user after it would clear it
    if os.getppid() != parent:  # it died before the signal was armed
        os._exit(1)
    os.set_inheritable(report, False)
    os.execvpe(program[0], program, environment)
except OSError as error:
    os.write(report, str(error.errno).encode())
    os._exit(127)
"""
"""Arms the death signal in a process of its own and becomes the program. Between fork and exec of a process with threads nothing of
Python's may run: a lock that another thread held at the fork is never released there, and the parent waits for ever."""


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
    if death_signal is not None:
        return _spawn_to_die_with_us(argv, death_signal, log=log, env=env, user=user, cwd=cwd)
    return _popen(argv, log=log, env=env, user=user, cwd=cwd)


def _popen(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    user: pwd.struct_passwd | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
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
            pass_fds=pass_fds,
            # A Ctrl-C in the terminal reaches only the supervisor, which then stops all in order.
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(descriptor)


def _spawn_to_die_with_us(
    argv: Sequence[str],
    death_signal: signal.Signals,
    *,
    log: Path,
    env: Mapping[str, str] | None,
    user: pwd.struct_passwd | None,
    cwd: Path | None,
) -> subprocess.Popen[bytes]:
    """Start `argv` by way of the launcher; returns when it has become the program, so that nobody sees it as anything else."""
    became, report = os.pipe2(os.O_CLOEXEC)
    try:
        identity = (-1, -1) if user is None else (user.pw_uid, user.pw_gid)
        numbers = (os.getpid(), int(death_signal), *identity, report)
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *map(str, numbers)]
        process = _popen([*launcher, *argv], log=log, env=env, cwd=cwd, pass_fds=(report,))
    except BaseException:
        os.close(became)
        raise
    finally:
        os.close(report)
    with os.fdopen(became, "rb", buffering=0) as stream:
        ended, _, _ = select.select([stream], [], [], _LAUNCH_SECONDS)
        failure = stream.read() if ended else str(errno.ETIMEDOUT).encode()
    if failure:
        end(process.pid, (signal.SIGKILL, 5.0), child=process)
        raise OSError(int(failure), os.strerror(int(failure)), argv[0])
    return process


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
