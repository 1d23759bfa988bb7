"""The calendar over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis import clock
from chassis.app import router
from chassis.auth import Editor, Person
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.calendar.occurrences import commands, queries
from content.calendar.occurrences.policy import HORIZON_DAYS, Filling
from content.calendar.occurrences.schemas import Filler, GapForecast, OccurrenceOut, OccurrenceUpdate
from content.periods import period

routes = router("calendar")

Since = Annotated[date | None, Query(description="first day; today unless given")]
Until = Annotated[date | None, Query(description="last day; four weeks from the first unless given")]
SlotFilter = Annotated[UUID | None, Query(description="only this slot")]
FillingFilter = Annotated[Filling | None, Query(description="only what is to come and filled, empty or at_risk")]
Days = Annotated[int, Query(ge=1, le=HORIZON_DAYS, description="how many days ahead")]


@routes.get("/v1/calendar")
async def list_whole_calendar(
    request: Request,
    session: TenantSession,
    person: Person,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    since: Since = None,
    until: Until = None,
    filling: FillingFilter = None,
) -> Page[OccurrenceOut]:
    """Read the calendar over every community that the caller plans, in the order of the hours. Days are those of UTC."""
    communities = await queries.list_communities(session, person)
    days = period("UTC", since, until, ahead=True)
    cursors = runtime_of(request).cursors
    wanted = queries.Filter(filling=filling)
    return await queries.list_calendar(session, person, communities, cursors, days, wanted, limit=limit, cursor=cursor)


@routes.get("/v1/calendar/gaps")
async def forecast_all_gaps(session: TenantSession, person: Person, days: Days = 14) -> GapForecast:
    """Foresee what the next days lack in every community that the caller plans."""
    communities = await queries.list_communities(session, person)
    return await queries.forecast(session, communities, clock.now(), days)


@routes.get("/v1/communities/{community_id}/calendar")
async def list_calendar(
    request: Request,
    session: TenantSession,
    editor: Editor,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    since: Since = None,
    until: Until = None,
    slot_id: SlotFilter = None,
    filling: FillingFilter = None,
) -> Page[OccurrenceOut]:
    """Read the community's calendar, in the order of the hours. Days are the community's; occurrences exist 92 days ahead."""
    days = period(editor.zone, since, until, ahead=True)
    cursors = runtime_of(request).cursors
    wanted = queries.Filter(slot_id, filling)
    return await queries.list_calendar(
        session, editor.principal, [editor.community_id], cursors, days, wanted, limit=limit, cursor=cursor
    )


@routes.get("/v1/communities/{community_id}/calendar/gaps")
async def forecast_gaps(session: TenantSession, editor: Editor, days: Days = 14) -> GapForecast:
    """Foresee what the next days lack: occurrences with nothing in them, or with something that is not ready."""
    return await queries.forecast(session, [editor.community_id], clock.now(), days)


@routes.get("/v1/communities/{community_id}/occurrences/{occurrence_id}")
async def get_occurrence(
    session: TenantSession, editor: Editor, occurrence_id: UUID, response: Response
) -> OccurrenceOut:
    """Read an occurrence."""
    occurrence = await queries.get_occurrence(session, editor.community_id, occurrence_id)
    tag(response, occurrence.version)
    return occurrence


@routes.patch("/v1/communities/{community_id}/occurrences/{occurrence_id}", responses=problems(409, 412, 428))
async def change_occurrence(
    session: TenantSession,
    editor: Editor,
    occurrence_id: UUID,
    version: IfMatch,
    body: OccurrenceUpdate,
    response: Response,
) -> OccurrenceOut:
    """Make an exception: a day without the slot, or another hour for one day. What is skipped loses what stood in it."""
    occurrence = await commands.change_occurrence(session, editor, occurrence_id, version, body)
    tag(response, occurrence.version)
    return occurrence


@routes.put("/v1/communities/{community_id}/occurrences/{occurrence_id}/filler", responses=problems(409, 412, 428))
async def fill_occurrence(
    session: TenantSession, editor: Editor, occurrence_id: UUID, version: IfMatch, body: Filler, response: Response
) -> OccurrenceOut:
    """Assign an item or an activity to an occurrence. An item that waits for another hour moves here."""
    occurrence = await commands.fill(session, editor, occurrence_id, version, body)
    tag(response, occurrence.version)
    return occurrence


@routes.delete("/v1/communities/{community_id}/occurrences/{occurrence_id}/filler", responses=problems(409, 412, 428))
async def clear_occurrence(
    session: TenantSession, editor: Editor, occurrence_id: UUID, version: IfMatch, response: Response
) -> OccurrenceOut:
    """Take out what stands in an occurrence; an item goes back to the backlog."""
    occurrence = await commands.clear(session, editor, occurrence_id, version)
    tag(response, occurrence.version)
    return occurrence
