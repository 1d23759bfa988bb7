"""Row-level security in the three databases of a running stack: it holds for whoever forgets to ask for one tenant's rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tests.api.stack import RealStack
from tests.api.town import Town
from tests.stack_fixture import SERVICES

from chassis.db import TENANT_SETTING
from chassis.schema import WORKER_TABLES
from hearth.stack_folder import roles_of
from members.tables import INSTALLATION_TABLES

ACROSS = (*WORKER_TABLES, "lane", "inbound_queue")
"""Tables in which the worker sees every tenant: the chassis's, and the gateway's queues."""
UNTRIED: dict[str, set[str]] = {
    "members": {
        *("entry_link_opens", "entry_order", "entry_value_moment", "export", "group_rules", "group_rules_run"),
        *("group_template_application", "member_file_key", "membership_standard", "reaction_received", "segment_dirty"),
        *("silence_notice", "template_application", "tier_dirty"),
    },
    "content": set(),
    "engagement": set(),
    # Of partners' messages nothing comes in here.
    "gateway": {
        *(
            "source",
            "source_key",
            "source_mapping",
            "inbound_receipt",
            "inbound_item",
            "inbound_applied",
            "inbound_queue",
        ),
        *("partner_order", "partner_refund", "partner_contact", "partner_gone"),
    },
}
"""Tables that may have no rows of both organizations here: what fills them is time, work that is soon done or a test of their own."""
SELDOM_SAID = (
    # Folding is left to chance; nothing is nothing in either.
    "INSERT INTO tally VALUES ($1, $2, 0, 0, 0, 0, '{}')",
    "INSERT INTO tally_delta (organization_id, subject_id, what, delta) VALUES ($2, $1, 'comments', 0)",
    # Events bring these, of what nobody here does: a sanction that is over, a phone, an activity, a channel that reached somebody.
    "INSERT INTO sanction VALUES ($1, $2, $1, $1, 'mute', '1', '{}', now(), now(), true)",
    "INSERT INTO verified_phone VALUES ($1, $2)",
    "INSERT INTO standing_activity VALUES ($1, $2, $1, NULL, 'planned', now() + interval '1 year', NULL)",
    "INSERT INTO delivery_reach SELECT id, $1::uuid::text, organization_id, now(), 1 FROM delivery WHERE organization_id = $2 LIMIT 1",
    # These, a community under a compliance profile, with an outside checker, or with much said alike.
    "INSERT INTO publication_log VALUES ($1, $2, $1, 'sealed', now(), now() + interval '1 year')",
    "INSERT INTO external_check VALUES ($1, $2, $1, 'post', $1, $1, now(), 'allowed', now(), 1)",
    "INSERT INTO utterance_band SELECT id, organization_id, $1, 7, said_at FROM utterance WHERE organization_id = $2 LIMIT 1",
)
"""Rows of content, by an id and an organization, that no request of the town leaves behind."""
# Functions that run with their owner's rights. Another one is a decision: does it read across tenants, and what does it give away?
SECURITY_DEFINERS = {
    "content": {
        "outbox_partition(date)": {"worker"},
        "search_hits(uuid,text[],text[],uuid[],text,timestamp with time zone,uuid)": {"application"},
    },
    "members": {
        "outbox_partition(date)": {"worker"},
        "organization_of_slug(text)": {"application"},
        "organization_of_entry_link(text)": {"application"},
    },
    "engagement": {"outbox_partition(date)": {"worker"}},
    "gateway": {
        "outbox_partition(date)": {"worker"},
        "inbound_source(uuid)": {"application"},
        "webhook_backlog(integer)": {"worker"},
        "webhook_spreading_since()": {"worker"},
    },
}
NO_TENANT = {
    "members": {"alembic_version", *INSTALLATION_TABLES},
    "content": {"alembic_version"},
    "engagement": {"alembic_version"},
    "gateway": {"alembic_version"},
}
_TABLES = """
SELECT relname AS name, relrowsecurity AS enabled, relforcerowsecurity AS forced, pg_get_userbyid(relowner) AS owner,
    (SELECT attname FROM pg_attribute WHERE attrelid = pg_class.oid AND NOT attisdropped
        AND attname = CASE relname WHEN 'organization' THEN 'id' ELSE 'organization_id' END) AS tenant
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f', 'm', 'v') AND NOT relispartition ORDER BY relname
"""
_POLICIES = (
    "SELECT policyname, roles::text[] AS roles, qual, with_check, cmd, permissive FROM pg_policies WHERE tablename = $1"
)

WORTH = (
    # Of a community that nobody knows: it waits, and the worker does not take it meanwhile.
    "INSERT INTO worth_touch (organization_id, what, community_id, account_id, at) VALUES ($2, 'act', $1, $1, now())",
    "INSERT INTO worth_active_day VALUES ($1, $1, '2026-01-01', $2)",
    "INSERT INTO worth_outsider VALUES ($1, $1, $2)",
    "INSERT INTO worth_return VALUES ($1, '2026-01-01', $2, $1, 1, 1, 0.5)",
    "INSERT INTO worth_attribution VALUES ('order', $1, $2, NULL, NULL, true)",
    "INSERT INTO worth VALUES ($1, $2, $1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, now())",
)
ORDERS = (
    """INSERT INTO customer_order VALUES ($1, $2, NULL, NULL, NULL, $1, 'crm', 'SO-1', now(), 'CNY', 1, 0, false, 1, 1)""",
    "INSERT INTO gone_account VALUES ($1, $2, NULL)",
)
"""Rows of engagement that partners bring, and people who go."""
BUYERS = (
    "INSERT INTO order_kept VALUES ($1, $2, NULL, NULL, now(), 'CNY', 1, true, 1)",
    "INSERT INTO member_orders VALUES ($2, $1, $1, 1, now(), '{}')",
    "INSERT INTO erased_buyer VALUES ($1, $2)",
)
"""The same in members."""
TOLD_AGAIN = (
    # People agree to partners who need it, and programs' calls are written down, in other tests.
    "INSERT INTO partner_consent VALUES ($1, $1, $2, true)",
    "INSERT INTO partner_merged VALUES ($1, $2, $1)",
    "INSERT INTO client_call VALUES ($1, $2, $1, now(), 'GET', '/v1/me', '/v1/me', '::1', 'x', false, NULL, NULL)",
    # These are gone as soon as a worker has done them, or come when a receiver that is not there was called.
    """INSERT INTO spread (organization_id, event_ids, client_ids, about_ids, created_at)
    SELECT $2::uuid, ARRAY[$1::uuid], ARRAY[NULL::uuid], ARRAY[NULL::uuid], now()""",
    "INSERT INTO attempt VALUES ($1, $1, 1, $2, false, now(), 1, 'https://crm.example.com', NULL, '{}', 204, NULL, '{}', '')",
)
"""Rows of the gateway, of which nothing is due."""
# What other tests use up: the words that wait are brought out by whoever approves them.
USED_UP = (
    """INSERT INTO post_proposal SELECT id, organization_id, community_id, NULL, 'words', $1, now(), 1
    FROM post WHERE organization_id = $2 LIMIT 1 ON CONFLICT DO NOTHING""",
)

Row = asyncpg.Record


@asynccontextmanager
async def connected(stack: RealStack, service: str, role: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database(service, role))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection, organization: str | None) -> AsyncIterator[None]:
    """A transaction of a tenant, of which nothing stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        if organization is not None:
            await connection.execute("SELECT set_config($1, $2, true)", TENANT_SETTING, organization)
        yield
    finally:
        await transaction.rollback()


