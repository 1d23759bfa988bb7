"""Taking a list out: counted, and told before its first byte."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from chassis import exports, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.exports import Taken
from chassis.sheets import Sheet
from contracts.engagement import EngagementExportStarted


async def start(
    session: Session, reader: Standing, sheet: Sheet, values: Mapping[str, str | UUID | None] | None = None
) -> Taken:
    """Count a list of the community, narrowed by these values, and tell that it is taken out. Raises Problem 422."""
    community_id = reader.community_id

    def started(taken: Taken) -> EngagementExportStarted:
        return EngagementExportStarted(
            export_id=taken.id, community_id=community_id, list_name=sheet.name, rows=taken.rows
        )

    return await exports.begin(
        session,
        reader.principal,
        sheet,
        values or {},
        community_id=community_id,
        zone=reader.zone,
        emit=outbox.emit,
        started=started,
    )
