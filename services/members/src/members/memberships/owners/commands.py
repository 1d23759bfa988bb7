"""Changing who looks after a member."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import invalid
from chassis.requests import check_version
from contracts.members import MembershipOwnerChanged
from members.memberships.owners import queries

_TELLABLE = "RETURNING membership.id, membership.organization_id, membership.community_id, membership.account_id, membership.owner_id, membership.owner_version"
_FOLLOW = text(f"""
UPDATE membership SET owner_id = :stays, owner_version = owner_version + 1 WHERE owner_id = :goes {_TELLABLE}
""")
_INHERIT = text(f"""
UPDATE membership SET owner_id = old.owner_id, owner_version = membership.owner_version + 1
FROM membership AS old
WHERE old.account_id = :goes AND old.owner_id IS NOT NULL AND membership.account_id = :stays
    AND membership.community_id = old.community_id AND membership.owner_id IS NULL {_TELLABLE}
""")


async def change(
    session: Session, standing: Standing, membership_id: UUID, expected: int, owner_id: UUID | None
) -> None:
    """Let somebody look after a member, or nobody. Raises Problem 404, 412, 422 for who may not."""
    membership = await queries.lock(session, standing.community_id, membership_id)
    check_version(expected, membership.owner_version)
    if membership.owner_id == owner_id:
        return
    if owner_id is not None and not await queries.may_own(session, standing.community_id, owner_id):
        raise invalid(
            "/account_id",
            "not-staff",
            "Members are looked after by staff: the organization's people, or members with a role or marked as staff.",
        )
    membership.owner_id = owner_id
    membership.owner_version += 1
    await session.flush()
    _tell(session, membership, standing.principal.account_id)


async def hand_over(session: Session, merged_account_id: UUID, account_id: UUID) -> None:
    """After a merge: the living account looks after whom the merged one did, and is looked after as that one was."""
    parties = {"stays": account_id, "goes": merged_account_id}
    for statement in (_FOLLOW, _INHERIT):
        for row in await session.execute(statement, parties):
            _tell(session, row, None)


def _tell(session: Session, row: Any, actor: UUID | None) -> None:  # noqa: ANN401  a membership or its row
    outbox.emit(
        session,
        MembershipOwnerChanged(
            membership_id=row.id, community_id=row.community_id, account_id=row.account_id, owner_id=row.owner_id
        ),
        organization_id=row.organization_id,
        aggregate_id=row.id,
        version=row.owner_version,
        community_id=row.community_id,
        actor=actor,
    )
