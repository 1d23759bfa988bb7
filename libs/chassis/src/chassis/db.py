"""The database: transactions with a tenant for writing, and single statements for hot reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Enum, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from chassis import outbox

TENANT_SETTING = "hearth.organization_id"
STATEMENT_TIMEOUT_SECONDS = 10
POOL_TIMEOUT_SECONDS = 5.0
"""How long a request waits for a connection while all are taken; then it is answered 503."""

Session = AsyncSession


def text_enum(kind: type[StrEnum]) -> Enum:
    """Return the type of a text column that holds the values of an enumeration; a CHECK constraint refuses others."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        values_callable=lambda members: [member.value for member in members],
    )


def _driver_url(url: str) -> str:
    # libpq's and asyncpg's name for it, which SQLAlchemy's dialect knows by another.
    return "postgresql+asyncpg://" + url.partition("://")[2].replace("?sslmode=", "?ssl=").replace("&sslmode=", "&ssl=")


def make_engine(
    url: str,
    *,
    connections: int = 10,
    statement_timeout: float | None = STATEMENT_TIMEOUT_SECONDS,
    pool_timeout: float = POOL_TIMEOUT_SECONDS,
) -> AsyncEngine:
    """Return an engine for `postgresql://...`; zero connections mean one new connection each time (migrations, tests)."""
    settings = {"application_name": "hearth", "idle_in_transaction_session_timeout": "60s", "timezone": "UTC"}
    if statement_timeout:
        settings["statement_timeout"] = str(int(statement_timeout * 1000))
    arguments = {"server_settings": settings, "timeout": 5}
    if connections == 0:
        return create_async_engine(_driver_url(url), connect_args=arguments, poolclass=NullPool, hide_parameters=True)
    return create_async_engine(
        _driver_url(url),
        connect_args=arguments,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_pre_ping=True,
        # Bound values are people's data: an error that is logged names the statement, not them.
        hide_parameters=True,
    )


_ENTER = text("SELECT set_config(:name, :value, true)")
_ENTER_HURRIED = text("SELECT set_config(:name, :value, true), set_config('lock_timeout', :milliseconds, true)")


async def enter_tenant(session: Session, organization_id: UUID, *, lock_timeout: float | None = None) -> None:
    """Let the rest of the transaction see this tenant's rows, and no others.

    With `lock_timeout` it waits for what others have locked no longer than so many seconds each time; then it fails.
    """
    values = {"name": TENANT_SETTING, "value": str(organization_id)}
    if lock_timeout is None:
        await session.execute(_ENTER, values)
    else:
        await session.execute(_ENTER_HURRIED, values | {"milliseconds": str(round(lock_timeout * 1000))})


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, organization_id: UUID | None = None, *, lock_timeout: float | None = None
) -> AsyncIterator[Session]:
    """Run one transaction: its events are written with it, it commits at the end, and rolls back on any error."""
    async with Session(engine, expire_on_commit=False) as session:
        if organization_id is not None:
            await enter_tenant(session, organization_id, lock_timeout=lock_timeout)
        yield session
        await commit(session)


async def commit(session: Session) -> None:
    """Write what is pending, the events too, and commit. Only `transaction` and the request's committer call this."""
    await outbox.write_pending(session)
    await session.commit()


async def read(session: Session, query: str, *arguments: Any) -> bytes | None:  # noqa: ANN401  any bound value
    """Run a query written for `Reader.json` inside a transaction, so that a write answers with what a read would.

    The tenant is the transaction's; arguments start at $2 all the same.
    """
    connection = await session.connection()
    result = await connection.exec_driver_sql(
        f"SELECT CASE WHEN $1::text IS NULL THEN ({query})::text END", (None, *arguments)
    )
    value: str | None = result.scalar_one()
    return None if value is None else value.encode()


@lru_cache(maxsize=256)
def _as_tenant(query: str) -> str:
    return (
        f"SELECT CASE WHEN set_config('{TENANT_SETTING}', $1, true) IS NOT NULL "
        f"THEN convert_to(({query})::text, 'UTF8') END"
    )


class Reader:
    """Hot reads: one statement on a bare connection, JSON built by PostgreSQL, under the same row-level security.

    Its connections are kept here and not in asyncpg's pool, whose bookkeeping costs as much as a small query: a read leaves nothing
    behind to reset, since its setting ends with its statement.
    """

    def __init__(self, url: str, *, connections: int = 10) -> None:
        self._url = url
        self._idle: list[asyncpg.Connection] = []
        self._slots = asyncio.Semaphore(connections)
        self._closed = False

    @classmethod
    async def connect(cls, url: str, *, connections: int = 10) -> Reader:
        """Return a reader; it connects when it first reads."""
        return cls(url, connections=connections)

    async def close(self) -> None:
        """Close the connections; those in use, as soon as they are given back."""
        self._closed = True
        while self._idle:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._idle.pop().close(timeout=2)

    async def json(self, organization_id: UUID, query: str, *arguments: Any) -> bytes | None:  # noqa: ANN401  any bound value
        """Run a query that returns one JSON value, as the tenant, in one round trip; its arguments start at $2.

        The value is in UTF-8, as it is sent: making it text here and bytes again would cost as much as all the rest.

        CASE evaluates the tenant setting before the subquery, and row-level security reads it inside an InitPlan, which
        PostgreSQL runs when it is first needed; were that ever to change, the setting would be missing and the query fail.
        Raises OSError or asyncpg.PostgresError when the database is away.
        """
        value: bytes | None = await self._fetch(_as_tenant(query), str(organization_id), *arguments)
        return value

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        await self._fetch("SELECT 1", timeout=2)

    async def _fetch(self, statement: str, *arguments: Any, timeout: float = STATEMENT_TIMEOUT_SECONDS) -> Any:  # noqa: ANN401, ASYNC109  asyncpg's own timeout cancels the statement at the server too
        async with self._slots:
            connection = await self._take()
            try:
                value = await connection.fetchval(statement, *arguments, timeout=timeout)
            except asyncpg.PostgresError:
                self._give(connection)
                raise
            except BaseException:
                # Cut off in the middle: nobody knows what it would answer next.
                connection.terminate()
                raise
            self._give(connection)
            return value

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(
            self._url,
            timeout=5,
            server_settings={
                "application_name": "hearth-read",
                "default_transaction_read_only": "on",
                "jit": "off",
                # A hot read's plan hangs on its indexes and not on its arguments; planned anew each time, which is what
                # PostgreSQL decides for the feed, it costs three times as much.
                "plan_cache_mode": "force_generic_plan",
                # JSON that PostgreSQL builds writes times in the session's zone.
                "timezone": "UTC",
            },
        )

    def _give(self, connection: asyncpg.Connection) -> None:
        if self._closed:
            connection.terminate()
        else:
            self._idle.append(connection)
