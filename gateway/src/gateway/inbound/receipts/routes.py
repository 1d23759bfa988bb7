"""Receipts over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from chassis.app import router
from chassis.auth import PartnerManager
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from gateway.inbound.receipts import commands, queries
from gateway.inbound.receipts.schemas import ReceiptDetailOut, ReceiptOut, ReceiptState
from gateway.inbound.sources import queries as sources

routes = router("inbound")


@routes.get("/v1/sources/{source_id}/receipts")
async def list_receipts(
    session: TenantSession,
    manager: PartnerManager,
    source_id: UUID,
    request: Request,
    state: Annotated[ReceiptState | None, Query(description="only those that stand so")] = None,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ReceiptOut]:
    """List the messages that a source took, the newest first, and what became of each."""
    await sources.get_source(session, manager, source_id)
    cursors, scope = runtime_of(request).cursors, f"receipts:{manager.organization_id}:{source_id}:{state}"
    before = cursors.decode(scope, cursor)
    found = await queries.list_receipts(
        session, source_id, state, limit=limit + 1, before=UUID(before[0]) if before else None
    )
    return Page(
        data=found[:limit],
        next_cursor=cursors.encode(scope, str(found[limit - 1].id)) if len(found) > limit else None,
    )


@routes.get("/v1/sources/{source_id}/receipts/{receipt_id}")
async def get_receipt(
    session: TenantSession, manager: PartnerManager, source_id: UUID, receipt_id: UUID
) -> ReceiptDetailOut:
    """Read what became of a message, thing by thing."""
    await sources.get_source(session, manager, source_id)
    return await queries.get_receipt(session, source_id, receipt_id)


@routes.post("/v1/sources/{source_id}/receipts/{receipt_id}/retries", status_code=202, responses=problems(409))
async def retry_receipt(
    session: TenantSession, manager: PartnerManager, source_id: UUID, receipt_id: UUID
) -> ReceiptDetailOut:
    """Try what failed of a message again, by the mapping that is in force. What was applied is not applied again."""
    source = await sources.get_source(session, manager, source_id)
    await commands.retry(session, source.organization_id, source_id, receipt_id)
    return await queries.get_receipt(session, source_id, receipt_id)
