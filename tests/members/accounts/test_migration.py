"""What the migrations promise of every table."""

from chassis.testing.kit import Kit
from members.tables import INSTALLATION_TABLES

KEPT_BY_TOOLS = ("alembic_version",)


async def test_every_tenant_table_forces_row_level_security(kit: Kit) -> None:
    rows = await kit.sql("""
        SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition AND NOT (relrowsecurity AND relforcerowsecurity)
    """)
    assert {row["relname"] for row in rows} == {*INSTALLATION_TABLES, *KEPT_BY_TOOLS}


async def test_security_definer_functions_are_the_listed_ones(kit: Kit) -> None:
    rows = await kit.sql("""
        SELECT proname, array_to_string(proconfig, ',') AS config, has_function_privilege('public', pg_proc.oid, 'EXECUTE') AS everyone
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname = 'public' AND prosecdef
    """)
    assert {row["proname"] for row in rows} == {
        "outbox_partition",
        "organization_of_slug",
        "organization_of_entry_link",
    }
    assert all(row["config"] == "search_path=public, pg_temp" and not row["everyone"] for row in rows)
