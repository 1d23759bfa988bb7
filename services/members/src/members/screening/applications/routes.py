"""Applications over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Moderator, Visitor
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.screening.applications import commands, queries
from members.screening.applications.policy import State
from members.screening.applications.schemas import (
    ApplicationAsk,
    ApplicationCreate,
    ApplicationInform,
    ApplicationOut,
    DecisionList,
)
from members.vault import Secrets

routes = router("screening")


@routes.post("/v1/communities/{community_id}/applications", status_code=201, responses=problems(409))
async def submit_application(
    session: TenantSession,
    vault: Secrets,
    visitor: Visitor,
    body: ApplicationCreate,
    language: Language,
    response: Response,
) -> ApplicationOut:
    """Apply with answers to the form in force. Where the policy can, it decides at once; the answer says what and why."""
    application = await commands.submit(session, vault, visitor, body)
    await session.flush()
    tag(response, application.version)
    return await queries.out(session, visitor, application.id, language)


@routes.get("/v1/communities/{community_id}/applications")
async def list_applications(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    language: Language,
    *,
    state: Annotated[State, Query(description="where they stand")] = State.IN_REVIEW,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[ApplicationOut]:
    """List applications: those in review by deadline, those that wait by when they began to, others newest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_queue(session, moderator, cursors, language, state=state, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/applications/me")
async def get_own_application(
    session: TenantSession, visitor: Visitor, language: Language, response: Response
) -> ApplicationOut:
    """Read one's own newest application; 404 before the first."""
    application = await queries.out_own(session, visitor, language)
    tag(response, application.version)
    return application


@routes.get("/v1/communities/{community_id}/applications/{application_id}")
async def get_application(
    session: TenantSession, visitor: Visitor, application_id: UUID, language: Language, response: Response
) -> ApplicationOut:
    """Read an application: one's own, or any as a reviewer."""
    application = await queries.out(session, visitor, application_id, language)
    tag(response, application.version)
    return application


@routes.get("/v1/communities/{community_id}/applications/{application_id}/decisions")
async def list_application_decisions(
    session: TenantSession, moderator: Moderator, application_id: UUID, language: Language
) -> DecisionList:
    """Read every judgement about an application with what it was made on, and whether the same inputs still give the same."""
    return DecisionList(data=await queries.list_decisions(session, moderator, application_id, language))


@routes.post("/v1/communities/{community_id}/applications/{application_id}/ask", responses=problems(409, 412, 428))
async def ask_applicant(
    session: TenantSession,
    moderator: Moderator,
    application_id: UUID,
    version: IfMatch,
    body: ApplicationAsk,
    *,
    language: Language,
    response: Response,
) -> ApplicationOut:
    """Ask the applicant for information; the deadline waits for the answer."""
    application = await commands.ask(session, moderator, application_id, version, body.question)
    await session.flush()
    tag(response, application.version)
    return await queries.out(session, moderator, application_id, language)


@routes.post("/v1/communities/{community_id}/applications/{application_id}/inform", responses=problems(409, 412, 428))
async def inform_reviewer(
    session: TenantSession,
    visitor: Visitor,
    application_id: UUID,
    version: IfMatch,
    body: ApplicationInform,
    *,
    language: Language,
    response: Response,
) -> ApplicationOut:
    """Answer what a reviewer asked, and change answers where that is needed."""
    application = await commands.inform(session, visitor, application_id, version, body)
    await session.flush()
    tag(response, application.version)
    return await queries.out(session, visitor, application_id, language)


@routes.post("/v1/communities/{community_id}/applications/{application_id}/withdraw", responses=problems(409, 412, 428))
async def withdraw_application(
    session: TenantSession,
    visitor: Visitor,
    application_id: UUID,
    version: IfMatch,
    language: Language,
    response: Response,
) -> ApplicationOut:
    """Take one's application back."""
    application = await commands.withdraw(session, visitor, application_id, version)
    await session.flush()
    tag(response, application.version)
    return await queries.out(session, visitor, application_id, language)
