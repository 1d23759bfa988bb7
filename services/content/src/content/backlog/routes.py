"""The backlog over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from chassis.app import router
from chassis.auth import Editor
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.backlog import commands, queries
from content.backlog.policy import ItemState
from content.backlog.schemas import ItemCreate, ItemOut, ItemUpdate
from content.posts.policy import PostKind

routes = router("backlog")

State = Annotated[ItemState | None, Query(description="only items of this state; all but retired ones unless given")]
Kind = Annotated[PostKind | None, Query(description="only items of this kind")]
ThemeFilter = Annotated[UUID | None, Query(description="only items of this theme")]
Unassigned = Annotated[bool, Query(description="only items that wait for no hour")]


@routes.post("/v1/communities/{community_id}/items", status_code=201, responses=problems(409, 413))
async def add_item(session: TenantSession, editor: Editor, body: ItemCreate, response: Response) -> ItemOut:
    """Put an idea, a draft or a finished piece into the backlog."""
    item = await commands.add_item(session, editor, body)
    tag(response, item.version)
    return queries.out(editor, item, None)


@routes.get("/v1/communities/{community_id}/items")
async def list_items(
    request: Request,
    session: TenantSession,
    editor: Editor,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    state: State = None,
    kind: Kind = None,
    theme_id: ThemeFilter = None,
    unassigned: Unassigned = False,
) -> Page[ItemOut]:
    """List the backlog, newest first."""
    wanted = queries.Filter(state, kind, theme_id, unassigned)
    return await queries.list_items(session, editor, runtime_of(request).cursors, wanted, limit=limit, cursor=cursor)


@routes.get("/v1/communities/{community_id}/items/{item_id}")
async def get_item(session: TenantSession, editor: Editor, item_id: UUID, response: Response) -> ItemOut:
    """Read an item, with the hour that it waits for."""
    item = await queries.get_item(session, editor.community_id, item_id)
    tag(response, item.version)
    return await queries.read_item(session, editor, item)


@routes.patch("/v1/communities/{community_id}/items/{item_id}", responses=problems(409, 412, 413, 428))
async def change_item(
    session: TenantSession, editor: Editor, item_id: UUID, version: IfMatch, body: ItemUpdate, response: Response
) -> ItemOut:
    """Change an item. What was delivered and is made ready goes out once more; its first post stays as it is."""
    item = await commands.change_item(session, editor, item_id, version, body)
    tag(response, item.version)
    return await queries.read_item(session, editor, item)


@routes.delete("/v1/communities/{community_id}/items/{item_id}", responses=problems(409, 412, 428))
async def retire_item(
    session: TenantSession, editor: Editor, item_id: UUID, version: IfMatch, response: Response
) -> ItemOut:
    """Take an item that nothing needs any more out of the backlog."""
    item = await commands.retire_item(session, editor, item_id, version)
    tag(response, item.version)
    return queries.out(editor, item, None)
