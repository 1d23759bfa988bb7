"""Which lists there are, and who took them out."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from chassis.db import Session
from chassis.errors import Problem
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.sheets import Sheet
from members.exports.models import Export
from members.exports.schemas import ExportOut

COMMUNITY: dict[str, Sheet] = {}
ORGANIZATION: dict[str, Sheet] = {}
"""List → how it is read. The nouns' own; the composition root fills them."""


def register(lists: dict[str, Sheet], *more: Sheet) -> None:
    """Add lists. Raises ValueError for a name twice."""
    for sheet in more:
        if sheet.name in lists:
            raise ValueError(f"two lists are called {sheet.name}")
        lists[sheet.name] = sheet


def get_sheet(lists: Mapping[str, Sheet], name: str) -> Sheet:
    """Return a list by its name. Raises Problem 404, which names those that there are."""
    if name not in lists:
        raise Problem(404, "not-found", f"There is no such list; these there are: {', '.join(sorted(lists))}.")
    return lists[name]


async def list_page(
    session: Session,
    cursors: Cursors,
    *,
    organization_id: UUID,
    community_id: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[ExportOut]:
    """Return the exports of a community, or those of the organization's own lists, newest first."""
    scope = f"exports:{organization_id}:{community_id}"
    after = cursors.decode(scope, cursor)
    query = (
        select(Export)
        .where(
            col(Export.organization_id) == organization_id, col(Export.community_id).is_not_distinct_from(community_id)
        )
        .order_by(col(Export.id).desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(Export.id) < UUID(after[0]))
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    return Page[ExportOut](
        data=[ExportOut.model_validate(row) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