async def tables_of(stack: RealStack, service: str) -> list[Row]:
    """The service's tenant tables."""
    async with connected(stack, service, "owner") as owner:
        return [row for row in await owner.fetch(_TABLES) if row["tenant"]]


async def filled_tables_of(stack: RealStack, service: str, *tenants: str) -> list[Row]:
    """The tenant tables with rows of all the tenants; the policies of the others are read, as those of all are, and not tried."""
    found = []
    async with connected(stack, service, "owner") as owner:
        for row in await tables_of(stack, service):
            query = f"SELECT DISTINCT {row['tenant']}::text FROM {row['name']}"
            if set(tenants) <= {one[0] for one in await owner.fetch(query)}:
                found.append(row)
    return found


@pytest.fixture(scope="module", autouse=True)
async def rows_everywhere(stack: RealStack, town: Town, neighbours: Town) -> None:
    """Every tenant table has rows of both organizations; what needs a failure to be filled is filled here."""
    stack.drain()
    for service in SERVICES:
        async with connected(stack, service, "owner") as owner:
            for organization in (town.organization_id, neighbours.organization_id):
                await owner.execute(
                    "INSERT INTO dead_letter VALUES ($1, 'test', $1, $2, 'S', 's', 't', '{}', 'e', 1, now())",
                    uuid4(),
                    organization,
                )
                await owner.execute(
                    "INSERT INTO handler_attempt VALUES ('test', $1, $2, 1, 'error')", uuid4(), organization
                )
                await owner.execute(
                    "INSERT INTO due_work VALUES ($1, 'test', 'k', now() + interval '1 year') ON CONFLICT DO NOTHING",
                    organization,
                )
                await owner.execute(
                    "INSERT INTO idempotency VALUES ($1, 'c', $2, '', 200, '{}', '', now())", organization, uuid4().hex
                )
                await owner.execute(
                    "INSERT INTO outbox VALUES ($1, now(), $2, 'test', $1, 1, 't', 's', '{}', NULL, now())",
                    uuid4(),
                    organization,
                )
                await owner.execute("INSERT INTO inbox VALUES ('test', $1, $2, now())", uuid4(), organization)
                await owner.execute(
                    "INSERT INTO projection_position VALUES ('test', $1, 'test', $2, 1)", uuid4(), organization
                )

    async with connected(stack, "content", "owner") as owner:
        for organization in (town.organization_id, neighbours.organization_id):
            # Worth is worked out by the worker's own clock, and no partner has told of orders yet.
            for statement in (*SELDOM_SAID, *WORTH, *USED_UP):
                await owner.execute(statement, uuid4(), organization)

    for service, statements in (("engagement", ORDERS), ("members", BUYERS), ("gateway", TOLD_AGAIN)):
        async with connected(stack, service, "owner") as owner:
            for organization in (town.organization_id, neighbours.organization_id):
                for statement in statements:
                    await owner.execute(statement, uuid4(), organization)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_tenant_table_is_under_forced_row_security(stack: RealStack, service: str) -> None:
    roles = roles_of(service)
    _, application, worker = roles
    async with connected(stack, service, "owner") as owner:
        tables = await owner.fetch(_TABLES)
        assert {row["name"] for row in tables if row["tenant"] is None} == NO_TENANT[service]
        for row in tables:
            assert row["owner"] == roles[0], row
            if row["tenant"] is None:
                continue
            assert (row["enabled"], row["forced"]) == (True, True), row
            policies = {one["policyname"]: one for one in await owner.fetch(_POLICIES, row["name"])}
            assert all((one["cmd"], one["permissive"]) == ("ALL", "PERMISSIVE") for one in policies.values()), row
            sees_all = {role for one in policies.values() if one["qual"] == "true" for role in one["roles"]}
            bound = {role for one in policies.values() if TENANT_SETTING in one["qual"] for role in one["roles"]}
            if row["name"] in ACROSS:
                assert (sees_all, bound) == ({roles[0], worker}, {application}), row
            else:
                assert (sees_all, bound) == ({roles[0]}, {application, worker}), row
            assert all(one["qual"] == one["with_check"] for one in policies.values()), row


