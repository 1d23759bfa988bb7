"""Content's tables: as the models say, isolated by tenant, and closed to what their invariants forbid."""

from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from tests.content.conftest import Place, make_place

from chassis.db import transaction
from chassis.testing.kit import Kit
from content.tables import Table

TENANTS = ("post", "comment", "reaction", "standing_community", "standing_member", "outbox", "inbox", "idempotency")


async def test_models_are_the_tables(kit: Kit) -> None:
    assert {"post", "comment", "reaction", "post_revision", "brand_persona"} <= set(Table.metadata.tables)
    for table in Table.metadata.tables.values():
        rows = await kit.sql(
            "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = $1", table.name
        )
        assert {row["column_name"]: row["is_nullable"] == "YES" for row in rows} == {
            column.name: bool(column.nullable) for column in table.columns
        }


async def test_a_query_without_its_filter_sees_one_tenant(kit: Kit, place: Place) -> None:
    other = await make_place(kit)
    for one in (place, other):
        _, client = await one.member()
        post = await one.post(client)
        await one.comment(client, post["id"])
        await client.put(f"{one.path}/posts/{post['id']}/reactions/👍")
    for table in ("post", "comment", "reaction"):
        found = await kit.runtime.reader.json(
            place.organization, f"SELECT json_agg(DISTINCT organization_id) FROM {table}"
        )
        assert found == f'["{place.organization}"]'.encode()
        async with transaction(kit.runtime.engine, place.organization) as session:
            seen = (await session.execute(text(f"SELECT DISTINCT organization_id FROM {table}"))).scalars().all()
            assert seen == [place.organization]
            changed = await session.execute(
                text(f"UPDATE {table} SET version = version WHERE organization_id = :other"),
                {"other": other.organization},
            )
            assert changed.rowcount == 0  # type: ignore[attr-defined]


async def test_without_a_tenant_nothing_answers(kit: Kit) -> None:
    connection = await asyncpg.connect(kit.database.application)
    tables = {*TENANTS, *Table.metadata.tables}
    try:
        for table in TENANTS:
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(f"SELECT * FROM {table} LIMIT 1")
    finally:
        await connection.close()
    rows = await kit.sql(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY($1)", tables
    )
    assert len(rows) == len(tables)
    assert all(row["relrowsecurity"] and row["relforcerowsecurity"] for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE post SET body = ''",
        "UPDATE post SET deleted_at = now()",
        "UPDATE post SET version = 0",
        "UPDATE post SET external_id = 'x'",
        "UPDATE post SET origin = 'import'",
        "UPDATE post SET attachments = '{}'",
        "UPDATE comment SET body = repeat('x', 100001)",
        "UPDATE comment SET parent_id = gen_random_uuid()",
        "UPDATE comment SET post_id = gen_random_uuid()",
        "UPDATE reaction SET emojis = array_fill('x'::text, ARRAY[11])",
        "UPDATE reaction SET subject_kind = 'person'",
        "DELETE FROM post",
    ],
)
async def test_invariants_hold_below_the_code(place: Place, change: str) -> None:
    _, client = await place.member()
    post = await place.post(client)
    await place.comment(client, post["id"])
    await client.put(f"{place.path}/posts/{post['id']}/reactions/👍")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await place.kit.sql(f"{change} WHERE community_id = $1", place.community)


async def test_a_parent_of_another_post_is_refused_below_the_code(place: Place) -> None:
    _, client = await place.member()
    first, second = await place.post(client), await place.post(client)
    parent = await place.comment(client, first["id"])
    child = await place.comment(client, second["id"])
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await place.kit.sql("UPDATE comment SET parent_id = $1 WHERE id = $2", parent["id"], child["id"])


async def test_one_reaction_per_person_and_subject(place: Place) -> None:
    _, client = await place.member()
    post = await place.post(client)
    await client.put(f"{place.path}/posts/{post['id']}/reactions/👍")
    with pytest.raises(asyncpg.UniqueViolationError):
        await place.kit.sql(
            "INSERT INTO reaction (id, organization_id, community_id, subject_kind, subject_id, account_id, emojis, reacted_at, version) "
            "SELECT $1, organization_id, community_id, subject_kind, subject_id, account_id, emojis, reacted_at, version "
            "FROM reaction WHERE subject_id = $2",
            uuid4(),
            post["id"],
        )
