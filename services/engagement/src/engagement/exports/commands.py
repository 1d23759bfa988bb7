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
    principal, community_id = reader.principal, reader.community_id
    taken = await exports.take(session, principal, sheet, values or {}, community_id=community_id, zone=reader.zone)
    outbox.emit(
        session,
        EngagementExportStarted(export_id=taken.id, community_id=community_id, list_name=sheet.name, rows=taken.rows),
        organization_id=principal.organization_id,
        aggregate_id=taken.id,
        version=1,
        community_id=community_id,
        actor=principal.account_id,
    )
    return taken
