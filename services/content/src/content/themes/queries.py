"""Every SELECT of themes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import col, select

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import invalid, not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.themes.models import Theme
from content.themes.schemas import ThemeOut
from contracts.members import CommunityRole, CommunityState


async def get_theme(session: Session, community_id: UUID, theme_id: UUID, *, lock: bool = False) -> Theme:
    """Return a theme, locked when it is to be changed. Raises Problem 404."""
    query = select(Theme).where(Theme.id == theme_id, Theme.community_id == community_id)
    found = await session.scalars(query.with_for_update() if lock else query)
    theme = found.one_or_none()
    if theme is None:
        raise not_found("theme")
    return theme


async def check_theme(session: Session, community_id: UUID, theme_id: UUID | None, at: str = "/theme_id") -> None:
    """Raise Problem 422 unless new things may stand under the theme; none is fine."""
    if theme_id is None:
        return
    found = await session.scalars(
        select(Theme.retired_at).where(Theme.id == theme_id, Theme.community_id == community_id)
    )
    rows = found.all()
    if not rows:
        raise invalid(at, "theme-unknown", "The community has no such theme.")
    if rows[0] is not None:
        raise invalid(at, "theme-retired", "The theme is retired: choose another.")


async def shares_of_others(session: Session, community_id: UUID, theme_id: UUID | None) -> tuple[int, int]:
    """Return what the community's other living themes ask together, and how many they are."""
    found = await session.execute(
        select(func.coalesce(func.sum(col(Theme.target_share)), 0), func.count()).where(
            col(Theme.community_id) == community_id,
            col(Theme.retired_at).is_(None),
            col(Theme.id).is_distinct_from(theme_id),
        )
    )
    total, count = found.one()
    return int(total), int(count)


def out(member: Standing, theme: Theme) -> ThemeOut:
    """Return a theme as this caller sees it."""
    may = member.has(CommunityRole.EDITOR) and member.community_state is not CommunityState.ARCHIVED
    can = ["edit", "retire"] if may and theme.retired_at is None else []
    return ThemeOut.model_validate({**theme.model_dump(), "can": can})


async def list_themes(
    session: Session, member: Standing, cursors: Cursors, *, retired: bool, limit: int, cursor: str | None
) -> Page[ThemeOut]:
    """Return a page of the community's themes, in the order in which they were made."""
    scope = f"themes:{member.principal.organization_id}:{member.community_id}:{retired}"
    after = cursors.decode(scope, cursor)
    query = select(Theme).where(Theme.community_id == member.community_id).order_by(col(Theme.id)).limit(limit + 1)
    if not retired:
        query = query.where(col(Theme.retired_at).is_(None))
    if after is not None:
        query = query.where(col(Theme.id) > UUID(after[0]))
    rows = (await session.scalars(query)).all()
    return Page(
        data=[out(member, theme) for theme in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )


async def targets(session: Session, community_id: UUID) -> dict[UUID, int]:
    """Return the target share of each living theme."""
    found = await session.execute(
        select(Theme.id, Theme.target_share).where(Theme.community_id == community_id, col(Theme.retired_at).is_(None))
    )
    return {row[0]: row[1] for row in found}


_SAID = text("""
SELECT theme_id, count(*) AS pieces FROM post
WHERE community_id = :community_id AND state = 'published' AND published_at >= :since AND published_at < :until
    AND (theme_id IS NOT NULL OR kind <> 'post')
GROUP BY theme_id
""")
_PLANNED = text("""
SELECT coalesce(item.theme_id, slot.theme_id) AS theme_id, count(*) AS pieces
FROM slot_occurrence AS occurrence JOIN slot ON slot.id = occurrence.slot_id LEFT JOIN item ON item.id = occurrence.item_id
WHERE occurrence.community_id = :community_id AND occurrence.state = 'open'
    AND occurrence.due_at >= :since AND occurrence.due_at < :until
GROUP BY 1
""")


async def counts(
    session: Session, community_id: UUID, since: datetime, until: datetime
) -> tuple[dict[UUID | None, int], dict[UUID | None, int]]:
    """Return by theme what was said between two instants, and what is planned; what members write of their own is neither."""
    bound = {"community_id": community_id, "since": since, "until": until}
    said = {row.theme_id: row.pieces for row in await session.execute(_SAID, bound)}
    planned = {row.theme_id: row.pieces for row in await session.execute(_PLANNED, bound)}
    return said, planned
