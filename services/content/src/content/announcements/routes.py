"""Acknowledgements over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from chassis.app import router
from chassis.auth import Editor, Member
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.announcements import commands, queries
from content.announcements.schemas import AcknowledgementOut, ReceiptFiguresOut, ReceiptOut, ReminderOut
from content.posts import queries as posts
from content.posts.routes import POST

routes = router("announcements")


@routes.put(POST + "/acknowledgement", responses=problems(409))
async def acknowledge_announcement(session: TenantSession, member: Member, post_id: UUID) -> AcknowledgementOut:
    """Say that you have read an announcement that asks for it. Doing it again changes nothing."""
    return AcknowledgementOut.model_validate(await commands.acknowledge(session, member, post_id))


@routes.get(POST + "/acknowledgements")
async def list_acknowledgements(
    request: Request,
    session: TenantSession,
    editor: Editor,
    post_id: UUID,
    *,
    acknowledged: Annotated[
        bool | None, Query(description="true: who has; false: who has not; left out: all who are asked")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ReceiptOut]:
    """Read who has acknowledged an announcement and who has not, by account."""
    post = await posts.get_row(session, editor.community_id, post_id)
    cursors = runtime_of(request).cursors
    return await queries.list_receipts(session, cursors, post, acknowledged=acknowledged, limit=limit, cursor=cursor)


@routes.get(POST + "/acknowledgements/figures")
async def get_acknowledgement_figures(session: TenantSession, editor: Editor, post_id: UUID) -> ReceiptFiguresOut:
    """Read how many are asked to acknowledge an announcement, have, and have not."""
    return await queries.get_figures(session, await posts.get_row(session, editor.community_id, post_id))


@routes.post(POST + "/reminders", status_code=202, responses=problems(409))
async def remind_of_announcement(session: TenantSession, editor: Editor, post_id: UUID) -> ReminderOut:
    """Have all reminded who have not acknowledged an announcement, at most once an hour.

    Each of them becomes an event for outreach, which reminds within the member's attention budget.
    """
    return ReminderOut.model_validate(await commands.remind(session, editor, post_id))


@routes.get(POST + "/reminders")
async def list_announcement_reminders(
    request: Request,
    session: TenantSession,
    editor: Editor,
    post_id: UUID,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ReminderOut]:
    """Read the remindings of an announcement, the last first."""
    post = await posts.get_row(session, editor.community_id, post_id)
    return await queries.list_reminders(session, runtime_of(request).cursors, post, limit=limit, cursor=cursor)