@pytest.mark.parametrize("service", SERVICES)
async def test_nearly_every_tenant_table_has_rows_to_try(
    stack: RealStack, town: Town, neighbours: Town, service: str
) -> None:
    """What no test below tries is named here, so that a table is left out on purpose only."""
    every = {row["name"] for row in await tables_of(stack, service)}
    tried = {
        row["name"] for row in await filled_tables_of(stack, service, town.organization_id, neighbours.organization_id)
    }
    assert every - tried <= UNTRIED[service] <= every


@pytest.mark.parametrize("service", SERVICES)
async def test_the_roles_own_nothing_and_bypass_nothing(stack: RealStack, service: str) -> None:
    names = list(roles_of(service))
    async with connected(stack, service, "owner") as owner:
        roles = await owner.fetch("SELECT * FROM pg_roles WHERE rolname = ANY($1)", names)
        assert len(roles) == 3
        for role in roles:
            powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
            assert [power for power in powers if role[power]] == [], role["rolname"]
        joined = "SELECT count(*) FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member WHERE rolname = ANY($1)"
        assert await owner.fetchval(joined, names) == 0, "a role that is another's member may become it"
        owned = "SELECT count(*) FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid WHERE deptype = 'o' AND rolname = ANY($1)"
        assert await owner.fetchval(owned, names[1:]) == 0
        for name in names[1:]:
            assert not await owner.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", name)
            assert not await owner.fetchval("SELECT has_database_privilege($1, current_database(), 'CREATE')", name)
            # No policy stands between a role and a partition that it could read past the partitioned table.
            reachable = await owner.fetch(
                "SELECT oid::regclass::text FROM pg_class WHERE relispartition "
                "AND has_table_privilege($1, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
                name,
            )
            assert reachable == []
            # TRUNCATE asks no policy, a trigger or a foreign key runs past them.
            loose = await owner.fetch(
                "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
                "AND has_table_privilege($1, oid, 'TRUNCATE, REFERENCES, TRIGGER')",
                name,
            )
            assert loose == []


