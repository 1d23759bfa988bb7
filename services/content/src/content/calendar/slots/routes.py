"""Slots over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Editor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.calendar.slots import commands, queries
from content.calendar.slots.schemas import RulePreview, RulePreviewOut, SlotCreate, SlotOut, SlotUpdate

routes = router("calendar")

Retired = Annotated[bool, Query(description="retired ones too")]


@routes.post("/v1/communities/{community_id}/slots", status_code=201, responses=problems(409))
async def define_slot(session: TenantSession, editor: Editor, body: SlotCreate, response: Response) -> SlotOut:
    """Define a recurring slot; its occurrences of the next 92 days are in the calendar at once."""
    slot = await commands.define_slot(session, editor, body)
    tag(response, slot.version)
    return await queries.read_slot(session, editor, slot)


@routes.post("/v1/communities/{community_id}/slots/preview")
async def preview_rule(editor: Editor, body: RulePreview) -> RulePreviewOut:
    """Try out a recurrence rule: where it falls next."""
    return commands.preview(editor, body)


@routes.get("/v1/communities/{community_id}/slots")
async def list_slots(
    request: Request,
    session: TenantSession,
    editor: Editor,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    retired: Retired = False,
) -> Page[SlotOut]:
    """List the community's slots, each with its next three hours."""
    cursors = runtime_of(request).cursors
    return await queries.list_slots(session, editor, cursors, retired=retired, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/slots/{slot_id}")
async def get_slot(session: TenantSession, editor: Editor, slot_id: UUID, response: Response) -> SlotOut:
    """Read a slot."""
    slot = await queries.get_slot(session, editor.community_id, slot_id)
    tag(response, slot.version)
    return await queries.read_slot(session, editor, slot)


@routes.patch("/v1/communities/{community_id}/slots/{slot_id}", responses=problems(409, 412, 428))
async def change_slot(
    session: TenantSession, editor: Editor, slot_id: UUID, version: IfMatch, body: SlotUpdate, response: Response
) -> SlotOut:
    """Change a slot. Days that it keeps keep what stands in them; items whose day it loses go back to the backlog."""
    slot, lost = await commands.change_slot(session, editor, slot_id, version, body)
    tag(response, slot.version)
    return await queries.read_slot(session, editor, slot, lost)


@routes.delete("/v1/communities/{community_id}/slots/{slot_id}", responses=problems(409, 412, 428))
async def retire_slot(
    session: TenantSession, editor: Editor, slot_id: UUID, version: IfMatch, response: Response
) -> SlotOut:
    """Retire a slot: it falls no more, and what it brought stays."""
    slot, lost = await commands.retire_slot(session, editor, slot_id, version)
    tag(response, slot.version)
    return await queries.read_slot(session, editor, slot, lost)
