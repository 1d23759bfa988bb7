"""Detectors over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from chassis.app import router
from chassis.auth import Moderator
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.moderation.detectors import commands, queries
from content.moderation.detectors.schemas import (
    DetectorCreate,
    DetectorOut,
    DetectorSummary,
    DetectorTrial,
    DetectorTrialOut,
    DetectorUpdate,
)

DETECTORS = "/v1/communities/{community_id}/detectors"
ONE = DETECTORS + "/{detector_id}"

routes = router("moderation")


@routes.post(DETECTORS, status_code=201, responses=problems(409, 413))
async def create_detector(
    session: TenantSession, moderator: Moderator, body: DetectorCreate, response: Response
) -> DetectorOut:
    """Put up a detector, in force at once for what is published from now on. A community has up to 50."""
    detector = await commands.create_detector(session, moderator, body)
    tag(response, detector.version)
    return queries.out(detector)


@routes.get(DETECTORS)
async def list_detectors(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[DetectorSummary]:
    """List the community's detectors, oldest first, without what they look for."""
    return await queries.list_page(session, moderator, runtime_of(request).cursors, limit=limit, cursor=cursor)


@routes.post(DETECTORS + "/trial", responses=problems(413))
async def try_detector(_moderator: Moderator, body: DetectorTrial) -> DetectorTrialOut:
    """Try settings on a text; nothing is kept."""
    return commands.try_detector(body)


@routes.get(ONE)
async def get_detector(
    session: TenantSession, moderator: Moderator, detector_id: UUID, response: Response
) -> DetectorOut:
    """Read a detector with all that it looks for."""
    detector = await queries.get_detector(session, moderator.community_id, detector_id)
    tag(response, detector.version)
    return queries.out(detector)


@routes.patch(ONE, responses=problems(409, 412, 413, 428))
async def update_detector(
    session: TenantSession,
    moderator: Moderator,
    detector_id: UUID,
    version: IfMatch,
    body: DetectorUpdate,
    response: Response,
) -> DetectorOut:
    """Change a detector, in force at once."""
    detector = await commands.update_detector(session, moderator, detector_id, version, body)
    tag(response, detector.version)
    return queries.out(detector)


@routes.delete(ONE, status_code=204, responses=problems(412, 428))
async def retire_detector(session: TenantSession, moderator: Moderator, detector_id: UUID, version: IfMatch) -> None:
    """Take a detector down; what it found stays."""
    await commands.retire_detector(session, moderator, detector_id, version)
