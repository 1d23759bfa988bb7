"""External checks over HTTP: for a partner's program with the scope `content:judge`."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Judge
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.moderation.external import commands, queries
from content.moderation.external.schemas import CheckOut, CheckVerdict

routes = router("moderation")


@routes.get("/v1/checks")
async def list_checks(
    request: Request, session: TenantSession, judge: Judge, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[CheckOut]:
    """List the texts that wait for an outside checker in all communities, oldest first; only their authors see them until then."""
    return await queries.list_waiting(session, judge, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.get("/v1/checks/{check_id}")
async def get_check(session: TenantSession, _judge: Judge, check_id: UUID, response: Response) -> CheckOut:
    """Read a text that is to be judged, or was."""
    check = await queries.get_check(session, check_id)
    tag(response, check.version)
    return check


@routes.post("/v1/checks/{check_id}/verdict", responses=problems(409, 412, 428))
async def judge_check(
    session: TenantSession, judge: Judge, check_id: UUID, version: IfMatch, body: CheckVerdict, response: Response
) -> CheckOut:
    """Judge a text: publish it, remove it, or leave it to a moderator."""
    check = await commands.judge(session, judge, check_id, version, body.verdict)
    tag(response, check.version)
    return check
