"""The gateway's tables: as the models say, isolated by tenant, and brought to a database that holds data."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest
from tests.gateway.calls.ledgers import call, open_ledger
from tests.gateway.endpoints.town import found

from chassis import migrations
from chassis.ids import new_id
from chassis.schema import WORKER_TABLES
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit
from gateway.service import service
from gateway.tables import Table

COLUMNS = "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = $1"
TENANTS = """
SELECT relname, relrowsecurity AND relforcerowsecurity AS bound FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'
"""


async def test_models_are_the_tables(kit: Kit) -> None:
    named = set(Table.metadata.tables)
    assert {"partner", "partner_consent", "partner_merged", "endpoint", "endpoint_secret", "client_call"} <= named
    for name, table in Table.metadata.tables.items():
        rows = {row["column_name"]: row["is_nullable"] == "YES" for row in await kit.sql(COLUMNS, name)}
        assert rows == {column.name: bool(column.nullable) for column in table.columns}, name


async def test_every_table_is_under_forced_row_security(kit: Kit) -> None:
    rows = {row["relname"]: row["bound"] for row in await kit.sql(TENANTS)}
    assert {"community", "client_call", "endpoint", *WORKER_TABLES} <= rows.keys()
    assert [name for name, bound in rows.items() if not bound] == []


async def test_tenants_are_apart(kit: Kit) -> None:
    mine, other = await found(kit), await found(kit)
    for town in (mine, other):
        await town.endpoint()
        await kit.community(town.organization)
        await kit.sql("INSERT INTO partner_consent VALUES ($1, $2, $3, true)", town.client, new_id(), town.organization)
        await kit.sql("INSERT INTO partner_merged VALUES ($1, $2, $3)", new_id(), town.organization, new_id())
        async with open_ledger(kit.database.application) as ledger:
            await ledger.begin(call(town.organization, town.client))
    for url in (kit.database.application, kit.database.worker):
        connection = await asyncpg.connect(url)
        try:
            for table in (
                *("partner", "partner_consent", "partner_merged"),
                *("endpoint", "endpoint_secret", "community", "client_call"),
            ):
                with pytest.raises(asyncpg.PostgresError):
                    await connection.fetch(f"SELECT * FROM {table}")
                async with connection.transaction():
                    await enter(connection, mine.organization)
                    seen = await connection.fetch(f"SELECT DISTINCT organization_id FROM {table}")
                    assert [row[0] for row in seen] == [mine.organization], table
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        async with connection.transaction():
                            await connection.execute(f"UPDATE {table} SET organization_id = $1", other.organization)
        finally:
            await connection.close()


async def enter(connection: asyncpg.Connection, organization: UUID) -> None:
    await connection.execute("SELECT set_config('hearth.organization_id', $1, true)", str(organization))


async def test_communities_and_calls_come_to_endpoints(cluster: Cluster) -> None:
    database = cluster.empty("gateway")
    roles, ids = cluster.roles("gateway"), [new_id() for _ in range(3)]
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0002")
    connection = await asyncpg.connect(database.superuser)
    try:
        await connection.execute(
            """INSERT INTO endpoint (id, organization_id, client_id, url, event_types, community_ids, ordering, enabled, created_at,
                created_by, updated_at, version)
            VALUES ($1, $2, $3, 'https://crm.example', '{}', '{}', 'fifo', true, now(), $3, now(), 7)""",
            *ids,
        )
        await connection.execute("INSERT INTO lane (endpoint_id, organization_id) VALUES ($1, $2)", *ids[:2])
        assert "0007" in await migrations.upgrade(database.owner, service.migrations, roles)
        row = await connection.fetchrow("SELECT url, version, enabled FROM endpoint")
        assert tuple(row) == ("https://crm.example", 7, True)
        begun = "INSERT INTO client_call VALUES ($1, $2, $3, now(), 'GET', '/v1/me', $4, '::1', 'x', false, $5, NULL)"
        await connection.execute(begun, *ids, "/v1/me", None)
        for path, status in (("x" * 501, None), ("/v1/me", 200)):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(begun, new_id(), *ids[1:], path, status)
    finally:
        await connection.close()
    cluster.drop(database)
