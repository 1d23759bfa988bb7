"""`hearth up` and `hearth down`: the local stack, from an empty folder to a community that one can sign in to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, TypeVar, cast

import typer

from chassis.embedded.nats import Nats
from chassis.embedded.ports import HOST, is_free
from chassis.embedded.postgres import Postgres
from chassis.embedded.process import all_pids, command_line, end, environment, spawn, tail, wait_gone, wait_until
from hearth.client import DEFAULT_DATA, Client, ClientError, Credentials, DataOption, load_credentials
from hearth.demo import load_demo
from hearth.first_start import COMMUNITY_SLUG, ORGANIZATION_SLUG, ensure_first_community
from hearth.stack_environment import (
    STACK_VARIABLE,
    Environments,
    External,
    command,
    external_servers,
    nats_users,
    port_names,
    prepare_databases,
)
from hearth.stack_folder import (
    GATEWAY,
    PROCESSES,
    SERVICES,
    Folder,
    Hold,
    StackError,
    load_ports,
    load_secrets,
)
from hearth.supervisor import Program, Supervisor, Unit, run_to_end, side_by_side
from hearth.terminal import console

DEFAULT_PORT: Final = 8080
START_SECONDS: Final = 600.0
"""A first start with the demo community on a slow machine."""
STOP_SECONDS: Final = 120.0

T = TypeVar("T")


def up(
    data: DataOption = DEFAULT_DATA,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the gateway on loopback; 0 takes a free one.")
    ] = DEFAULT_PORT,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when everything is ready; `hearth down` stops it.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill the first community with sample members and posts.")
    ] = False,
) -> None:
    """Start PostgreSQL, NATS, the services and the gateway, and keep them running."""
    folder = Folder.at(data)
    external = external_servers(os.environ)
    folder.make()
    hold = Hold(folder)
    if not _take(hold, folder):
        address = folder.read_state().get("base_url")
        console().print(f"Hearth is up already: {address}")
        return
    if detach:
        hold.release()
        _detach(folder, port, demo=demo)
        return
    asyncio.run(_Stack(folder, external, port, demo=demo).run())


def down(data: DataOption = DEFAULT_DATA) -> None:
    """Stop everything in order; nothing is lost."""
    folder = Folder.at(data)
    pid = folder.supervisor()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not wait_gone(pid, STOP_SECONDS):
            raise StackError(f"process {pid} does not stop; see {folder.log('supervisor')}")
        console().print("Hearth is down.")
        return
    if folder.root.exists() and stop_leftovers(folder):
        folder.state_file.unlink(missing_ok=True)
        console().print("What a killed `hearth up` had left is stopped.")
        return
    console().print("Hearth is not up.")


def _take(hold: Hold, folder: Folder) -> bool:
    """Take the folder, waiting for one that is starting or stopping; False when a stack is up on it."""
    deadline = time.monotonic() + START_SECONDS
    while not hold.take():
        if folder.ready():
            return False
        if time.monotonic() > deadline:
            raise StackError(f"another `hearth up` on {folder.root} has been starting for {START_SECONDS:.0f} s")
        time.sleep(0.1)
    return True


def _detach(folder: Folder, port: int, *, demo: bool) -> None:
    """Start the supervisor in the background; returns when it is ready. Raises StackError with the end of its log."""
    argv = [sys.executable, "-m", "hearth.main", "up", "--data", str(folder.root), "--port", str(port)]
    log = folder.log("supervisor")
    log.unlink(missing_ok=True)
    process = spawn([*argv, "--demo"] if demo else argv, log=log, env=os.environ, cwd=folder.root)

    def settled() -> bool:
        return process.poll() is not None or (folder.ready() and folder.supervisor() == process.pid)

    if not wait_until(settled, START_SECONDS, every=0.05) or process.poll() is not None:
        _give_up(process)
        raise StackError(f"Hearth did not start; the end of {log}:\n{tail(log, 40)}")
    welcome(folder, load_credentials(folder.root), pid=process.pid)


def _give_up(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        end(process.pid, (signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0), child=process)


def stop_leftovers(folder: Folder) -> bool:
    """Stop what a killed supervisor has left, each verified to be of this folder; returns whether there was any."""
    found = [
        pid
        for pid in all_pids()
        if pid != os.getpid()
        and environment(pid).get(STACK_VARIABLE) == str(folder.root)
        and command_line(pid)[1:2] == ["-m"]
        and set(command_line(pid)[2:3]) <= set(PROCESSES)
    ]
    for pid in found:  # they get the signal together, and then their time one by one
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in found:
        end(pid, (signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
    servers: list[Postgres | Nats] = [Nats(folder.nats), Postgres(folder.postgres)]
    running = [server for server in servers if server.pid is not None]
    for server in running:
        server.stop()
    return bool(found or running)


class _Stack:
    """One run of the local stack."""

    def __init__(self, folder: Folder, external: External, port: int, *, demo: bool) -> None:
        self._folder = folder
        self._external = external
        self._port = port
        self._demo = demo
        self._begun = time.monotonic()
        self._supervisor = Supervisor(folder, _say)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Start all, stay until a signal, stop all. Raises ClientError when the start fails, everything stopped."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        self._supervisor.note(
            status="starting", base_url=None, supervisor={"pid": os.getpid()}, data=str(self._folder.root)
        )
        try:
            if await self._unless_stopped(self._start()):
                await self._stopping.wait()
        finally:
            self._supervisor.note(status="stopping")
            await self._supervisor.stop()
        console().print("Hearth is down.")

    def _asked_to_stop(self) -> None:
        if self._stopping.is_set():
            console().print("Still stopping: what has begun is being finished.")
        else:
            console().print("Stopping.")
            self._stopping.set()

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> bool:
        """Do `work`, unless a signal comes first; returns whether it was done."""
        working, stopped = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError, ClientError):
                await working
            return False
        await working
        return True

    async def _start(self) -> None:
        folder, supervisor = self._folder, self._supervisor
        if await asyncio.to_thread(stop_leftovers, folder):
            console().print("What a killed `hearth up` had left is stopped.")
        secrets = load_secrets(folder)
        ports = load_ports(folder, [*port_names(), *([GATEWAY] if self._port == 0 else [])])
        if self._port:
            if not is_free(self._port):
                raise StackError(f"port {self._port} is in use; choose another with --port")
            ports[GATEWAY] = self._port
        postgres = Postgres(folder.postgres, log=folder.log("postgres"), die_with_parent=True)
        nats = Nats(
            folder.nats, users=nats_users(secrets), port=ports["nats"], log=folder.log("nats"), die_with_parent=True
        )
        await self._start_servers(postgres, nats)
        environments = Environments(folder, secrets, ports, self._external, postgres, nats, os.environ)
        if self._external.needs_postgres:
            await asyncio.to_thread(prepare_databases, postgres, secrets, self._external)
        console().print("Bringing the databases up to date")
        async with side_by_side() as group:
            for service in PROCESSES:
                argv = [sys.executable, "-m", service, "migrate"]
                log = folder.log(f"{service}-migrate")
                group.create_task(run_to_end(f"{service} migrate", argv, environments.of_migration(service), log))
        console().print("Starting members, content, engagement and the gateway")
        async with side_by_side() as group:
            group.create_task(supervisor.bring_up(*(_unit(folder, environments, service) for service in SERVICES)))
            group.create_task(supervisor.bring_up(_unit(folder, environments, GATEWAY)))
        base_url = environments.url(GATEWAY)
        credentials = await _aside(lambda: ensure_first_community(folder, base_url))
        if self._demo:
            await self._fill(credentials)
        supervisor.note(status="ready", base_url=base_url)
        welcome(folder, credentials, seconds=time.monotonic() - self._begun)

    async def _fill(self, credentials: Credentials) -> None:
        """Bring in the sample community, once; a failure is said and tried again at the next start."""
        done = self._folder.root / "demo-loaded"
        if done.exists() or credentials.community_id is None:
            return
        community_id = credentials.community_id
        _say("Filling the demo community")

        def load() -> None:
            with Client(credentials) as client:
                load_demo(client, community_id)

        try:
            await _aside(load)
        except ClientError as error:
            _say(f"The demo community is not complete: {error}")
        else:
            done.touch(mode=0o600)

    async def _start_servers(self, postgres: Postgres, nats: Nats) -> None:
        units = []
        if self._external.needs_postgres:
            url = f"unix:{postgres.socket_folder}"
            units.append(Unit("postgres", postgres, postgres.log, url))
        if self._external.nats_url is None:
            units.append(Unit("nats", nats, nats.log, f"nats://{HOST}:{nats.port}"))
        console().print(f"Starting {' and '.join(unit.name for unit in units)}" if units else "Using external servers")
        async with side_by_side() as group:
            for unit in units:  # each a layer: NATS is stopped before PostgreSQL
                group.create_task(self._supervisor.bring_up(unit))


async def _aside(work: Callable[[], T]) -> T:
    """Do blocking work in a thread that nobody waits for when the stack is to stop."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(cast("T", result))

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised again where it is awaited
            failure = error
        with suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, daemon=True).start()
    return await future


