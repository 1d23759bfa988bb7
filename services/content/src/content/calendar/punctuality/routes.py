"""Punctuality over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query

from chassis.app import router
from chassis.auth import EditorOrAnalyst
from chassis.requests import TenantSession
from content.calendar.punctuality import queries
from content.calendar.punctuality.schemas import PunctualityOut
from content.periods import period

routes = router("calendar")

Since = Annotated[
    date | None, Query(description="first day, in the community's zone; four weeks before `until` unless given")
]
Until = Annotated[date | None, Query(description="last day; today unless given")]


@routes.get("/v1/communities/{community_id}/punctuality")
async def get_punctuality(
    session: TenantSession, reader: EditorOrAnalyst, since: Since = None, until: Until = None
) -> PunctualityOut:
    """Read the on-time rate of the community and of each slot. At most 366 days."""
    return await queries.count(session, reader.community_id, period(reader.zone, since, until))
