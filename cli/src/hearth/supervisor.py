"""Keeps the processes of a local stack running: starts them, starts them again when they die, stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import httpx

from chassis.embedded.process import EmbeddedError, end, spawn, tail, write_private
from hearth.stack_folder import Folder, StackError

READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 15.0
STEADY_SECONDS: Final = 30.0
"""A process that ran for so long is started again at once when it dies."""
LOG_LIMIT: Final = 20_000_000
_WATCH_SECONDS: Final = 0.1
_READY: Final = 200


class Server(Protocol):
    """What the supervisor asks of a process; PostgreSQL and NATS of `chassis.embedded` do the same."""

    def prepare(self) -> None:
        """Get ready to start; may take a while."""

    def launch(self) -> None:
        """Start the process; returns at once."""

    def wait_ready(self) -> None:
        """Return when it serves. Raises EmbeddedError when it ends first or takes too long."""

    def stop(self) -> None:
        """End it cleanly; returns when it is gone."""

    @property
    def running(self) -> bool:
        """Whether the process that was launched still runs."""

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""


class Program:
    """One of our own processes, ready when its /readyz says so."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], log: Path, ready_url: str) -> None:
        self._argv = argv
        self._environment = environment
        self._log = log
        self._ready_url = ready_url
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Nothing to prepare."""

    def launch(self) -> None:
        """Start it; it gets SIGTERM when this thread ends, so that none outlives a killed supervisor."""
        self._process = spawn(self._argv, log=self._log, env=self._environment, death_signal=signal.SIGTERM)

    def wait_ready(self) -> None:
        """Return when /readyz answers 200. Raises EmbeddedError with the end of the log."""
        deadline = time.monotonic() + READY_SECONDS
        said = "it answers nothing"
        with httpx.Client(trust_env=False, timeout=5.0) as http:
            while self.running and time.monotonic() < deadline:
                with contextlib.suppress(httpx.TransportError):
                    answer = http.get(self._ready_url)
                    if answer.status_code == _READY:
                        return
                    said = f"/readyz answers {answer.status_code} {answer.text[:500]}"
                time.sleep(0.05)
        reason = f"is not ready after {READY_SECONDS:.0f} s ({said})" if self.running else "has ended"
        raise EmbeddedError(f"{reason}; the end of {self._log}:\n{tail(self._log)}")

    def stop(self) -> None:
        """End it with SIGTERM, which lets it finish what it has begun."""
        if self._process is not None:
            steps = ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0))
            end(self._process.pid, *steps, child=self._process)

    @property
    def running(self) -> bool:
        """Whether the process that was launched still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None


@dataclass
class Unit:
    """One supervised process with its place in the state file."""

    name: str
    server: Server
    log: Path
    url: str
    internal_url: str | None = None
    restarts: int = 0


@dataclass
class Supervisor:
    """Runs units in layers: each layer is brought up side by side and stopped after those above it."""

    folder: Folder
    say: Callable[[str], None]
    facts: dict[str, Any] = field(default_factory=dict)
    _layers: list[list[Unit]] = field(default_factory=list)
    _keepers: list[asyncio.Task[None]] = field(default_factory=list)

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - any JSON
        """Change facts of the state file and write it; a full disk does not end the supervision."""
        self.facts |= facts
        processes = {
            unit.name: {
                "pid": unit.server.pid,
                "url": unit.url,
                "internal_url": unit.internal_url,
                "restarts": unit.restarts,
            }
            for layer in self._layers
            for unit in layer
        }
        with contextlib.suppress(OSError):
            write_private(self.folder.state_file, json.dumps(self.facts | {"processes": processes}, indent=1) + "\n")

    async def bring_up(self, *units: Unit) -> None:
        """Start a layer and return when all of it is ready; from then on it is kept running.

        Raises StackError naming the first unit that did not get ready.
        """
        self._layers.append(list(units))
        async with side_by_side() as group:
            for unit in units:
                group.create_task(self._start(unit))
        self._keepers += [asyncio.create_task(self._keep(unit), name=unit.name) for unit in units]

    async def stop(self) -> None:
        """Stop layer by layer, the last one first."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for layer in reversed(self._layers):
            stops = (asyncio.to_thread(unit.server.stop) for unit in layer)
            for unit, outcome in zip(layer, await asyncio.gather(*stops, return_exceptions=True), strict=True):
                if outcome is not None:
                    self.say(f"{unit.name}: {outcome}")
                self.folder.pid_file(unit.name).unlink(missing_ok=True)
        self._layers.clear()
        self.folder.state_file.unlink(missing_ok=True)

    async def _start(self, unit: Unit) -> None:
        """Launch one unit and wait until it serves. Launching happens in this thread: children end with it."""
        try:
            _rotate(unit.log)
            await asyncio.to_thread(unit.server.prepare)
            unit.server.launch()
            self._record(unit)
            await asyncio.to_thread(unit.server.wait_ready)
            self._record(unit)
        except (EmbeddedError, OSError, subprocess.SubprocessError) as error:
            raise StackError(f"{unit.name}: {error}") from error

    def _record(self, unit: Unit) -> None:
        with contextlib.suppress(OSError):
            if unit.server.pid is not None:
                write_private(self.folder.pid_file(unit.name), f"{unit.server.pid}\n")
        self.note()

    async def _keep(self, unit: Unit) -> None:
        """Start the unit again whenever it dies, with growing pauses while it does not hold."""
        pause = FIRST_PAUSE
        while True:
            since = time.monotonic()
            await _until_ended(lambda: unit.server.running)
            pause = FIRST_PAUSE if time.monotonic() - since > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            self.folder.pid_file(unit.name).unlink(missing_ok=True)
            self.note()
            self.say(f"{unit.name} has ended; starting it again")
            await asyncio.sleep(pause)
            unit.restarts += 1
            try:
                await self._start(unit)
            except StackError as error:
                self.say(str(error))
                await asyncio.to_thread(unit.server.stop)
            else:
                self.say(f"{unit.name} is back")


async def _until_ended(running: Callable[[], bool]) -> None:
    while running():  # noqa: ASYNC110 - the kernel tells nobody but the one who asks
        await asyncio.sleep(_WATCH_SECONDS)


@contextlib.asynccontextmanager
async def side_by_side() -> AsyncIterator[asyncio.TaskGroup]:
    """Run a TaskGroup whose first StackError is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except* StackError as errors:
        raise errors.exceptions[0] from None


async def run_to_end(name: str, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Run a program that ends by itself. Raises StackError with the end of its log when it fails; cancelling ends it."""
    _rotate(log)
    process = spawn(argv, log=log, env=environment, death_signal=signal.SIGTERM)
    try:
        await _until_ended(lambda: process.poll() is None)
    finally:
        end(process.pid, (signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0), child=process)
    if process.returncode != 0:
        raise StackError(f"{name} failed; the end of {log}:\n{tail(log)}")


def _rotate(log: Path) -> None:
    """Keep one log of the past."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".1.log"))
