"""The reader keeps its own connections: what breaks one must not reach the next read."""

import asyncio

import asyncpg
import pytest

from chassis.db import Reader
from chassis.ids import new_id
from chassis.testing.cluster import Cluster, Database


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Database:
    return cluster.empty("sample")


async def terminate(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
        database.name,
    )
    await connection.close()


async def sleeping(database: Database, reading: asyncio.Task[object]) -> None:
    """Wait until the statement of a read is asleep at the server; raises what the read raises when it ends first."""
    connection = await asyncpg.connect(database.superuser)
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'"
    async with asyncio.timeout(30):
        while not await connection.fetchval(asleep, database.name):
            assert not reading.done(), await reading
            await asyncio.sleep(0)
    await connection.close()


async def test_it_reads_as_the_tenant_and_not_beyond_the_statement(database: Database) -> None:
    reader = await Reader.connect(database.application, connections=1)
    tenant = new_id()
    query = "SELECT to_json(current_setting('hearth.organization_id', true))"
    assert await reader.json(tenant, query) == f'"{tenant}"'.encode()
    with pytest.raises(asyncpg.PostgresError):
        await reader._fetch("SELECT current_setting('hearth.organization_id')::uuid")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await reader._fetch("CREATE TABLE anything (id int)")
    await reader.close()


async def test_a_statement_that_fails_leaves_its_connection_usable(database: Database) -> None:
    reader = await Reader.connect(database.application, connections=1)
    before = await reader._fetch("SELECT pg_backend_pid()")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await reader.json(new_id(), "SELECT to_json(1 / 0)")
    assert await reader._fetch("SELECT pg_backend_pid()") == before
    await reader.close()


async def test_a_connection_that_died_is_replaced(database: Database) -> None:
    reader = await Reader.connect(database.application, connections=2)
    await asyncio.gather(reader.ping(), reader.ping())
    await terminate(database)
    async with asyncio.timeout(30):
        while not all(connection.is_closed() for connection in reader._idle):  # noqa: ASYNC110  the server's word is on its way
            await asyncio.sleep(0)
    reading = asyncio.create_task(reader._fetch("SELECT pg_sleep(5)"))
    await sleeping(database, reading)
    await terminate(database)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await reading
    for _ in range(4):
        assert await reader.json(new_id(), "SELECT to_json(1)") == b"1"
    await reader.close()


async def test_a_read_that_is_given_up_or_too_slow_never_answers_another(database: Database) -> None:
    reader = await Reader.connect(database.application, connections=1)
    reading = asyncio.create_task(reader._fetch("SELECT pg_sleep(5)"))
    await sleeping(database, reading)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(TimeoutError):
        await reader._fetch("SELECT pg_sleep(5)", timeout=0.1)
    assert await reader.json(new_id(), "SELECT to_json(2)") == b"2"
    await reader.close()


async def test_no_more_connections_than_allowed(database: Database) -> None:
    reader = await Reader.connect(database.application, connections=3)
    used = await asyncio.gather(*(reader._fetch("SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(30)))
    assert len(set(used)) == 3
    await reader.close()