@pytest.mark.parametrize("service", SERVICES)
async def test_functions_with_their_owners_rights_are_exactly_these(stack: RealStack, service: str) -> None:
    owner_role, *others = roles_of(service)
    roles = dict(zip(("application", "worker"), others, strict=True))
    async with connected(stack, service, "owner") as owner:
        found = await owner.fetch(
            "SELECT oid, oid::regprocedure::text AS name, proconfig AS settings, pg_get_userbyid(proowner) AS owner "
            "FROM pg_proc WHERE prosecdef AND pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
        )
        assert {one["name"] for one in found} == SECURITY_DEFINERS[service].keys()
        for one in found:
            assert one["owner"] == owner_role
            # Temporary tables last: left out, they would be looked in first.
            assert "search_path=public, pg_temp" in one["settings"]
            executed_by = await owner.fetchval(
                "SELECT array_agg(grantee::regrole::text) FROM pg_proc, aclexplode(proacl) WHERE pg_proc.oid = $1",
                one["oid"],
            )
            expected = {roles[role] for role in SECURITY_DEFINERS[service][one["name"]]}
            assert set(executed_by) == {owner_role} | expected


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ["application", "worker"])
async def test_a_query_that_forgot_its_filter_sees_one_tenant(
    stack: RealStack, town: Town, neighbours: Town, service: str, role: str
) -> None:
    ours, theirs = town.organization_id, neighbours.organization_id
    async with connected(stack, service, "owner") as owner, connected(stack, service, role) as connection:
        for name, tenant in [
            (row["name"], row["tenant"]) for row in await filled_tables_of(stack, service, ours, theirs)
        ]:
            if role == "worker" and name in ACROSS:
                continue
            held = {
                str(row["tenant"]): row["rows"]
                for row in await owner.fetch(f"SELECT {tenant} AS tenant, count(*) AS rows FROM {name} GROUP BY 1")
            }
            assert {ours, theirs} <= held.keys(), name
            for organization in (ours, theirs):
                async with rolled_back(connection, organization):
                    seen = await connection.fetch(f"SELECT DISTINCT {tenant}::text, count(*) OVER () FROM {name}")
                    assert {row[0] for row in seen} == {organization}, name
                    assert await connection.fetchval(f"SELECT count(*) FROM {name}") == held[organization], name
            async with rolled_back(connection, str(uuid4())):
                assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ["application", "worker"])
async def test_a_query_without_a_tenant_is_an_error(stack: RealStack, town: Town, service: str, role: str) -> None:
    async with connected(stack, service, role) as connection:
        for name in [row["name"] for row in await filled_tables_of(stack, service, town.organization_id)]:
            if role == "worker" and name in ACROSS:
                continue
            for statement in (f"SELECT * FROM {name}", f"DELETE FROM {name}"):
                async with rolled_back(connection, None):
                    with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError)):
                        await connection.execute(statement)
            # After a transaction that had a tenant the setting is empty, and no longer missing.
            async with rolled_back(connection, str(uuid4())):
                pass
            async with rolled_back(connection, None):
                with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError)):
                    await connection.execute(f"SELECT * FROM {name}")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_write_that_forgot_its_filter_touches_one_tenant(
    stack: RealStack, town: Town, neighbours: Town, service: str
) -> None:
    ours, theirs = town.organization_id, neighbours.organization_id
    async with connected(stack, service, "owner") as owner, connected(stack, service, "application") as connection:
        for name, tenant in [
            (row["name"], row["tenant"]) for row in await filled_tables_of(stack, service, ours, theirs)
        ]:
            mine = await owner.fetchval(f"SELECT count(*) FROM {name} WHERE {tenant} = $1", ours)
            async with rolled_back(connection, ours):
                touched = await connection.execute(f"UPDATE {name} SET {tenant} = {tenant}")
                assert touched == f"UPDATE {mine}", name
            # Neither moved to another tenant, nor put there.
            async with rolled_back(connection, ours):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await connection.execute(f"UPDATE {name} SET {tenant} = $1", theirs)
            row = await owner.fetchval(f"SELECT to_jsonb({name})::text FROM {name} WHERE {tenant} = $1 LIMIT 1", theirs)
            async with rolled_back(connection, ours):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await connection.execute(
                        f"INSERT INTO {name} SELECT * FROM jsonb_populate_record(NULL::{name}, $1)", row
                    )
            # Deleting everything deletes one's own; keys that are referred to may keep some, and nothing else.
            async with rolled_back(connection, ours):
                deleted: Any = None
                try:
                    deleted = await connection.execute(f"DELETE FROM {name}")
                except asyncpg.ForeignKeyViolationError:
                    continue
                assert deleted == f"DELETE {mine}", name


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ["application", "worker"])
async def test_a_role_gets_into_no_other_database(stack: RealStack, service: str, role: str) -> None:
    own = f"/hearth_{service}"
    for other in set(SERVICES) - {service}:
        url = stack.database(service, role).replace(own, f"/hearth_{other}")
        assert url != stack.database(service, role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url)
