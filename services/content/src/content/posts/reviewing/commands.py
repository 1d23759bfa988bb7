"""Writing what a community asks of its writers."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from chassis import outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.requests import check_version
from content.posts.reviewing import queries
from content.posts.reviewing.models import WritingPolicy
from content.posts.reviewing.schemas import WritingPolicyWrite
from contracts.content import WritingPolicyChanged


async def write_policy(session: Session, manager: Standing, expected: int, wanted: WritingPolicyWrite) -> WritingPolicy:
    """Set which kinds are reviewed; what is in review stays there. Raises Problem 412."""
    begun = await session.scalars(
        insert(WritingPolicy)
        .values(
            community_id=manager.community_id,
            organization_id=manager.principal.organization_id,
            reviewed_kinds=[],
            version=1,
        )
        .on_conflict_do_nothing()
        .returning(WritingPolicy)
    )
    first = begun.one_or_none() is not None
    policy = await queries.find_policy(session, manager.community_id, lock=True)
    assert policy is not None  # noqa: S101  inserted above
    check_version(expected, 0 if first else policy.version)
    kinds = [kind.value for kind in wanted.reviewed_kinds]
    if first or kinds != policy.reviewed_kinds:
        policy.reviewed_kinds = kinds
        policy.version += not first
        await session.flush()
        outbox.emit(
            session,
            WritingPolicyChanged(community_id=policy.community_id, reviewed_kinds=kinds),
            organization_id=policy.organization_id,
            aggregate_id=policy.community_id,
            version=policy.version,
            community_id=policy.community_id,
            actor=manager.principal.account_id,
        )
    return policy
