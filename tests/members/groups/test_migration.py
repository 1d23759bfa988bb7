"""The migration to groups keeps what a database holds, and gives its templates their first versions."""

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from members.app import service


async def test_groups_come_to_a_database_with_members_and_templates(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0006")
    organization, account, community, template = new_id(), new_id(), new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
        INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
        VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 3, now());
        INSERT INTO community_template (id, organization_id, title, content, created_at, version)
        VALUES ('{template}', '{organization}', '{{"en": "City"}}', '{{"description": {{"en": "x"}}}}', now(), 4);
        INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version,
            template_id, template_version)
        VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'draft', '{account}', now(), 1, '{template}', 4);
        INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, version)
        VALUES ('{new_id()}', '{organization}', '{community}', '{account}', 'approved', '{{}}', false, false, now(), now(), 1);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0007") == ["0007"]
    found = cluster.postgres.psql(
        """
        SELECT state, groups_version FROM membership;
        SELECT version, title->>'en', content->'description'->>'en' FROM community_template_revision;
        """,
        database=database.name,
    )
    assert found.split() == ["approved|0", "4|City|x"]
    cluster.drop(database)


async def test_templates_that_were_are_those_of_communities(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0010")
    organization, template = new_id(), new_id()
    cluster.postgres.psql(
        f"""
        INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
        INSERT INTO community_template (id, organization_id, title, content, created_at, version)
        VALUES ('{template}', '{organization}', '{{"en": "City"}}', '{{"description": {{"en": "x"}}}}', now(), 4);
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0011") == ["0011"]
    found = cluster.postgres.psql("SELECT kind, version FROM community_template", database=database.name)
    assert found.strip() == "community|4"
    cluster.drop(database)


async def test_seats_are_held_by_the_rule_that_gave_them_last(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0011")
    organization, account, community, ruled, placed = (new_id() for _ in range(5))
    groups = [
        f"""
        INSERT INTO community_group (id, organization_id, community_id, series_id, ordinal, dimension, name, hosts, members, state,
            self_join, created_at, version)
        VALUES ('{group}', '{organization}', '{community}', '{group}', 1, 'other', '{{"en": "x"}}', '{{}}', 1, 'open', true, now(), 1);
        INSERT INTO group_member (organization_id, community_id, group_id, series_id, account_id, joined_at)
        VALUES ('{organization}', '{community}', '{group}', '{group}', '{account}', now());
        """
        for group in (ruled, placed)
    ]
    why = [
        f"""
        INSERT INTO group_assignment (id, organization_id, community_id, account_id, group_id, reason_code, reason_params,
            rules_version, rule_key, inputs, decided_at)
        VALUES (uuidv7(), '{organization}', '{community}', '{account}', '{group}', 'x', '{{}}', {rule}, '{{}}', now());
        """
        for group, rule in ((placed, "1, 'old'"), (ruled, "1, 'new'"), (placed, "NULL, NULL"))
    ]
    cluster.postgres.psql(
        f"""
        INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
        INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
        VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 3, now());
        INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
        VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'open', '{account}', now(), 1);
        INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, version)
        VALUES ('{new_id()}', '{organization}', '{community}', '{account}', 'approved', '{{}}', false, false, now(), now(), 1);
        {"".join(groups)} {"".join(why)}
        """,
        database=database.name,
    )
    assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0012") == ["0012"]
    found = cluster.postgres.psql(
        f"SELECT rule_key FROM group_member ORDER BY group_id = '{placed}'; SELECT count(*) FROM group_assignment WHERE gone;",
        database=database.name,
    )
    assert found.splitlines() == ["new", "", "0"]
    cluster.drop(database)
