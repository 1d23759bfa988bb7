"""Each migration upgrades a database that holds data, and takes none of it away."""

from __future__ import annotations

import asyncpg
import pytest

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from engagement.app import service

ORDER = """
INSERT INTO customer_order (order_id, organization_id, client_id, source, external_id, placed_at, currency, amount_fen, reversed_fen,
    cancelled, told_version, version) VALUES ($1, $2, $3, 'crm', 'SO-1', now(), 'CNY', $4, $5, $6, 1, $7)
"""


async def test_orders_come_to_activity_and_keep_their_invariants(cluster: Cluster) -> None:
    database, roles = cluster.empty("engagement"), cluster.roles("engagement")
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0001") == ["0001"]
    organization, fact = new_id(), new_id()
    connection = await asyncpg.connect(database.superuser)
    try:
        insert = "INSERT INTO activity VALUES ($1, $2, $3, now(), 'post', $4)"
        await connection.execute(insert, organization, new_id(), new_id(), fact)
        assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0002") == ["0002"]
        assert await connection.fetchval("SELECT source_id FROM activity") == fact
        row = (new_id(), organization, new_id())
        for amount, reversed_fen, cancelled, version in (
            (-1, 0, False, 1),
            (100, 101, False, 1),
            (100, -1, False, 1),
            (100, 99, True, 1),
            (100, 0, False, 0),
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(ORDER, *row, amount, reversed_fen, cancelled, version)
        await connection.execute(ORDER, *row, 2**62, 2**62, True, 1)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(ORDER, *row, 1, 0, False, 1)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO gone_account VALUES ($1, $2, $1)", new_id(), organization)
    finally:
        await connection.close()
    cluster.drop(database)
