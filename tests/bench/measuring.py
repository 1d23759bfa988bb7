"""What the benches share: real servers with durable settings, processes of the comparison, CPU time, and the table at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import uvicorn

from chassis.embedded.nats import Nats
from chassis.embedded.postgres import Postgres
from chassis.testing.cluster import Cluster, Database

WAIT_SECONDS = 60
MOST_LOG = 4000
FEWEST_TURNS = 3


class Budget:
    """Says when turns end: after so many, or on a slow machine after so many seconds, though not before the third turn."""

    def __init__(self, turns: int, seconds: float) -> None:
        self._turns = turns
        self._until = time.perf_counter() + seconds
        self._taken = 0

    def __iter__(self) -> Iterator[int]:
        while self._taken < self._turns and (self._taken < FEWEST_TURNS or time.perf_counter() < self._until):
            self._taken += 1
            yield self._taken


class Servers(Cluster):
    """PostgreSQL and NATS as in production: every commit and every acknowledged message is on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.postgres = Postgres(
            self.folder / "postgres", options={"track_commit_timestamp": "on"}, die_with_parent=True
        )
        users = {user: user for user in ("members", "content", "engagement", "gateway")}
        self.nats = Nats(self.folder / "nats", users=users, sync_always=True, die_with_parent=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def settings(self, service: str, database: Database) -> dict[str, str]:
        """Return the settings of a process of the service, by their names in lower case without the prefix."""
        return {
            "database_url": database.application,
            "worker_database_url": database.worker,
            "nats_url": self.nats.url(service),
            "log_level": "WARNING",
        }

    def environment(self, service: str, database: Database, **more: str) -> dict[str, str]:
        """Return the environment of a process of the service; `more` are settings."""
        settings = {**self.settings(service, database), **more}
        for name in ("database_url", "worker_database_url"):
            settings[f"{service}_{name}"] = settings.pop(name)
        return {f"HEARTH_{name.upper()}": value for name, value in settings.items()}

    def database_cpu(self) -> float:
        """Return the CPU seconds that PostgreSQL's living processes have used."""
        postmaster = self.postgres.pid
        if postmaster is None:
            raise RuntimeError("PostgreSQL is down")
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return sum(cpu_seconds(int(pid)) for pid in (postmaster, *children))


class Processes:
    """Processes of a comparison, ended with it."""

    def __init__(self, log: BinaryIO) -> None:
        self._log = log
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._log.seek(0)
            say(self._log.read()[-MOST_LOG:].decode(errors="replace"))
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, arguments: Sequence[str], environment: dict[str, str] | None = None) -> int:
        """Start Python with these arguments; return the process id."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}
        process = subprocess.Popen([sys.executable, *arguments], stderr=self._log, env={**kept, **(environment or {})})
        self._started.append(process)
        return process.pid


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, all its threads; 0 for one that is gone."""
    total = 0
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def uvicorn_config(app: Any, port: int) -> uvicorn.Config:
    """Return the settings that chassis.serve uses, for what is compared with it."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=75,
    )


async def listening(port: int) -> None:
    """Wait until something accepts on the port. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which so large a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def say(line: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Pair:
    """One turn: ours beside the bare thing."""

    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        """Ours in terms of the bare thing."""
        return self.ours / self.bare


@dataclass(frozen=True)
class Figure:
    """A line of the table. The target is a bound of the ratio: at least it when `least`, else at most it; None only reports."""

    name: str
    unit: str
    pairs: Sequence[Pair]
    target: float | None = None
    least: bool = True

    @property
    def ratio(self) -> float:
        """The median of the turns' ratios."""
        return statistics.median(pair.ratio for pair in self.pairs)

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        if self.target is None:
            return True
        return self.ratio >= self.target if self.least else self.ratio <= self.target

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells."""
        ours, bare = (statistics.median(values) for values in zip(*((p.ours, p.bare) for p in self.pairs), strict=True))
        if self.target is None:
            target, verdict = "-", "reported"
        else:
            target, verdict = f"{'>=' if self.least else '<='} {self.target:g}", "met" if self.met else "MISSED"
        return (
            self.name,
            f"{ours:,.0f} {self.unit}",
            f"{bare:,.0f} {self.unit}",
            f"{self.ratio:{'.2f' if self.ratio >= 0.1 else '.2g'}}",
            target,
            verdict,
        )


def conclude(figures: Sequence[Figure]) -> int:
    """Print the table; return the exit code, 1 when a target is missed."""
    rows = [("figure", "ours", "bare", "ratio", "target", "verdict"), *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0 if all(figure.met for figure in figures) else 1
