"""Worth over HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis import exports
from chassis.app import router
from chassis.auth import EditorOrAnalyst
from chassis.exports import XLSX
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from chassis.schemas import Page
from content.exports import commands as taking
from content.periods import period
from content.posts.routes import POST, KindFilter
from content.worth import policy, queries
from content.worth.schemas import BalanceOut, WorthOut
from content.worth.sheets import WORTH

COMMUNITY = "/v1/communities/{community_id}"
DEFAULT_WEEKS = 12

routes = router("worth")

Since = Annotated[
    date | None, Query(description="first day, in the community's zone; four weeks before `until` unless given")
]
Until = Annotated[date | None, Query(description="last day; today unless given")]
FirstWeek = Annotated[
    date | None, Query(description="a day of the first week; eleven weeks before that of `until` unless given")
]
ThemeFilter = Annotated[UUID | None, Query(description="only pieces of this theme")]


@routes.get(POST + "/worth")
async def get_post_worth(session: TenantSession, reader: EditorOrAnalyst, post_id: UUID) -> WorthOut:
    """Read what a piece did for its readers: the score, its version and everything that went into it, some minutes old at most."""
    return await queries.get_worth(session, reader.community_id, post_id)


@routes.get(COMMUNITY + "/worth")
async def list_worth(
    request: Request,
    session: TenantSession,
    reader: EditorOrAnalyst,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    since: Since = None,
    until: Until = None,
    kind: KindFilter = None,
    theme: ThemeFilter = None,
) -> Page[WorthOut]:
    """List the pieces that were published on these days by what they did, the most first. At most 366 days.

    Figures move on while pages are read: a piece whose points change in between may come twice, or not at all.
    """
    days = period(reader.zone, since, until)
    filters = queries.Filter(kind, theme)
    cursors = runtime_of(request).cursors
    return await queries.list_worth(session, reader, cursors, days, filters, limit=limit, cursor=cursor)


@routes.get(COMMUNITY + "/worth/balance")
async def get_balance(
    session: TenantSession, reader: EditorOrAnalyst, since: FirstWeek = None, until: Until = None
) -> BalanceOut:
    """Read week by week how many pieces of the brand served and how many sold. Whole weeks, at most 366 days."""
    asked = period(reader.zone, since, until, days=7 * (DEFAULT_WEEKS - 1) + 1)
    first, last = policy.monday(asked.since), policy.monday(asked.until) + timedelta(days=6)
    return await queries.get_balance(session, reader, period(reader.zone, first, last))


@routes.get(COMMUNITY + "/worth/export.xlsx", response_class=Response, responses=XLSX)
async def export_worth(
    request: Request,
    session: TenantSession,
    reader: EditorOrAnalyst,
    language: Language,
    *,
    kind: Annotated[str | None, Query(max_length=80, description="only pieces of this kind")] = None,
    theme: Annotated[UUID | None, exports.narrowed("of this theme")] = None,
) -> Response:
    """Take out as XLSX what every piece did, oldest first. Editors and analysts; an event tells who did it."""
    taken = await taking.start(session, reader, WORTH, {"kind": kind, "theme": theme})
    return exports.answer(runtime_of(request), taken, language=language)
