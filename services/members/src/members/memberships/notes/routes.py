"""Notes over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Moderator
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.memberships.notes import commands, queries
from members.memberships.notes.schemas import NoteOut, NoteWrite

routes = router("notes")
PATH = "/v1/communities/{community_id}/memberships/{membership_id}/notes"


@routes.post(PATH, status_code=201)
async def write_note(
    session: TenantSession, moderator: Moderator, membership_id: UUID, body: NoteWrite, response: Response
) -> NoteOut:
    """Note something about a member, for staff. The member never sees it, nor does anybody read what is about themselves."""
    note = await commands.write(session, moderator, membership_id, body.body)
    tag(response, note.version)
    return await queries.out(session, moderator, membership_id, note.id)


@routes.get(PATH)
async def list_notes(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    membership_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[NoteOut]:
    """List the notes on a member, newest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_page(session, moderator, cursors, membership_id, limit=limit, cursor=cursor)


@routes.get(f"{PATH}/{{note_id}}")
async def get_note(
    session: TenantSession, moderator: Moderator, membership_id: UUID, note_id: UUID, response: Response
) -> NoteOut:
    """Read a note."""
    note = await queries.out(session, moderator, membership_id, note_id)
    tag(response, note.version)
    return note


@routes.put(f"{PATH}/{{note_id}}", responses=problems(412, 428))
async def edit_note(  # noqa: PLR0917  FastAPI passes them by name
    session: TenantSession,
    moderator: Moderator,
    membership_id: UUID,
    note_id: UUID,
    version: IfMatch,
    body: NoteWrite,
    response: Response,
) -> NoteOut:
    """Change a note's words: who wrote it, and managers."""
    note = await commands.edit(session, moderator, membership_id, note_id, version, body.body)
    await session.flush()
    tag(response, note.version)
    return await queries.out(session, moderator, membership_id, note_id)


@routes.delete(f"{PATH}/{{note_id}}", status_code=204, responses=problems(412, 428))
async def delete_note(
    session: TenantSession, moderator: Moderator, membership_id: UUID, note_id: UUID, version: IfMatch
) -> None:
    """Delete a note, its words for good: who wrote it, and managers."""
    await commands.delete(session, moderator, membership_id, note_id, version)
