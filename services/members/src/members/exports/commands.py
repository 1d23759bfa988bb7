"""Taking a list out: counted and recorded before its first byte, finished after its last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox, sheets
from chassis.db import Session, transaction
from chassis.ids import new_id
from chassis.runtime import Runtime
from chassis.sheets import Sheet
from chassis.tokens import Principal
from contracts.members import ExportStarted
from members.exports import policy, queries
from members.exports.models import Export


async def start(
    session: Session,
    principal: Principal,
    sheet: Sheet,
    values: Mapping[str, str | UUID | None],
    *,
    community_id: UUID | None,
) -> tuple[Export, dict[str, Any]]:
    """Count a list and record that it is taken out; return the record and what its statements need. Raises Problem 422."""
    filters, unknown, missing = sheets.parse(sheet, values)
    policy.check_filters(unknown, missing)
    parameters = {**filters, "caller": principal.account_id, "community_id": community_id}
    rows = await sheets.count(session, sheet, parameters, list(filters))
    policy.check_rows(rows)
    export = Export(
        id=new_id(),
        organization_id=principal.organization_id,
        community_id=community_id,
        list_name=sheet.name,
        filters={name: str(value) for name, value in filters.items()},
        rows=rows,
        made_by=principal.account_id,
        made_at=clock.now(),
    )
    session.add(export)
    await session.flush()
    outbox.emit(
        session,
        ExportStarted(export_id=export.id, community_id=community_id, list_name=sheet.name, rows=rows),
        organization_id=export.organization_id,
        aggregate_id=export.id,
        version=1,
        community_id=community_id,
        actor=principal.account_id,
    )
    return export, parameters


async def send(
    runtime: Runtime, export: Export, sheet: Sheet, parameters: Mapping[str, Any], *, zone: str, language: str
) -> AsyncIterator[bytes]:
    """Yield the file, and record that it was written to its end."""
    sent = 0

    async def counted() -> AsyncIterator[Sequence[Sequence[Any]]]:
        nonlocal sent
        async for rows in queries.pages(runtime, export.organization_id, sheet, parameters, list(export.filters)):
            sent += len(rows)
            yield rows

    titles = sheets.header(sheet, zone, language)
    async for chunk in sheets.stream(titles, counted(), zone=zone, language=language, title=sheet.name):
        yield chunk
    async with transaction(runtime.engine, export.organization_id) as session:
        await session.execute(
            text("UPDATE export SET sent = :sent, finished_at = :now WHERE id = :id"),
            {"sent": sent, "now": clock.now(), "id": export.id},
        )
