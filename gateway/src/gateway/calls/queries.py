"""Reading calls."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select, tuple_

from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from gateway.calls.models import ClientCall
from gateway.calls.schemas import CallOut, Ended


async def list_page(
    session: Session,
    cursors: Cursors,
    client_id: UUID,
    *,
    ended: Ended | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str | None,
) -> Page[CallOut]:
    """Return a page of an API client's calls, newest first. Raises Problem 422 for a foreign cursor."""
    scope = f"calls:{client_id}:{ended}:{since}:{until}"
    before = cursors.decode(scope, cursor)
    wanted = select(ClientCall).where(ClientCall.client_id == client_id)
    if ended is Ended.NEVER:
        wanted = wanted.where(col(ClientCall.status).is_(None))
    elif ended is not None:
        hundreds = int(ended.value[0]) * 100
        wanted = wanted.where(col(ClientCall.status).between(hundreds, hundreds + 99))
    if since is not None:
        wanted = wanted.where(col(ClientCall.at) >= since)
    if until is not None:
        wanted = wanted.where(col(ClientCall.at) < until)
    newest_first = tuple_(col(ClientCall.at), col(ClientCall.id))
    if before is not None:
        wanted = wanted.where(newest_first < (datetime.fromisoformat(before[0]), UUID(before[1])))
    wanted = wanted.order_by(col(ClientCall.at).desc(), col(ClientCall.id).desc())
    rows = list(await session.scalars(wanted.limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    following = None if last is None else cursors.encode(scope, last.at.isoformat(), str(last.id))
    return Page(data=[CallOut.model_validate(row) for row in rows[:limit]], next_cursor=following)
