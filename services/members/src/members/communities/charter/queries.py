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
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.communities.charter import policy
from members.communities.charter.models import CharterRevision
from members.communities.charter.schemas import CharterOut
from members.revisions import queries as revisions


async def find_current(session: Session, community_id: UUID) -> CharterRevision | None:
    """Return the charter in force, None before anything was written."""
    return await revisions.find_current(session, CharterRevision, community_id)


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
    return await revisions.get(session, CharterRevision, community_id, version, "charter")


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
    community_id = standing.community_id
    scope = f"charter:{standing.principal.organization_id}:{community_id}"
    page, following = await revisions.list_versions(
        session, CharterRevision, community_id, cursors, scope, limit=limit, cursor=cursor
    )
    return Page[CharterOut](data=[out(standing, row) for row in page], next_cursor=following)
