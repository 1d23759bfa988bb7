"""A real stack for journeys and faults: all that `hearth up` starts, in a folder of its own, with hands to look inside and to break it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.errors import NotFoundError
from tests.cli.stacks import TrialStack, eventually

from chassis.embedded.nats import Nats
from chassis.embedded.postgres import Postgres
from chassis.embedded.process import alive, environment, spawn, wait_until
from contracts.base import Envelope, stream_of
from hearth.client import ClientError
from hearth.internal import Operator, find_deployment
from hearth.stack_folder import Folder

ROOT = Path(__file__).parents[1]
SERVICES = ("members", "content", "engagement", "gateway")
"""Each with a database, an outbox and consumers."""
OWNED = {"gateway": "partners"}
"""Whose events a process tells, where that is not its own name."""
START_SECONDS = 300.0
SOON = "5 seconds"
DRAIN_SECONDS = 120.0
"""What a consumer that was killed had in hand is delivered again after 30 seconds."""


class LiveStack(TrialStack):
    """A stack of the real services."""

    def __init__(self) -> None:
        super().__init__()
        del self.environment["PYTHONPATH"]  # where the stand-ins are

    def start(self, port: int = 0, **environment: str) -> None:
        """Bring it up; `environment` is told to every process. It ends with the process that tests, however that ends."""
        self.environment |= environment
        log = self.home / "said"
        argv = [sys.executable, "-m", "hearth.main", "up", "--data", str(self.data), "--port", str(port)]
        process = spawn(argv, log=log, env=self.environment, death_signal=signal.SIGTERM)
        self._foreground.append(process)
        wait_until(lambda: self.ready() or process.poll() is not None, START_SECONDS, every=0.05)
        assert self.ready(), f"the stack does not start: {log.read_text()[-5000:]}"

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return self.credentials()["base_url"]

    # -- commands -----------------------------------------------------------------------------------------------------

    def command(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a `hearth` command as a process of its own and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "hearth.main", *arguments],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def bring(self, export: Path, slug: str, *options: str) -> dict[str, Any]:
        """Import a Slack export and return the summary; the command must succeed."""
        done = self.command("import", "slack", str(export), "--community", slug, "--json", *options)
        said, complaint = done.communicate(timeout=600)
        assert done.returncode == 0, f"{complaint}\n{said}"
        summary: dict[str, Any] = json.loads(said)
        return summary

    # -- looking inside -----------------------------------------------------------------------------------------------

    def sql(self, service: str, query: str, **values: str) -> list[dict[str, Any]]:
        """Return the rows of a query, asked as superuser: past row-level security. `:'name'` stands for a value."""
        script = f"SELECT coalesce(json_agg(found), '[]') FROM ({query}) AS found;"
        rows: list[dict[str, Any]] = json.loads(self.execute(service, script, **values))
        return rows

    def count(self, service: str, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.sql(service, f"SELECT count(*) AS rows FROM {table}")[0]["rows"])

    def execute(self, service: str, script: str, **values: str) -> str:
        """Run a script as superuser, to break something on purpose."""
        return Postgres(self.data / "postgres").psql(script, database=f"hearth_{service}", **values)

    def nats_url(self, user: str | None = None) -> str:
        """The address of NATS for a user; the admin when none is named."""
        return Nats(self.data / "nats").url(user)

    def stream(self, service: str) -> list[Envelope]:
        """Return everything in a process's stream, in its order; nothing when there is no stream."""
        owner = OWNED.get(service, service)

        async def read() -> list[Envelope]:
            client = await nats.connect(self.nats_url())
            try:
                jetstream = client.jetstream()
                try:
                    info = await jetstream.stream_info(stream_of(owner))
                except NotFoundError:
                    return []
                subscription = await jetstream.subscribe(f"evt.{owner}.>", ordered_consumer=True)
                messages = [await subscription.next_msg(timeout=10) for _ in range(info.state.messages)]
                return [Envelope.model_validate_json(message.data) for message in messages]
            finally:
                await client.close()

        return asyncio.run(read())

    def publish(self, subject: str, payload: bytes, user: str | None = None) -> None:
        """Publish a message past the outbox, as a user (the admin when none is named), and wait for the stream's word."""

        async def send() -> None:
            client = await nats.connect(self.nats_url(user))
            try:
                await client.jetstream().publish(subject, payload)
            finally:
                await client.close()

        asyncio.run(send())

    def operator(self) -> Operator:
        """Return a caller of the internal ports, to be used with `with`."""
        return Operator(find_deployment(self.data))

    def waiting(self) -> dict[str, int]:
        """Return what is on its way, by outbox and by consumer; only what is not nothing."""
        found: dict[str, int] = {}
        with self.operator() as operator:
            for service in SERVICES:
                found[f"{service} outbox"] = operator.get(service, "/ops/outbox")["unpublished"]
                for row in operator.get(service, "/ops/consumers")["data"]:
                    # Without figures the consumer is being made anew on its stream: it has everything before it. A stream whose
                    # owner has no worker here is none.
                    unmade = int(row["stream"] in {stream_of(OWNED.get(name, name)) for name in SERVICES})
                    left = unmade if row["pending"] is None else row["pending"] + row["ack_pending"]
                    found[f"{service} {row['consumer']} of {row['stream']}"] = left
        for service in SERVICES:
            # Work that an event has put off by a moment becomes events of its own.
            [row] = self.sql(service, f"SELECT count(*) FROM due_work WHERE due_at < now() + interval '{SOON}'")
            found[f"{service} due work"] = row["count"]
        return {name: left for name, left in found.items() if left}

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until every event is published and has taken effect everywhere."""
        left: dict[str, int] = {}

        def drained() -> bool:
            nonlocal left
            try:
                # Twice, for what was under way between the looks at its stations.
                left = self.waiting() or self.waiting()
            except ClientError as error:
                left = {str(error): 1}
            return not left

        with contextlib.suppress(AssertionError):
            eventually(drained, seconds)
        assert not left, f"not drained after {seconds:.0f} s: {left}"

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return every dead letter of every service."""
        return [
            {"service": service, **row}
            for service in SERVICES
            for row in self.sql(service, "SELECT consumer, type, error, attempts FROM dead_letter")
        ]

    # -- breaking -----------------------------------------------------------------------------------------------------

    def pid_of(self, name: str) -> int:
        """Return the number of a process that is certainly of this stack."""
        if name in {"postgres", "nats"}:
            pid = Postgres(self.data / name).pid if name == "postgres" else Nats(self.data / name).pid
            assert pid, f"{name} is not running"
            return pid
        pid = int((self.data / f"run/{name}.pid").read_text())
        told = environment(pid)
        assert (told.get("HEARTH_STACK"), told.get("HEARTH_PROCESS")) == (str(self.data), name), f"{pid} is not {name}"
        return pid

    def end(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """End one process of this stack with a signal; return its old number. The supervisor starts it again."""
        pid = self.pid_of(name)
        os.kill(pid, number)
        return pid

    def await_back(self, name: str, before: int, seconds: float = 90) -> None:
        """Wait until a process that was `before` serves again."""
        eventually(lambda: self.back(name, before) and self.serves(name), seconds)

    def serves(self, name: str) -> bool:
        """Whether a process can do its work."""
        if name == "postgres":
            return Postgres(self.data / name).ready
        if name == "nats":
            return Nats(self.data / name).ready
        try:
            with self.operator() as operator:
                answer = operator.probe(name, "/readyz")
        except ClientError:
            return False
        return answer is not None and answer.is_success

    @contextlib.contextmanager
    def unattended(self) -> Iterator[None]:
        """Stop the supervisor's heart, so that what dies in the block stays dead until its end."""
        supervisor = Folder.at(self.data).supervisor()
        assert supervisor is not None
        os.kill(supervisor, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(supervisor, signal.SIGCONT)

    def wipe_streams(self) -> None:
        """Lose everything that NATS has stored; it is up again, and empty, when this returns."""
        before = self.pid_of("nats")
        with self.unattended():
            os.kill(before, signal.SIGKILL)
            eventually(lambda: not alive(before))
            shutil.rmtree(self.data / "nats/jetstream")
        self.await_back("nats", before)


@contextlib.contextmanager
def running_stack(**environment: str) -> Iterator[LiveStack]:
    """Run a stack for the block. When the block fails, the ends of the logs are printed for the report."""
    stack = LiveStack()
    try:
        stack.start(**environment)
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="module")
def stack() -> Iterator[LiveStack]:
    """A stack for the tests of a module, which may break it and count all that is in it."""
    with running_stack() as live:
        yield live


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[LiveStack]:
    """A stack for all who found a brand of their own in it and leave the rest alone."""
    with running_stack() as live:
        yield live


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for a condition; the failure says what was waited for."""
    assert wait_until(condition, seconds, every=0.05), f"not within {seconds:.0f} s: {what}"


def temporary_folder() -> Path:
    """Return a folder for a test's own files, outside of any stack's."""
    return Path(tempfile.mkdtemp(prefix="hearth-journey-"))
