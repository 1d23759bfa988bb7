"""Decisions over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Moderator
from chassis.languages import Language
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from members.screening.applications import queries
from members.screening.applications.schemas import (
    ApplicationDecide,
    ApplicationDecideMany,
    ApplicationOut,
    DecidedList,
    DecidedOut,
)
from members.screening.decisions import commands

routes = router("screening")


@routes.post("/v1/communities/{community_id}/applications/decisions", responses=problems(409))
async def decide_applications(session: TenantSession, moderator: Moderator, body: ApplicationDecideMany) -> DecidedList:
    """Decide about many applications; the answer says what became of each."""
    decided = await commands.decide_many(session, moderator, body.ids, body.decision, body.reason)
    return DecidedList(
        data=[
            DecidedOut(
                id=one.id,
                outcome=one.outcome,
                code=one.problem.code if one.problem else None,
                detail=one.problem.detail if one.problem else None,
            )
            for one in decided
        ]
    )


@routes.post("/v1/communities/{community_id}/applications/{application_id}/decision", responses=problems(409, 412, 428))
async def decide_application(
    session: TenantSession,
    moderator: Moderator,
    application_id: UUID,
    version: IfMatch,
    body: ApplicationDecide,
    *,
    language: Language,
    response: Response,
) -> ApplicationOut:
    """Approve or reject one application; approved, it waits where the persona's quota is full."""
    application = await commands.decide(session, moderator, application_id, version, body.decision, body.reason)
    await session.flush()
    tag(response, application.version)
    return await queries.out(session, moderator, application_id, language)


@routes.post("/v1/communities/{community_id}/applications/{application_id}/undo", responses=problems(409, 412, 428))
async def undo_decision(
    session: TenantSession,
    moderator: Moderator,
    application_id: UUID,
    version: IfMatch,
    language: Language,
    response: Response,
) -> ApplicationOut:
    """Take a decision back within ten minutes, if the member has done nothing since; the application is in review again."""
    application = await commands.undo(session, moderator, application_id, version)
    await session.flush()
    tag(response, application.version)
    return await queries.out(session, moderator, application_id, language)
