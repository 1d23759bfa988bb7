"""The membership standard, notices for silence, and appeals over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Manager, Member, Visitor
from chassis.errors import not_found
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.tiers.removal import commands, queries
from members.tiers.removal.policy import NoticeState
from members.tiers.removal.schemas import (
    AppealCreate,
    AppealDecide,
    MembershipStandardOut,
    MembershipStandardWrite,
    SilenceNoticeOut,
    SilencePreview,
    SilenceTerms,
)

routes = router("tiers")


@routes.get("/v1/communities/{community_id}/membership-standard")
async def get_membership_standard(session: TenantSession, member: Member, response: Response) -> MembershipStandardOut:
    """Read when silence ends a membership; 404 as long as it never does."""
    standard = await queries.get_standard(session, member.community_id)
    tag(response, standard.number)
    return queries.out_standard(member, standard)


@routes.put("/v1/communities/{community_id}/membership-standard", responses=problems(409, 412, 428))
async def set_membership_standard(
    session: TenantSession, manager: Manager, version: IfMatch, body: MembershipStandardWrite, response: Response
) -> MembershipStandardOut:
    """Set when silence ends a membership (If-Match "0" for the first). Preview it first: notice is given soon after."""
    standard = await commands.write_standard(session, manager, version, body)
    tag(response, standard.number)
    return queries.out_standard(manager, standard)


@routes.post("/v1/communities/{community_id}/membership-standard/previews")
async def preview_membership_standard(
    request: Request,
    session: TenantSession,
    manager: Manager,
    body: SilenceTerms,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> SilencePreview:
    """See who would be given notice by these terms. Nothing changes."""
    return await queries.preview(session, manager, runtime_of(request).cursors, body, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/silence-notices")
async def list_silence_notices(  # noqa: PLR0917  FastAPI passes them by name
    request: Request,
    session: TenantSession,
    manager: Manager,
    language: Language,
    state: Annotated[NoticeState, Query(description="`appealed` is the queue of appeals")] = NoticeState.GIVEN,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[SilenceNoticeOut]:
    """List the notices in a state, oldest first."""
    return await queries.list_notices(
        session, manager, runtime_of(request).cursors, state=state, language=language, limit=limit, cursor=cursor
    )


@routes.get("/v1/communities/{community_id}/silence-notices/me")
async def get_own_silence_notice(
    session: TenantSession, visitor: Visitor, language: Language, response: Response
) -> SilenceNoticeOut:
    """Read one's newest notice and what became of it; 404 for who never had one."""
    notice = await queries.last_notice(session, visitor.community_id, visitor.principal.account_id)
    if notice is None:
        raise not_found("notice")
    tag(response, notice.version)
    return queries.out(visitor, notice, language)


@routes.post("/v1/communities/{community_id}/silence-notices/me/appeal", status_code=201, responses=problems(409))
async def appeal_silence_removal(
    session: TenantSession, visitor: Visitor, language: Language, body: AppealCreate, response: Response
) -> SilenceNoticeOut:
    """Appeal one's removal for silence, once."""
    notice = await commands.appeal(session, visitor, body.text)
    tag(response, notice.version)
    return queries.out(visitor, notice, language)


@routes.post("/v1/communities/{community_id}/silence-notices/{notice_id}/decide", responses=problems(409, 412, 428))
async def decide_silence_appeal(  # noqa: PLR0917  FastAPI passes them by name
    session: TenantSession,
    manager: Manager,
    notice_id: UUID,
    version: IfMatch,
    language: Language,
    body: AppealDecide,
    response: Response,
) -> SilenceNoticeOut:
    """Judge an appeal: another manager than who set the standard does. Granted, the person belongs again."""
    notice = await commands.decide(session, manager, notice_id, version, body)
    tag(response, notice.version)
    return queries.out(manager, notice, language)
