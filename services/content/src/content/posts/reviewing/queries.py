"""Every SELECT of what communities ask of their writers."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import select

from chassis.db import Session
from content.posts.reviewing.models import WritingPolicy


async def find_policy(session: Session, community_id: UUID, *, lock: bool = False) -> WritingPolicy | None:
    """Return what a community asks of its writers."""
    wanted = select(WritingPolicy).where(WritingPolicy.community_id == community_id)
    found = await session.scalars(wanted.with_for_update() if lock else wanted)
    return found.one_or_none()


async def reviewed_kinds(session: Session, community_id: UUID) -> frozenset[str]:
    """Return the kinds of posts that a second person reads before others see them: the calendar asks it of its items too."""
    known = await find_policy(session, community_id)
    return frozenset(known.reviewed_kinds if known else ())
