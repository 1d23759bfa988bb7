"""The folder of a local stack: its secrets, ports, state and who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Final, Self

from chassis.embedded.ports import hold, hold_free
from chassis.embedded.process import alive, write_private
from chassis.embedded.system import let_through
from hearth.client import ClientError

SERVICES: Final = ("members", "content", "engagement")
GATEWAY: Final = "gateway"
PROCESSES: Final = (*SERVICES, GATEWAY)
"""Each has a database of its own."""


class StackError(ClientError):
    """The local stack cannot do what was asked; one line for the person at the terminal, a log's end below it perhaps."""


@dataclass(frozen=True)
class Folder:
    """Where a local stack keeps what it has. Everything in it is for its owner's eyes only."""

    root: Path

    @classmethod
    def at(cls, data: Path) -> Self:
        """Return the folder that `--data` names; nothing is made."""
        return cls(data.expanduser().absolute())

    def make(self) -> None:
        """Make the folder and its sub-folders, 0700. Raises StackError when it cannot be ours."""
        try:
            for folder in (self.root, self.logs, self.run):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackError(f"{self.root} cannot be made: {error.strerror}") from None
        if self.root.stat().st_uid != os.geteuid():
            raise StackError(f"{self.root} belongs to another user; choose another folder with --data")
        self.root.chmod(0o700)
        let_through(self.root)

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL's data."""
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        """The embedded NATS's data."""
        return self.root / "nats"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What is true only while the stack runs."""
        return self.root / "run"

    @property
    def credentials(self) -> Path:
        """The first owner's sign-in, which the other commands use."""
        return self.root / "credentials.json"

    @property
    def secrets(self) -> Path:
        """Passwords and keys of the processes."""
        return self.root / "secrets.json"

    @property
    def state_file(self) -> Path:
        """Which processes run, under which number and address."""
        return self.run / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor as long as it lives; says its process id."""
        return self.run / "supervisor.pid"

    def log(self, name: str) -> Path:
        """Return the log of a process."""
        return self.logs / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Return the file with the process id of a process."""
        return self.run / f"{name}.pid"

    def read_state(self) -> dict[str, Any]:
        """Return the last state that a supervisor wrote; empty when none runs or it is unreadable."""
        return read_object(self.state_file)

    def ready(self) -> bool:
        """Whether the living supervisor, and not one before it, has written that all is ready."""
        state, supervisor = self.read_state(), self.supervisor()
        return supervisor is not None and state.get("status") == "ready" and state["supervisor"]["pid"] == supervisor

    def supervisor(self) -> int | None:
        """Return the process id of the living supervisor; None when there is none. Never a stranger's number."""
        try:
            pid = int(self.lock_file.read_text(encoding="utf-8"))
            with self.lock_file.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return pid if alive(pid) and holds_open(pid, self.lock_file) else None
        except (OSError, ValueError):
            return None
        return None


class Hold:
    """The exclusive right to run the stack of a folder; ends with the process that has it."""

    def __init__(self, folder: Folder) -> None:
        self._descriptor = os.open(folder.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.mine = False

    def take(self) -> bool:
        """Try to take it; returns whether it is ours now."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        self.mine = True
        return True

    def release(self) -> None:
        """Give it back."""
        os.close(self._descriptor)
        self.mine = False


def holds_open(pid: int, path: Path) -> bool:
    """Whether process `pid` has `path` open."""
    wanted = path.resolve()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if descriptor.readlink() == wanted:
                    return True
    return False


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; empty when there is none or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def load_secrets(folder: Folder) -> dict[str, str]:
    """Return the secrets of this stack by name, making those that are missing; once made they stay."""
    if folder.secrets.exists() and not read_object(folder.secrets):
        raise StackError(f"{folder.secrets} is damaged; put it back from a copy, the databases' passwords are in it")
    known = read_object(folder.secrets)
    wanted = [
        "ops_token",
        "cursor_secret",
        "members_key_secret",
        "delegation_secret",
        "content_media_secret",
        "content_publication_secret",
        *(f"nats_{process}" for process in PROCESSES),
        "gateway_vault_secret",
        *(role for process in PROCESSES for role in roles_of(process)),
    ]
    missing = [name for name in wanted if not known.get(name)]
    if missing:
        known |= {name: secrets.token_urlsafe(32) for name in missing}
        write_private(folder.secrets, json.dumps(known, indent=1) + "\n")
    return {name: str(value) for name, value in known.items()}


def roles_of(process: str) -> tuple[str, str, str]:
    """Return the names of the owner, application and worker role of a process's database."""
    return f"{process}_owner", f"{process}_app", f"{process}_worker"


def load_ports(folder: Folder, names: Iterable[str]) -> dict[str, int]:
    """Return a free loopback port for each name: the one of the last start where it is still free."""
    path = folder.run / "ports.json"
    known = read_object(path)
    ports: dict[str, int] = {}
    held: list[socket] = []
    try:
        for name in names:
            wanted = known.get(name)
            one = (hold(wanted) if isinstance(wanted, int) else None) or hold_free()
            held.append(one)  # until all are chosen, so that none is chosen twice
            ports[name] = int(one.getsockname()[1])
    except OSError as error:
        raise StackError(str(error)) from None
    finally:
        for one in held:
            one.close()
    write_private(path, json.dumps(ports, indent=1) + "\n")
    return ports
