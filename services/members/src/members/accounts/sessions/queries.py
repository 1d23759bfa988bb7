"""Reading sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select

from chassis import clock
from chassis.db import Session
from members.accounts.sessions.models import AccountSession


async def lock_session(session: Session, session_id: UUID) -> AccountSession | None:
    """Return a session, locked for a change."""
    wanted = select(AccountSession).where(AccountSession.id == session_id).with_for_update()
    return (await session.scalars(wanted, execution_options={"populate_existing": True})).one_or_none()


async def lock_sessions_of(session: Session, account_id: UUID, *, but: UUID | None = None) -> Sequence[AccountSession]:
    """Return the sessions of an account that are not over, `but` one, locked for a change."""
    wanted = select(AccountSession).where(
        AccountSession.account_id == account_id,
        col(AccountSession.revoked_at).is_(None),
        col(AccountSession.expires_at) > clock.now(),
    )
    if but is not None:
        wanted = wanted.where(AccountSession.id != but)
    # In one order, so that two that end the same sessions cannot wait for each other in a circle.
    return (await session.scalars(wanted.order_by(col(AccountSession.id)).with_for_update())).all()


async def count_sessions_of(session: Session, account_id: UUID) -> int:
    """Return how many sessions of an account are not over."""
    wanted = (
        select(func.count())
        .select_from(AccountSession)
        .where(
            AccountSession.account_id == account_id,
            col(AccountSession.revoked_at).is_(None),
            col(AccountSession.expires_at) > clock.now(),
        )
    )
    return (await session.scalars(wanted)).one()


async def earliest_expiry(session: Session) -> datetime | None:
    """Return when the next session of the tenant expires."""
    return (await session.scalars(select(func.min(AccountSession.expires_at)))).one()
