"""Rendering what was written without the present renderer: imports, and everything after the renderer changed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from chassis.ids import new_id
from content.rendering.texts import Rendered, render_now
from content.rendering.tree import VERSION

RENDER = "posts.render"
"""The kind of due work that renders a batch."""
BATCH = 200
TABLES = ("post", "comment")
HELD_FOR = timedelta(seconds=1)
_UNRENDERED = "organization_id = :organization_id AND renderer < :version AND state <> 'removed'"
_LEFT = text("SELECT " + " OR ".join(f"EXISTS (SELECT FROM {table} WHERE {_UNRENDERED})" for table in TABLES))


async def render_later(session: Session, organization_id: UUID, *, after: timedelta = timedelta()) -> None:
    """Have what is not rendered yet rendered by the worker. Under a key of its own: nobody waits for a batch at work."""
    await due.schedule(session, organization_id, RENDER, str(new_id()), clock.now() + after)


async def render_some(session: Session, organization_id: UUID) -> int:
    """Render a batch of the tenant's texts, and schedule the next when there may be more; return how many there were.

    Whoever only answers a text or reacts to it is in nobody's way; what somebody changes meanwhile is looked at again in a second.
    """
    bound = {"organization_id": organization_id, "version": VERSION}
    done = 0
    for table in TABLES:
        rows = (
            await session.execute(
                text(f"""
                    SELECT id, body FROM {table} WHERE {_UNRENDERED}
                    ORDER BY renderer, id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED"""),
                {**bound, "batch": BATCH - done},
            )
        ).all()
        if rows:
            rendered = await asyncio.to_thread(
                lambda bodies: [render_now(body) for body in bodies], [r.body for r in rows]
            )
            await _keep(session, table, [row.id for row in rows], rendered)
        done += len(rows)
    if done == BATCH:
        await render_later(session, organization_id)
    elif (await session.execute(_LEFT, bound)).scalar_one():
        await render_later(session, organization_id, after=HELD_FOR)
    return done


async def _keep(session: Session, table: str, ids: list[UUID], rendered: list[Rendered]) -> None:
    await session.execute(
        text(f"""
            UPDATE {table} SET html = item.html, tree = CAST(item.tree AS jsonb), renderer = :version
            FROM unnest(CAST(:ids AS uuid[]), CAST(:htmls AS text[]), CAST(:trees AS text[])) AS item(id, html, tree)
            WHERE {table}.id = item.id"""),
        {
            "version": VERSION,
            "ids": ids,
            "htmls": [one.html for one in rendered],
            "trees": [orjson.dumps(one.tree).decode() for one in rendered],
        },
    )
