"""Tiers come to a database that holds members, and take none of it away."""

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from members.app import service


async def test_tiers_come_to_a_database_with_members(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0007")
    organization, account, community = new_id(), new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
        INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
        VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 3, now());
        INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
        VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'draft', '{account}', now(), 1);
        INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, version)
        VALUES ('{new_id()}', '{organization}', '{community}', '{account}', 'approved', '{{}}', false, false, now(), now(), 1);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0008") == ["0008"]
    found = cluster.postgres.psql(
        f"""
        INSERT INTO tier_member (organization_id, community_id, account_id, tier_code, since, standard_version, version)
        VALUES ('{organization}', '{community}', '{account}', 'newcomer', now(), 1, 1);
        SELECT state, tier_code FROM membership JOIN tier_member USING (community_id, account_id);
        """,
        database=database.name,
    )
    assert found.strip() == "approved|newcomer"
    cluster.drop(database)
