"""Reading over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from chassis.app import router
from chassis.auth import Member, MemberReading
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import TenantSession
from chassis.schemas import Page, problems
from content.posts.routes import GroupFilter, KindFilter, SectionFilter
from content.reading import commands, queries
from content.reading.policy import Order
from content.reading.schemas import (
    BookmarkOut,
    FeedItemOut,
    HorizonOut,
    HorizonUpdate,
    MentionOut,
    ReadsCreate,
    ReadsOut,
    UnreadOut,
)

COMMUNITY = "/v1/communities/{community_id}"

routes = router("reading")

ThemeFilter = Annotated[UUID | None, Query(description="only posts of this theme")]
FeedOrder = Annotated[Order, Query(description="newest first, or hot first (docs/reading.md has the formula)")]
UnreadFilter = Annotated[bool, Query(description="only posts that the caller has not read")]


@routes.get(COMMUNITY + "/feed", response_model=Page[FeedItemOut], responses=problems(410))
async def read_feed(
    reading: MemberReading,
    *,
    order: FeedOrder = Order.NEWEST,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    section: SectionFilter = None,
    theme: ThemeFilter = None,
    kind: KindFilter = None,
    group: GroupFilter = None,
    unread: UnreadFilter = False,
) -> Response:
    """Read the feed as a member does: newest or hot first, by section, theme, kind or group, and what is unread.

    The hot order is that of one ranking, made at most once a minute: while its pages are read, nothing moves, comes twice or is left
    out. A ranking can be read on for an hour, then 410 `ranking-gone` says to begin again. Unread are posts of others, of the last 90
    days and since the caller joined, among the 2,000 newest.
    """
    filters = queries.Filter(section, theme, kind, group)
    read = commands.list_hot if order is Order.HOT else queries.list_newest
    content = await read(reading, filters, unread=unread, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.get(COMMUNITY + "/unread", response_model=UnreadOut)
async def count_unread(reading: MemberReading) -> Response:
    """Count what the caller has not read, by section, kind, theme and group."""
    return Response(await queries.count_unread(reading), media_type="application/json")


@routes.post(COMMUNITY + "/reads")
async def mark_read(session: TenantSession, member: Member, body: ReadsCreate) -> ReadsOut:
    """Mark up to 500 posts as read. Repeating it changes nothing; the first time counts the caller as a reader."""
    return await commands.mark_read(session, member, body.post_ids)


@routes.put(COMMUNITY + "/reads/horizon")
async def read_everything(session: TenantSession, member: Member, body: HorizonUpdate) -> HorizonOut:
    """Count everything published up to an instant as read. It makes nobody a reader of it."""
    return await commands.read_everything(session, member, body.until)


@routes.get(COMMUNITY + "/bookmarks", response_model=Page[FeedItemOut])
async def list_bookmarks(reading: MemberReading, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None) -> Response:
    """Read the posts that the caller keeps, the last kept first. Nobody else sees them."""
    content = await queries.list_bookmarks(reading, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.put(COMMUNITY + "/posts/{post_id}/bookmark")
async def bookmark_post(session: TenantSession, member: Member, post_id: UUID) -> BookmarkOut:
    """Keep a post. Doing it again changes nothing."""
    return await commands.add_bookmark(session, member, post_id)


@routes.delete(COMMUNITY + "/posts/{post_id}/bookmark", status_code=204)
async def unbookmark_post(session: TenantSession, member: Member, post_id: UUID) -> None:
    """Keep a post no longer. Doing it again changes nothing."""
    await commands.remove_bookmark(session, member, post_id)


@routes.get(COMMUNITY + "/mentions", response_model=Page[MentionOut])
async def list_mentions(reading: MemberReading, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None) -> Response:
    """Read where others mentioned the caller, newest first."""
    content = await queries.list_mentions(reading, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")
