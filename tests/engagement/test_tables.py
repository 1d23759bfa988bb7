"""Engagement's tables: as the models say, and isolated by tenant."""

import asyncpg
import pytest

from chassis.ids import new_id
from chassis.testing.kit import Kit
from engagement.pulse.models import Activity
from engagement.tables import Table
from engagement.value.orders.models import CustomerOrder, GoneAccount

INSERT = "INSERT INTO activity VALUES ($1, $2, $3, now(), 'post', $4)"


@pytest.mark.parametrize("model", [Activity, CustomerOrder, GoneAccount])
async def test_models_are_the_tables(kit: Kit, model: type[Table]) -> None:
    assert set(Table.metadata.tables) == {"activity", "customer_order", "gone_account"}
    rows = await kit.sql(
        "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = $1", model.__tablename__
    )
    columns = Table.metadata.tables[str(model.__tablename__)].columns
    assert {row["column_name"]: row["is_nullable"] == "YES" for row in rows} == {
        column.name: bool(column.nullable) for column in columns
    }


async def test_tenants_are_apart(kit: Kit) -> None:
    mine, other = new_id(), new_id()
    for organization in (mine, other):
        await kit.sql(INSERT, organization, new_id(), new_id(), new_id())
    found = await kit.runtime.reader.json(mine, "SELECT json_agg(DISTINCT organization_id) FROM activity")
    assert found == f'["{mine}"]'.encode()
    connection = await asyncpg.connect(kit.database.application)
    try:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetch("SELECT * FROM activity")
        async with connection.transaction():
            await connection.execute("SELECT set_config('hearth.organization_id', $1, true)", str(mine))
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(INSERT, other, new_id(), new_id(), new_id())
    finally:
        await connection.close()
