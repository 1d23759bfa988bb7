"""Inbound webhooks come to a gateway that holds partners."""

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from gateway.service import service


async def test_sources_come_to_partners_and_withdrawn_ones_take_nothing(cluster: Cluster) -> None:
    database, roles = cluster.empty("gateway"), cluster.roles("gateway")
    client, source, organization = new_id(), new_id(), new_id()

    async def upgrade(revision: str) -> list[str]:
        return await migrations.upgrade(database.owner, service.migrations, roles, revision=revision)

    def run(script: str) -> list[str]:
        return cluster.postgres.psql(script, database=database.name).splitlines()

    try:
        await upgrade("0003")
        run(f"INSERT INTO partner VALUES ('{client}', '{organization}', true, '{{orders:write}}', 'consent')")
        assert await upgrade("0004") == ["0004"]
        assert run("SELECT active, basis FROM partner") == ["t|consent"]
        run(f"""
            INSERT INTO source (id, organization_id, client_id, name, verification, open, created_at, created_by, updated_at, version)
            VALUES ('{source}', '{organization}', '{client}', 'CRM', '{{"kind": "standard"}}', true, now(), '{client}', now(), 1)
        """)
        taking = f"SELECT inbound_source('{source}') ->> 'organization_id'"
        assert run(taking) == [str(organization)]
        run("UPDATE partner SET active = false")
        assert [line for line in run(taking) if line] == []
    finally:
        cluster.drop(database)
