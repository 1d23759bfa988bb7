"""Every write of themes, and the events that tell of them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.themes import policy, queries
from content.themes.models import Theme
from content.themes.schemas import ThemeCreate, ThemeUpdate
from contracts.content import ThemeChanged
from contracts.members import CommunityState


def check_may_plan(member: Standing) -> None:
    """Raise Problem 409 when the community is archived: nothing is planned there any more."""
    if member.community_state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "The community is archived: it can only be read.")


async def _check_share(session: Session, member: Standing, theme_id: UUID | None, wanted: int) -> None:
    # One at a time in a community: two that fit alone may not fit together.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('themes:' || :community, 0))"),
        {"community": str(member.community_id)},
    )
    others, count = await queries.shares_of_others(session, member.community_id, theme_id)
    if count >= policy.MOST_THEMES:
        raise Problem(409, "too-many-themes", f"There are {policy.MOST_THEMES} themes: retire one first.")
    left = policy.share_left(others, wanted)
    if left is not None:
        raise invalid("/target_share", "share-exceeded", f"All themes together have 100; {left} are left.")


def _tell(session: Session, member: Standing, theme: Theme) -> None:
    outbox.emit(
        session,
        ThemeChanged(
            theme_id=theme.id,
            community_id=theme.community_id,
            target_share=theme.target_share,
            promotion=theme.promotion,
            retired=theme.retired_at is not None,
        ),
        organization_id=theme.organization_id,
        aggregate_id=theme.id,
        version=theme.version,
        community_id=theme.community_id,
        actor=member.principal.account_id,
    )


async def define_theme(session: Session, member: Standing, new: ThemeCreate) -> Theme:
    """Define a theme. Raises Problem 409, 422."""
    check_may_plan(member)
    await _check_share(session, member, None, new.target_share)
    theme = Theme(
        id=new_id(),
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        created_by=member.principal.account_id,
        created_at=clock.now(),
        **new.model_dump(),
    )
    session.add(theme)
    await session.flush()
    _tell(session, member, theme)
    return theme


async def change_theme(session: Session, member: Standing, theme_id: UUID, expected: int, change: ThemeUpdate) -> Theme:
    """Change a theme; a change that changes nothing is none. Raises Problem 404, 409, 412, 422."""
    theme = await _living(session, member, theme_id, expected)
    values = {name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None}
    if any(getattr(theme, name) != value for name, value in values.items()):
        if "target_share" in values:
            await _check_share(session, member, theme.id, values["target_share"])
        for name, value in values.items():
            setattr(theme, name, value)
        theme.version += 1
        await session.flush()
        _tell(session, member, theme)
    return theme


async def _living(session: Session, member: Standing, theme_id: UUID, expected: int) -> Theme:
    check_may_plan(member)
    theme = await queries.get_theme(session, member.community_id, theme_id, lock=True)
    check_version(expected, theme.version)
    if theme.retired_at is not None:
        raise Problem(409, "theme-retired", "The theme is retired: define another.")
    return theme


async def retire_theme(session: Session, member: Standing, theme_id: UUID, expected: int) -> Theme:
    """Retire a theme: nothing new stands under it, and its share is free. Raises Problem 404, 409, 412."""
    theme = await _living(session, member, theme_id, expected)
    theme.retired_at = clock.now()
    theme.version += 1
    await session.flush()
    _tell(session, member, theme)
    return theme
