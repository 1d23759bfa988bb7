"""Every SELECT of compliance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import select

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from content.moderation.compliance.models import ModerationPolicy
from content.moderation.compliance.policy import NO_CHECKER, Profile
from content.moderation.compliance.schemas import ModerationPolicyOut


async def find_policy(session: Session, community_id: UUID, *, locked: bool = False) -> ModerationPolicy | None:
    """Return a community's policy, None when it never decided."""
    wanted = select(ModerationPolicy).where(ModerationPolicy.community_id == community_id)
    return (await session.scalars(wanted.with_for_update() if locked else wanted)).one_or_none()


def out(member: Standing, found: ModerationPolicy | None) -> ModerationPolicyOut:
    """Return a policy as the member sees it."""
    values: dict[str, Any] = {
        "community_id": member.community_id,
        "profile": Profile.NONE,
        "checker": NO_CHECKER,
        "checker_clause_code": None,
        "checker_clause_text": {},
        "version": 0,
    }
    if found is not None:
        values = found.model_dump()
    return ModerationPolicyOut.model_validate({**values, "can": ["edit"] if member.has() else []})


async def check_community(session: Session, community_id: UUID) -> None:
    """Raise Problem 404 unless the organization has such a community."""
    found = await session.execute(
        text("SELECT 1 FROM standing_community WHERE community_id = :id"), {"id": community_id}
    )
    if found.one_or_none() is None:
        raise not_found("community")


async def list_sealed(
    session: Session, community_id: UUID, from_at: datetime, until: datetime, most: int
) -> Sequence[Row[Any]]:
    """Return the sealed entries of a stretch, oldest first."""
    rows = await session.execute(
        text("""
            SELECT id, sealed FROM publication_log
            WHERE community_id = :community_id AND published_at >= :from_at AND published_at < :until
            ORDER BY published_at, id LIMIT :most
        """),
        {"community_id": community_id, "from_at": from_at, "until": until, "most": most},
    )
    return rows.all()
