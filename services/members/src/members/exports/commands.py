"""Taking a list out: recorded before its first byte, finished after its last."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text

from chassis import clock, exports, outbox
from chassis.db import Session, transaction
from chassis.exports import Taken
from chassis.runtime import Runtime
from chassis.sheets import Sheet
from chassis.tokens import Principal
from contracts.members import ExportStarted
from members.exports.models import Export


async def start(
    session: Session,
    principal: Principal,
    sheet: Sheet,
    values: Mapping[str, str | UUID | None],
    *,
    community_id: UUID | None,
    zone: str,
) -> Taken:
    """Count a list and record that it is taken out. Raises Problem 422."""

    def started(taken: Taken) -> ExportStarted:
        return ExportStarted(export_id=taken.id, community_id=community_id, list_name=sheet.name, rows=taken.rows)

    taken = await exports.begin(
        session, principal, sheet, values, community_id=community_id, zone=zone, emit=outbox.emit, started=started
    )
    session.add(
        Export(
            id=taken.id,
            organization_id=principal.organization_id,
            community_id=community_id,
            list_name=sheet.name,
            filters={name: str(value) for name, value in taken.filters.items()},
            rows=taken.rows,
            made_by=principal.account_id,
            made_at=clock.now(),
        )
    )
    await session.flush()
    return taken


async def finish(runtime: Runtime, taken: Taken, sent: int) -> None:
    """Record that a file was written to its end."""
    async with transaction(runtime.engine, taken.organization_id) as session:
        await session.execute(
            text("UPDATE export SET sent = :sent, finished_at = :now WHERE id = :id"),
            {"sent": sent, "now": clock.now(), "id": taken.id},
        )
