"""Each migration upgrades a database that holds data, and takes none of it away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest

from chassis import migrations
from chassis.ids import new_id
from chassis.testing.cluster import Cluster, Database
from members.app import service


@dataclass
class Old:
    """A database of an earlier version, in which an account belongs to a community of an organization."""

    cluster: Cluster
    database: Database
    organization: UUID = field(default_factory=new_id)
    account: UUID = field(default_factory=new_id)
    community: UUID = field(default_factory=new_id)
    membership: UUID = field(default_factory=new_id)

    async def upgrade(self, revision: str) -> list[str]:
        """Bring it to a revision; return those that came."""
        return await migrations.upgrade(
            self.database.owner, service.migrations, self.cluster.roles("members"), revision=revision
        )

    def run(self, script: str) -> list[str]:
        """Run a script as superuser; return the lines that it says."""
        return self.cluster.postgres.psql(script, database=self.database.name).splitlines()

    def settle(self) -> None:
        """Let an account found an organization."""
        self.run(f"""
            INSERT INTO organization (id, slug, name, version, created_at)
            VALUES ('{self.organization}', 'town', 'Town', 1, now());
            INSERT INTO account (id, organization_id, display_name, locale, zone, bot, version, created_at)
            VALUES ('{self.account}', '{self.organization}', '小雨', 'zh', 'UTC', false, 3, now());
        """)

    def join(self, state: str) -> None:
        """Let the account have a membership in a community of its own."""
        self.run(f"""
            INSERT INTO community (id, organization_id, slug, name, description, zone, state, created_by, created_at, version)
            VALUES ('{self.community}', '{self.organization}', 'en', '{{"en": "x"}}', '{{}}', 'UTC', 'open', '{self.account}', now(), 7);
            INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, joined_at, version)
            VALUES ('{self.membership}', '{self.organization}', '{self.community}', '{self.account}', '{state}', '{{}}', false, false,
                now(), CASE WHEN '{state}' = 'approved' THEN now() END, 4);
        """)


@asynccontextmanager
async def at(cluster: Cluster, revision: str, *, state: str = "approved") -> AsyncIterator[Old]:
    """Make a database of a revision with somebody in it."""
    old = Old(cluster, cluster.empty("members"))
    await old.upgrade(revision)
    old.settle()
    if revision > "0001":
        old.join(state)
    yield old
    cluster.drop(old.database)


async def test_communities_and_memberships_come_to_accounts(cluster: Cluster) -> None:
    async with at(cluster, "0001") as old:
        assert await old.upgrade("0002") == ["0002"]
        old.join("approved")
        assert old.run("SELECT display_name, version FROM account") == ["小雨|3"]


async def test_tags_and_facts_come_to_members(cluster: Cluster) -> None:
    async with at(cluster, "0003") as old:
        assert await old.upgrade("0004") == ["0004"]
        old.run(
            f"INSERT INTO membership_tag VALUES ('{old.organization}', '{old.community}', '{old.account}', '老用户')"
        )
        found = old.run("SELECT version, tags_version, tag FROM membership JOIN membership_tag USING (account_id)")
        assert found == ["4|0|老用户"]


async def test_segments_come_to_tagged_members(cluster: Cluster) -> None:
    async with at(cluster, "0004") as old:
        old.run(
            f"INSERT INTO membership_tag VALUES ('{old.organization}', '{old.community}', '{old.account}', '老用户')"
        )
        assert await old.upgrade("0005") == ["0005"]
        assert old.run("SELECT version, tag FROM membership JOIN membership_tag USING (account_id)") == ["4|老用户"]


async def test_screening_comes_to_members_and_keeps_its_invariants(cluster: Cluster) -> None:
    async with at(cluster, "0005", state="applied") as old:
        assert await old.upgrade("0006") == ["0006"]
        assert old.run("SELECT version FROM membership") == ["4"]
        insert = (
            "INSERT INTO application (id, organization_id, community_id, account_id, membership_id, state, form_version, "
            "policy_version, answers, score, personas, holds_place, tags, submitted_at, deadline, version) "
            "VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '{}', 0, '[]', false, '{}', now(), $7, 1)"
        )
        row = (old.organization, old.community, old.account, old.membership)
        connection = await asyncpg.connect(old.database.superuser)
        try:
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(insert, new_id(), *row, "in_review", None)
            later = await connection.fetchval("SELECT now() + interval '3 days'")
            await connection.execute(insert, new_id(), *row, "in_review", later)
            with pytest.raises(asyncpg.UniqueViolationError):
                await connection.execute(insert, new_id(), *row, "needs_information", None)
            await connection.execute(insert, new_id(), *row, "withdrawn", None)
        finally:
            await connection.close()


async def test_groups_come_to_members_and_templates(cluster: Cluster) -> None:
    template = new_id()
    async with at(cluster, "0006") as old:
        old.run(f"""
            INSERT INTO community_template (id, organization_id, title, content, created_at, version)
            VALUES ('{template}', '{old.organization}', '{{"en": "City"}}', '{{"description": {{"en": "x"}}}}', now(), 4);
            UPDATE community SET template_id = '{template}', template_version = 4;
        """)
        assert await old.upgrade("0007") == ["0007"]
        assert old.run("SELECT state, groups_version FROM membership") == ["approved|0"]
        found = old.run("SELECT version, title->>'en', content->'description'->>'en' FROM community_template_revision")
        assert found == ["4|City|x"]


async def test_tiers_come_to_members(cluster: Cluster) -> None:
    async with at(cluster, "0007") as old:
        assert await old.upgrade("0008") == ["0008"]
        old.run(f"""
            INSERT INTO tier_member (organization_id, community_id, account_id, tier_code, since, standard_version, version)
            VALUES ('{old.organization}', '{old.community}', '{old.account}', 'newcomer', now(), 1, 1)
        """)
        found = old.run("SELECT state, tier_code FROM membership JOIN tier_member USING (community_id, account_id)")
        assert found == ["approved|newcomer"]


async def test_figures_come_to_doors(cluster: Cluster) -> None:
    door = new_id()
    async with at(cluster, "0008") as old:
        old.run(f"""
            INSERT INTO entry_link (id, organization_id, community_id, token, kind, channel, title, used, tags, created_by, created_at, version)
            VALUES ('{door}', '{old.organization}', '{old.community}', 'Zm9vYmFyYmF6cXV4MTIzNA', 'qr', 'booth', '{{"en": "x"}}', 3, '{{}}',
                '{old.account}', now(), 2)
        """)
        assert await old.upgrade("0009") == ["0009"]
        assert old.run("SELECT used FROM entry_link") == ["3"]
        connection = await asyncpg.connect(old.database.superuser)
        try:
            count = "INSERT INTO entry_link_opens (link_id, organization_id, opens) VALUES ($1, $2, 1)"
            await connection.execute(count, door, old.organization)
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await connection.execute(count, new_id(), old.organization)
        finally:
            await connection.close()


async def test_notes_come_to_members(cluster: Cluster) -> None:
    async with at(cluster, "0009") as old:
        assert await old.upgrade("0010") == ["0010"]
        assert old.run("SELECT version, owner_version, owner_id IS NULL FROM membership") == ["4|0|t"]


async def test_templates_that_were_are_those_of_communities(cluster: Cluster) -> None:
    async with at(cluster, "0010") as old:
        old.run(f"""
            INSERT INTO community_template (id, organization_id, title, content, created_at, version)
            VALUES ('{new_id()}', '{old.organization}', '{{"en": "City"}}', '{{"description": {{"en": "x"}}}}', now(), 4)
        """)
        assert await old.upgrade("0011") == ["0011"]
        assert old.run("SELECT kind, version FROM community_template") == ["community|4"]


async def test_seats_are_held_by_the_rule_that_gave_them_last(cluster: Cluster) -> None:
    ruled, placed = new_id(), new_id()
    async with at(cluster, "0011") as old:
        for group in (ruled, placed):
            old.run(f"""
                INSERT INTO community_group (id, organization_id, community_id, series_id, ordinal, dimension, name, hosts, members,
                    state, self_join, created_at, version)
                VALUES ('{group}', '{old.organization}', '{old.community}', '{group}', 1, 'other', '{{"en": "x"}}', '{{}}', 1, 'open',
                    true, now(), 1);
                INSERT INTO group_member (organization_id, community_id, group_id, series_id, account_id, joined_at)
                VALUES ('{old.organization}', '{old.community}', '{group}', '{group}', '{old.account}', now());
            """)
        for group, rule in ((placed, "1, 'old'"), (ruled, "1, 'new'"), (placed, "NULL, NULL")):
            old.run(f"""
                INSERT INTO group_assignment (id, organization_id, community_id, account_id, group_id, reason_code, reason_params,
                    rules_version, rule_key, inputs, decided_at)
                VALUES (uuidv7(), '{old.organization}', '{old.community}', '{old.account}', '{group}', 'x', '{{}}', {rule}, '{{}}', now())
            """)
        assert await old.upgrade("0012") == ["0012"]
        assert old.run(f"SELECT rule_key FROM group_member ORDER BY group_id = '{placed}'") == ["new", ""]
        assert old.run("SELECT count(*) FROM group_assignment WHERE gone") == ["0"]


async def test_reactions_taken_back_come_to_facts(cluster: Cluster) -> None:
    async with at(cluster, "0012") as old:
        old.run(
            f"INSERT INTO member_day VALUES ('{old.organization}', '{old.community}', '{old.account}', '2026-03-02', 0, 0, 1)"
        )
        assert await old.upgrade("0013") == ["0013"]
        old.run("UPDATE member_day SET reactions = 0")
        assert old.run("SELECT day, posts, comments, reactions FROM member_day") == ["2026-03-02|0|0|0"]


async def test_recurring_slots_come_to_communities(cluster: Cluster) -> None:
    async with at(cluster, "0014") as old:
        assert await old.upgrade("0015") == ["0015"]
        old.run(
            f"INSERT INTO recurring_slot VALUES ('{new_id()}', '{old.organization}', '{old.community}', NULL, false)"
        )
        assert old.run("SELECT state, version FROM community") == ["open|7"]


async def test_clients_that_were_need_consent(cluster: Cluster) -> None:
    def client(old: Old, name: str) -> str:
        return f"""
            INSERT INTO client (id, organization_id, name, scopes, secret_hash, created_by, created_at, secret_changed_at, version)
            VALUES ('{new_id()}', '{old.organization}', '{name}', '{{orders:write}}', sha256('x'), '{old.account}', now(), now(), 2);
        """

    async with at(cluster, "0015") as old:
        old.run(client(old, "before"))
        assert await old.upgrade("0016") == ["0016"]
        # A process of the version before knows of neither column, and goes on.
        old.run(client(old, "beside"))
        found = old.run("SELECT name, scopes, basis, shared, version FROM client ORDER BY name")
        assert found == ["before|{orders:write}|consent|{}|2", "beside|{orders:write}|consent|{}|2"]
        with pytest.raises(Exception, match="client_basis_check"):
            old.run("UPDATE client SET basis = 'friend'")


async def test_orders_come_to_facts(cluster: Cluster) -> None:
    async with at(cluster, "0016") as old:
        old.run(
            f"INSERT INTO member_day VALUES ('{old.organization}', '{old.community}', '{old.account}', '2026-03-02', 0, 0, 1)"
        )
        assert await old.upgrade("0017") == ["0017"]
        kept = f"'{old.organization}', '{old.community}', '{old.account}'"
        old.run(f"INSERT INTO order_kept VALUES ('{new_id()}', {kept}, now(), 'CNY', 1, true, 1)")
        old.run(f"INSERT INTO member_orders VALUES ({kept}, 1, now(), '{{\"CNY\": 1}}')")
        assert old.run("SELECT day, orders FROM member_day JOIN member_orders USING (account_id)") == ["2026-03-02|1"]
        for broken in ("orders = 0", "orders = -1", "last_order_at = NULL", "totals = '1'"):
            with pytest.raises(Exception, match="member_orders"):
                old.run(f"UPDATE member_orders SET {broken}")
        with pytest.raises(Exception, match="order_kept_net_fen_check"):
            old.run("UPDATE order_kept SET net_fen = -1")


async def test_contacts_come_to_clients(cluster: Cluster) -> None:
    client = new_id()
    async with at(cluster, "0017") as old:
        old.run(f"""
            INSERT INTO client (id, organization_id, name, scopes, secret_hash, created_by, created_at, secret_changed_at, version)
            VALUES ('{client}', '{old.organization}', 'CRM', '{{contacts:write}}', sha256('x'), '{old.account}', now(), now(), 2);
            INSERT INTO identity (organization_id, provider, subject, account_id, created_at)
            VALUES ('{old.organization}', 'crm', 'C-1', '{old.account}', now());
        """)
        assert await old.upgrade("0018") == ["0018"]
        contact = "INSERT INTO contact (client_id, external_id, organization_id, version, created_at, updated_at)"
        old.run(f"{contact} VALUES ('{client}', 'C-1', '{old.organization}', 1, now(), now())")
        assert old.run(
            "SELECT client.name, client.version, external_id FROM client JOIN contact ON client_id = client.id"
        ) == ["CRM|2|C-1"]
        assert old.run("SELECT subject FROM identity") == ["C-1"]
        # A contact of a client of another organization there cannot be.
        with pytest.raises(Exception, match="contact_organization_id_client_id_fkey"):
            old.run(f"{contact} VALUES ('{client}', 'C-2', '{new_id()}', 1, now(), now())")
