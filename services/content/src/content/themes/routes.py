"""Themes over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Editor, EditorOrAnalyst, Member
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.periods import period
from content.themes import commands, policy, queries
from content.themes.schemas import ThemeCreate, ThemeMix, ThemeOut, ThemeShare, ThemeUpdate

routes = router("themes")

Retired = Annotated[bool, Query(description="retired ones too")]
Since = Annotated[
    date | None, Query(description="first day, in the community's zone; four weeks before `until` unless given")
]
Until = Annotated[date | None, Query(description="last day; today unless given")]


@routes.post("/v1/communities/{community_id}/themes", status_code=201, responses=problems(409))
async def define_theme(session: TenantSession, editor: Editor, body: ThemeCreate, response: Response) -> ThemeOut:
    """Define a theme and its share of what is said."""
    theme = await commands.define_theme(session, editor, body)
    tag(response, theme.version)
    return queries.out(editor, theme)


@routes.get("/v1/communities/{community_id}/themes")
async def list_themes(
    request: Request,
    session: TenantSession,
    member: Member,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    retired: Retired = False,
) -> Page[ThemeOut]:
    """List the community's themes."""
    cursors = runtime_of(request).cursors
    return await queries.list_themes(session, member, cursors, retired=retired, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/themes/mix")
async def get_theme_mix(
    session: TenantSession, reader: EditorOrAnalyst, since: Since = None, until: Until = None
) -> ThemeMix:
    """Compare what was said under each theme, and what is planned, with the target. At most 366 days."""
    days = period(reader.zone, since, until)
    targets = await queries.targets(session, reader.community_id)
    said, planned = await queries.counts(session, reader.community_id, days.begins_at, days.ends_at)
    shares = policy.mix(targets, said)
    return ThemeMix(
        since=days.since,
        until=days.until,
        said=[ThemeShare.model_validate(one) for one in shares],
        planned=[ThemeShare.model_validate(one) for one in policy.mix(targets, planned)],
        distance=policy.distance(shares),
    )


@routes.get("/v1/communities/{community_id}/themes/{theme_id}")
async def get_theme(session: TenantSession, member: Member, theme_id: UUID, response: Response) -> ThemeOut:
    """Read a theme."""
    theme = await queries.get_theme(session, member.community_id, theme_id)
    tag(response, theme.version)
    return queries.out(member, theme)


@routes.patch("/v1/communities/{community_id}/themes/{theme_id}", responses=problems(409, 412, 428))
async def change_theme(
    session: TenantSession, editor: Editor, theme_id: UUID, version: IfMatch, body: ThemeUpdate, response: Response
) -> ThemeOut:
    """Change a theme's words, share or kind."""
    theme = await commands.change_theme(session, editor, theme_id, version, body)
    tag(response, theme.version)
    return queries.out(editor, theme)


@routes.delete("/v1/communities/{community_id}/themes/{theme_id}", responses=problems(409, 412, 428))
async def retire_theme(
    session: TenantSession, editor: Editor, theme_id: UUID, version: IfMatch, response: Response
) -> ThemeOut:
    """Retire a theme: it takes nothing new, and what was said under it stays."""
    theme = await commands.retire_theme(session, editor, theme_id, version)
    tag(response, theme.version)
    return queries.out(editor, theme)
