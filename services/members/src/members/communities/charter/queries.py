"""Reading charters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.communities.charter import policy
from members.communities.charter.models import CharterRevision
from members.communities.charter.schemas import CharterOut


async def find_current(session: Session, community_id: UUID) -> CharterRevision | None:
    """Return the charter in force, None before anything was written."""
    found = await session.execute(
        select(CharterRevision)
        .where(col(CharterRevision.community_id) == community_id)
        .order_by(col(CharterRevision.version).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


async def contents(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return community → what its charter says; nothing for those that have none."""
    found = await session.execute(
        select(col(CharterRevision.community_id), col(CharterRevision.content))
        .ext(distinct_on(col(CharterRevision.community_id)))
        .where(col(CharterRevision.community_id).in_(community_ids))
        .order_by(col(CharterRevision.community_id), col(CharterRevision.version).desc())
    )
    return {row.community_id: row.content for row in found}


async def get_revision(session: Session, community_id: UUID, version: int) -> CharterRevision:
    """Return what the charter said in a version. Raises Problem 404."""
    revision = await session.get(CharterRevision, (community_id, version))
    if revision is None:
        raise not_found("version of the charter")
    return revision


def out(standing: Standing, revision: CharterRevision | None) -> CharterOut:
    """Return a charter as this caller sees it."""
    content = revision.content if revision else {}
    editable = standing.has() and standing.community_state is not CommunityState.ARCHIVED
    return CharterOut(
        community_id=standing.community_id,
        content=content,
        missing=policy.missing(content),
        version=revision.version if revision else 0,
        changed_by=revision.changed_by if revision else None,
        changed_at=revision.changed_at if revision else None,
        can=["edit"] if editable else [],
    )


async def list_revisions(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[CharterOut]:
    """Return what the charter said, newest first."""
    scope = f"charter:{standing.principal.organization_id}:{standing.community_id}"
    after = cursors.decode(scope, cursor)
    query = (
        select(CharterRevision)
        .where(col(CharterRevision.community_id) == standing.community_id)
        .order_by(col(CharterRevision.version).desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(CharterRevision.version) < after[0])
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    return Page[CharterOut](
        data=[out(standing, row) for row in page],
        next_cursor=cursors.encode(scope, page[-1].version) if len(rows) > limit else None,
    )
