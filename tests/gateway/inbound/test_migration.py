"""Inbound webhooks come to a gateway that holds partners."""

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from contracts.members import contact_id_of
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


async def test_contacts_and_orders_that_are_there_are_known_by_the_ids_of_members(cluster: Cluster) -> None:
    database, roles = cluster.empty("gateway"), cluster.roles("gateway")
    client, organization, account = new_id(), new_id(), new_id()

    def run(script: str) -> list[str]:
        return cluster.postgres.psql(script, database=database.name).splitlines()

    try:
        await migrations.upgrade(database.owner, service.migrations, roles, revision="0007")
        run(f"""
            INSERT INTO partner_contact VALUES ('{client}', '\u6797 1%', '{organization}', '{account}');
            INSERT INTO partner_order (id, organization_id, client_id, source, external_id, order_version, contact, placed_at, currency,
                amount_fen, refunded_fen, cancelled, created_at, updated_at, version)
            SELECT gen_random_uuid(), '{organization}', '{client}', 'crm', n, 1, n, now(), 'CNY', 1, 0, false, now(), now(), 1
            FROM unnest(ARRAY['\u6797 1%', NULL]) AS one(contact), LATERAL (SELECT coalesce(contact, 'none') AS n) AS named;
        """)
        run("UPDATE partner_order SET contact = NULL WHERE external_id = 'none'")
        assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0008") == ["0008"]
        known = str(contact_id_of(client, "\u6797 1%"))
        assert run("SELECT contact_id, account_id, link_version FROM partner_contact") == [f"{known}|{account}|0"]
        assert run("SELECT contact_id FROM partner_order WHERE contact IS NOT NULL") == [known]
        assert run("SELECT count(*) FROM partner_order WHERE contact IS NULL AND contact_id IS NULL") == ["1"]
        run(f"INSERT INTO partner_contact VALUES ('{client}', '{organization}', NULL, gen_random_uuid(), 5)")
    finally:
        cluster.drop(database)


async def test_orders_that_are_there_keep_the_buyers_whose_contact_was_forgotten(cluster: Cluster) -> None:
    database, roles = cluster.empty("gateway"), cluster.roles("gateway")
    client, organization, account = new_id(), new_id(), new_id()

    def run(script: str) -> list[str]:
        return cluster.postgres.psql(script, database=database.name).splitlines()

    def add(name: str, contact: str, buyer: str, version: int) -> None:
        run(f"""
            INSERT INTO partner_order (id, organization_id, client_id, source, external_id, order_version, contact, account_id, placed_at,
                currency, amount_fen, refunded_fen, cancelled, created_at, updated_at, version)
            VALUES ('{new_id()}', '{organization}', '{client}', 'crm', '{name}', 1, {contact}, {buyer}, now(),
                'CNY', 1, 0, false, now(), now(), {version})
        """)

    try:
        await migrations.upgrade(database.owner, service.migrations, roles, revision="0008")
        add("gave up", "NULL", f"'{account}'", 1)
        add("erased", "NULL", "NULL", 2)
        add("nobody", "NULL", "NULL", 1)
        add("somebody", "'C-1'", f"'{account}'", 3)
        assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0009") == ["0009"]
        kept = "SELECT external_id FROM partner_order WHERE {} ORDER BY 1"
        assert run(kept.format("contact_forgotten")) == ["erased", "gave up"]
        assert run(kept.format("refunds_in_other_currencies <> 0")) == []
        add("as before", "NULL", f"'{account}'", 2)
        assert run(kept.format("NOT contact_forgotten")) == ["as before", "nobody", "somebody"]
    finally:
        cluster.drop(database)
