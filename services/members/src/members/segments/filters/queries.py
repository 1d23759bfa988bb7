"""Asking the database for those whom compiled filters mean."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from members.segments.filters.compiler import BELONGS, Compiled


async def over_all(session: Session, compiled: Compiled) -> None:
    """Prepare to group a whole community: in memory, and the planner must not guess that people are few and nest loops.

    It holds for the rest of the transaction, which has nothing large left to do.
    """
    if compiled.windows:
        await session.execute(
            text("SELECT set_config('work_mem', '64MB', true), set_config('enable_nestloop', 'off', true)")
        )


def selection(compiled: Compiled, what: str) -> str:
    """Return the statement that selects `what` of the members whom the only filter means."""
    return f"SELECT {what} {compiled.source()} WHERE {BELONGS} AND {compiled.where()}"


async def count(session: Session, compiled: Compiled) -> int:
    """Return how many members the filter means."""
    await over_all(session, compiled)
    found = await session.execute(text(selection(compiled, "count(*)")), compiled.parameters)
    return int(found.scalar_one())


async def count_and_some(session: Session, compiled: Compiled, some: int) -> tuple[int, Sequence[UUID]]:
    """Return how many members the filter means, and so many of them."""
    await over_all(session, compiled)
    found = await session.execute(
        text(
            f"WITH matching AS MATERIALIZED ({selection(compiled, 'membership.account_id')}) "
            "SELECT (SELECT count(*) FROM matching) AS number, ARRAY(SELECT account_id FROM matching LIMIT :some) AS some"
        ),
        {**compiled.parameters, "some": some},
    )
    row = found.one()
    return int(row.number), row.some


async def accounts(session: Session, compiled: Compiled) -> Sequence[UUID]:
    """Return all members whom the filter means."""
    await over_all(session, compiled)
    found = await session.execute(text(selection(compiled, "membership.account_id")), compiled.parameters)
    return found.scalars().all()


def standings_of(compiled: Compiled) -> str:
    """Return the statement that selects (place, account_id) for each filter that means one of the `touched` members; compiled for `each`."""
    places = ", ".join(f"CASE WHEN {condition} THEN {place} END" for place, condition in enumerate(compiled.conditions))
    return f"""
        SELECT place, account_id FROM (
            SELECT membership.account_id, ARRAY[{places}]::integer[] AS places
            {compiled.source()}
            WHERE {BELONGS} AND membership.account_id = ANY(CAST(:touched AS uuid[]))
        ) AS asked, unnest(asked.places) AS place WHERE place IS NOT NULL"""


async def standings(session: Session, compiled: Compiled, touched: Collection[UUID]) -> set[tuple[int, UUID]]:
    """Return (place of the filter, account) for each filter that means one of these members."""
    found = await session.execute(text(standings_of(compiled)), {**compiled.parameters, "touched": list(touched)})
    return {(row.place, row.account_id) for row in found}