def _unit(folder: Folder, environments: Environments, process: str) -> Unit:
    internal = environments.internal_url(process)
    program = Program(command(process), environments.of(process), folder.log(process), f"{internal}/readyz")
    return Unit(process, program, folder.log(process), environments.url(process), internal)


def welcome(folder: Folder, credentials: Credentials, *, seconds: float | None = None, pid: int | None = None) -> None:
    """Say where everything is, and what to try first."""
    hearth = _command_name()
    data = "" if folder == Folder.at(DEFAULT_DATA) else f" --data {_as_seen_from_here(folder.root)}"
    took = "" if seconds is None else f" (after {seconds:.1f} s)"
    console().print(f"\n[bold]Hearth is up[/bold]{took}")
    console().print(f"  address    {credentials.base_url}")
    console().print(f"  API docs   {credentials.base_url}/docs")
    console().print(f"  sign in    organization {ORGANIZATION_SLUG}, {credentials.email}", end="")
    # A log keeps no password.
    console().print(
        f", password {credentials.password}" if console().is_terminal else f", password in {folder.credentials}"
    )
    console().print("Try")
    console().print(f"  {hearth} pulse --community {COMMUNITY_SLUG}{data}")
    console().print(f"  {hearth} events tail{data}")
    console().print(f"  {hearth} doctor{data}")
    console().print(f"{hearth} down{data} stops it." if pid else "Ctrl-C stops it.")


def _say(text: str) -> None:
    """Print a line as it is: the end of a log may look like markup."""
    console().print(text, markup=False)


def _command_name() -> str:
    """Return how the reader can call this command again."""
    called = Path(sys.argv[0])
    return _as_seen_from_here(called.absolute()) if called.name == "hearth" and called.parent != Path() else "hearth"


def _as_seen_from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
