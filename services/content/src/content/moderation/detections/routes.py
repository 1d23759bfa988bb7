"""Detections over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from chassis.app import router
from chassis.auth import Moderator
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page
from content.moderation.detections import queries
from content.moderation.detections.schemas import DetectionOut

routes = router("moderation")


@routes.get("/v1/communities/{community_id}/detections")
async def list_detections(
    request: Request,
    session: TenantSession,
    moderator: Moderator,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    *,
    author: Annotated[UUID | None, Query(description="only in texts of this account")] = None,
    detector: Annotated[UUID | None, Query(description="only by this detector")] = None,
) -> Page[DetectionOut]:
    """List what detectors found, newest first, blocked texts included."""
    cursors = runtime_of(request).cursors
    return await queries.list_page(
        session, moderator, cursors, author=author, detector=detector, limit=limit, cursor=cursor
    )
