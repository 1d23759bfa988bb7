"""The ledger of calls, as the proxy uses it: all that wait are written in one statement, so that many callers share one commit.

A call is passed on once its row is safe on the disk. How it ended follows within moments, and may be lost with the process or the database:
then the row says that it never completed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Protocol
from uuid import UUID

import asyncpg

from chassis import clock, telemetry
from chassis.db import TENANT_SETTING
from chassis.errors import Problem

PATIENCE_SECONDS = 3.0
"""How long a call waits for its row before it is refused."""
FLUSH_SECONDS = 0.2
AWAY_SECONDS = 1.0
MOST_AT_ONCE = 1000
MOST_ENDED = 50_000
"""How many ends are remembered while the database is away."""
UNCONFIGURED = (
    "This installation has no database for partners, and serves no API client without writing its calls down."
)
AWAY = "Calls of API clients are written down before they are answered, and cannot be at this moment: try again."
_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = telemetry.log("gateway.calls")

# The tenant is set in the statement itself, which saves two round trips. Row-level security reads it when the first row is checked, and the
# row comes out of the condition that sets it; were that ever to change, the setting would be missing and the statement fail.
_BEGIN = f"""
INSERT INTO client_call (id, organization_id, client_id, at, method, route, path, address, trace_id, delegated)
SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::boolean[]) WHERE set_config('{TENANT_SETTING}', $1, true) IS NOT NULL
ON CONFLICT DO NOTHING
"""
_END = """
UPDATE client_call SET status = ended.status, milliseconds = ended.milliseconds
FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS ended(id, status, milliseconds) WHERE client_call.id = ended.id
"""
_RETAIN = f"""
INSERT INTO due_work (organization_id, kind, key, due_at)
SELECT $1::uuid, 'calls.forget', 'calls', $2 WHERE set_config('{TENANT_SETTING}', $1::text, true) IS NOT NULL
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a call before it is passed on; `route` is the pattern of its row in the route table."""

    id: UUID
    organization_id: UUID
    client_id: UUID
    at: datetime
    method: str
    route: str
    path: str
    address: str
    trace_id: str
    delegated: bool


class Calls(Protocol):
    """What the proxy needs of a ledger."""

    async def begin(self, call: Call) -> None:
        """Write a call down. Raises Problem 503 when that cannot be done."""

    def end(self, call: Call, status: int, milliseconds: int) -> None:
        """Note how a call ended."""

    async def close(self) -> None:
        """Write what is still to be written."""


class Unconfigured:
    """The ledger of an installation without a database for partners: it refuses."""

    async def begin(self, call: Call) -> None:
        """Refuse. Raises Problem 503."""
        del call
        raise Problem(503, "audit-unavailable", UNCONFIGURED, headers={"Retry-After": "60"})

    def end(self, call: Call, status: int, milliseconds: int) -> None:
        """Do nothing: nothing began."""

    async def close(self) -> None:
        """Do nothing."""


class Ledger:
    """Writes calls to the database, in the process of the proxy."""

    def __init__(self, url: str) -> None:
        self._beginnings = _Line(url)
        # How a call ended may be lost with the database's last moments: nobody waits for its disk.
        self._ends = _Line(url, synchronous_commit="off")
        self._begun: list[tuple[Call, asyncio.Future[None]]] = []
        self._ended: deque[tuple[Call, int, int]] = deque(maxlen=MOST_ENDED)
        self._some_begun, self._some_ended = asyncio.Event(), asyncio.Event()
        self._retained: set[UUID] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, call: Call) -> None:
        """Return once the call's row is safe. Raises Problem 503 when it cannot be written now."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._write_beginnings()), asyncio.create_task(self._write_ends())]
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begun.append((call, written))
        self._some_begun.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await written
        except TimeoutError:
            log.warning("call_refused", error="TimeoutError")
            raise Problem(503, "audit-unavailable", AWAY, headers={"Retry-After": "1"}) from None
        except ConnectionError:
            raise Problem(503, "audit-unavailable", AWAY, headers={"Retry-After": "1"}) from None

    def end(self, call: Call, status: int, milliseconds: int) -> None:
        """Have the call's row completed soon."""
        self._ended.append((call, status, milliseconds))
        self._some_ended.set()

    async def close(self) -> None:
        """Write how the last calls ended, and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(*_FAILURES):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._ended:
                    await self._complete_some()
        for line in (self._beginnings, self._ends):
            await line.close()

    async def _write_beginnings(self) -> None:
        while True:
            await self._some_begun.wait()
            # Who gave up meanwhile was refused: their calls were never passed on.
            waiting = [(call, written) for call, written in self._begun[:MOST_AT_ONCE] if not written.done()]
            del self._begun[:MOST_AT_ONCE]
            if not self._begun:
                self._some_begun.clear()
            waiting.sort(key=lambda one: one[0].organization_id)
            for organization_id, group in groupby(waiting, key=lambda one: one[0].organization_id):
                await self._write_some(organization_id, list(group))

    async def _write_some(self, organization_id: UUID, waiting: Sequence[tuple[Call, asyncio.Future[None]]]) -> None:
        error: BaseException | None = None
        try:
            if organization_id not in self._retained:
                await self._beginnings.run(_RETAIN, str(organization_id), clock.now())
                self._retained.add(organization_id)
            calls = [call for call, _ in waiting]
            await self._beginnings.run(
                _BEGIN,
                str(organization_id),
                [call.id for call in calls],
                [call.organization_id for call in calls],
                [call.client_id for call in calls],
                [call.at for call in calls],
                [call.method for call in calls],
                [call.route for call in calls],
                [call.path for call in calls],
                [call.address for call in calls],
                [call.trace_id for call in calls],
                [call.delegated for call in calls],
            )
        except Exception as failure:  # noqa: BLE001  whatever it is, those who wait are refused and others served after them
            log.warning("calls_refused", calls=len(waiting), error=type(failure).__name__)
            error = failure
        for _, written in waiting:
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                # Each its own: an exception that several tasks raise at once grows by the frames of all of them.
                written.set_exception(ConnectionError(type(error).__name__))

    async def _write_ends(self) -> None:
        while True:
            await self._some_ended.wait()
            self._some_ended.clear()
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                while self._ended:
                    await self._complete_some()
            except Exception as error:  # noqa: BLE001  they are still there: wait and try again
                log.warning("calls_not_completed", calls=len(self._ended), error=type(error).__name__)
                self._some_ended.set()
                await asyncio.sleep(AWAY_SECONDS)

    async def _complete_some(self) -> None:
        some = [self._ended.popleft() for _ in range(min(len(self._ended), MOST_AT_ONCE))]
        try:
            for organization_id in {call.organization_id for call, _, _ in some}:
                mine = [one for one in some if one[0].organization_id == organization_id]
                await self._ends.run_as(
                    organization_id,
                    _END,
                    [call.id for call, _, _ in mine],
                    [status for _, status, _ in mine],
                    [milliseconds for _, _, milliseconds in mine],
                )
        except BaseException:
            # Completing a call twice says the same. What is too much is the oldest.
            room = MOST_ENDED - len(self._ended)
            self._ended.extendleft(reversed(some[-room:] if room else []))
            raise


class _Line:
    """One connection, made when it is needed and again when it broke."""

    def __init__(self, url: str, **settings: str) -> None:
        self._url = url
        self._settings = {"application_name": "hearth-calls", "timezone": "UTC", **settings}
        self._connection: asyncpg.Connection | None = None

    async def run(self, statement: str, *arguments: object) -> None:
        """Run one statement, on a new connection when the one at hand turns out to be broken. Raises what _FAILURES names."""
        fresh = self._connection is None or self._connection.is_closed()
        try:
            await (await self._open()).execute(statement, *arguments)
        except (
            OSError,
            TimeoutError,
            asyncpg.InterfaceError,
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
        ):
            self._drop()
            if fresh:
                raise
            await (await self._open()).execute(statement, *arguments)

    async def run_as(self, organization_id: UUID, statement: str, *arguments: object) -> None:
        """Run one statement as a tenant. Raises what _FAILURES names."""
        try:
            connection = await self._open()
            async with connection.transaction():
                await connection.execute(f"SELECT set_config('{TENANT_SETTING}', $1, true)", str(organization_id))
                await connection.execute(statement, *arguments)
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:
        """Close the connection."""
        self._drop()

    async def _open(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url, timeout=PATIENCE_SECONDS, command_timeout=PATIENCE_SECONDS, server_settings=self._settings
            )
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
