"""Files come to a database that holds communities, and keep tenants apart."""

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from members.app import service


async def test_files_come_to_a_database_with_members(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0013")
    organization, account, community, file = new_id(), new_id(), new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
        INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
        VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 3, now());
        INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
        VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'draft', '{account}', now(), 1);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0014") == ["0014"]
    found = cluster.postgres.psql(
        f"""
        INSERT INTO member_file (id, organization_id, community_id, state, format, header, columns, rows, created_by, created_at,
            expires_at, version)
        VALUES ('{file}', '{organization}', '{community}', 'uploaded', 'csv', true, '{{name}}', 1, '{account}', now(), now(), 1);
        INSERT INTO member_file_row (file_id, number, organization_id, cells) VALUES ('{file}', 2, '{organization}', '["小雨"]');
        SELECT (SELECT count(*) FROM account), (SELECT cells ->> 0 FROM member_file_row),
            (SELECT count(*) FROM pg_class WHERE relname LIKE 'member_file%' AND relkind = 'r' AND relforcerowsecurity);
        DELETE FROM member_file;
        SELECT count(*) FROM member_file_row;
        """,
        database=database.name,
    )
    assert found.split() == ["1|小雨|3", "0"]
    cluster.drop(database)
