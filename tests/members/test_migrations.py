"""Each migration upgrades a database that holds data, and takes none of it away."""

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from members.app import service


async def test_communities_and_memberships_come_to_a_database_with_accounts(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0001") == ["0001"]
    organization, account, community = new_id(), new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
        INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
        VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 3, now());
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0002") == ["0002"]
    found = cluster.postgres.psql(
        f"""
        INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
        VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'draft', '{account}', now(), 1);
        SELECT display_name, version FROM account;
        """,
        database=database.name,
    )
    assert found.strip() == "小雨|3"
    cluster.drop(database)
