"""Asking whether a community has a rhythm."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from members.communities.readiness.policy import Missing

_HAS = text("""
SELECT EXISTS (SELECT FROM recurring_slot WHERE community_id = :community AND theme_id IS NOT NULL AND NOT retired)
""")


async def missing(session: Session, community_id: UUID) -> list[Missing]:
    """Return what is missing as long as no theme has a recurring slot."""
    if await session.scalar(_HAS, {"community": community_id}):
        return []
    words = "No theme has a recurring slot: what is said here, and when? Define a theme, then a slot of it."
    return [Missing("theme-slot", words, "POST", f"/v1/communities/{community_id}/slots")]
