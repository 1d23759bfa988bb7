"""Screening comes to a database that holds communities and members, and keeps its invariants there."""

import asyncpg
import pytest

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from members.app import service


async def test_screening_comes_to_a_database_with_members(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0005")
    organization, account, community, membership = (new_id() for _ in range(4))
    connection = await asyncpg.connect(database.superuser)
    try:
        await connection.execute(
            f"""
            INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
            INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
            VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 1, now());
            INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
            VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'open', '{account}', now(), 1);
            INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, version)
            VALUES ('{membership}', '{organization}', '{community}', '{account}', 'applied', '{{}}', false, false, now(), 7);
            """
        )
        assert await migrations.upgrade(database.owner, service.migrations, roles, revision="0006") == ["0006"]
        assert await connection.fetchval("SELECT version FROM membership") == 7
        insert = (
            "INSERT INTO application (id, organization_id, community_id, account_id, membership_id, state, form_version, "
            "policy_version, answers, score, personas, holds_place, tags, submitted_at, deadline, version) "
            "VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '{}', 0, '[]', false, '{}', now(), $7, 1)"
        )
        row = (organization, community, account, membership)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(insert, new_id(), *row, "in_review", None)
        later = await connection.fetchval("SELECT now() + interval '3 days'")
        await connection.execute(insert, new_id(), *row, "in_review", later)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(insert, new_id(), *row, "needs_information", None)
        await connection.execute(insert, new_id(), *row, "withdrawn", None)
    finally:
        await connection.close()
    cluster.drop(database)


async def test_figures_come_to_a_database_with_doors(cluster: Cluster) -> None:
    database = cluster.empty("members")
    roles = cluster.roles("members")
    await migrations.upgrade(database.owner, service.migrations, roles, revision="0008")
    organization, account, community, door = (new_id() for _ in range(4))
    connection = await asyncpg.connect(database.superuser)
    try:
        await connection.execute(
            f"""
            INSERT INTO organization (id, slug, name, version, created_at) VALUES ('{organization}', 'town', 'Town', 1, now());
            INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
            VALUES ('{account}', '{organization}', '小雨', 'zh', 'UTC', false, 1, now());
            INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
            VALUES ('{community}', '{organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'open', '{account}', now(), 1);
            INSERT INTO entry_link (id, organization_id, community_id, token, kind, channel, title, used, tags, created_by, created_at, version)
            VALUES ('{door}', '{organization}', '{community}', 'Zm9vYmFyYmF6cXV4MTIzNA', 'qr', 'booth', '{{"en": "x"}}', 3, '{{}}',
                '{account}', now(), 2);
            """
        )
        assert len(await migrations.upgrade(database.owner, service.migrations, roles)) >= 1
        assert await connection.fetchval("SELECT used FROM entry_link") == 3
        count = "INSERT INTO entry_link_opens (link_id, organization_id, opens) VALUES ($1, $2, 1)"
        await connection.execute(count, door, organization)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(count, new_id(), organization)
    finally:
        await connection.close()
    cluster.drop(database)
