"""Reading invitations."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select

from chassis.db import Session
from members.accounts.invitations.models import Invitation


async def lock_invitation(session: Session, invitation_id: UUID) -> Invitation | None:
    """Return an invitation, locked for a change."""
    return (
        await session.scalars(select(Invitation).where(Invitation.id == invitation_id).with_for_update())
    ).one_or_none()


async def find_open(session: Session, account_id: UUID) -> Invitation | None:
    """Return the account's invitation that was neither claimed nor withdrawn, expired or not."""
    wanted = select(Invitation).where(
        Invitation.account_id == account_id,
        col(Invitation.claimed_at).is_(None),
        col(Invitation.withdrawn_at).is_(None),
    )
    return (await session.scalars(wanted)).one_or_none()
