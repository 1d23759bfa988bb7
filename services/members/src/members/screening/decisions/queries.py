"""What deciding has to know."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text
from sqlmodel import col

from chassis.db import Session
from members.screening.applications.models import Application, ApplicationDecision
from members.screening.applications.policy import OPEN, State


async def last_numbers(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return application → number of its newest judgement."""
    found = await session.execute(
        select(col(ApplicationDecision.application_id), func.max(ApplicationDecision.number))
        .where(col(ApplicationDecision.application_id).in_(ids))
        .group_by(col(ApplicationDecision.application_id))
    )
    return {row[0]: row[1] for row in found.all()}


async def list_waiting(session: Session, persona_id: UUID, most: int) -> list[UUID]:
    """Return who has waited longest for a persona."""
    found = await session.execute(
        select(col(Application.id))
        .where(col(Application.persona_id) == persona_id, col(Application.state) == State.WAITING)
        .order_by(col(Application.waiting_since), col(Application.id))
        .limit(most)
    )
    return list(found.scalars())


async def list_affected(session: Session, community_id: UUID, account_id: UUID) -> list[UUID]:
    """Return an account's applications that are open or hold a place."""
    found = await session.execute(
        select(col(Application.id)).where(
            col(Application.community_id) == community_id,
            col(Application.account_id) == account_id,
            col(Application.holds_place) | col(Application.state).in_(OPEN),
        )
    )
    return list(found.scalars())


async def list_of_account(session: Session, account_id: UUID) -> dict[UUID, list[UUID]]:
    """Return community → applications of an account."""
    found = await session.execute(
        select(col(Application.community_id), col(Application.id))
        .where(col(Application.account_id) == account_id)
        .order_by(col(Application.id))
    )
    by_community: dict[UUID, list[UUID]] = {}
    for community_id, application_id in found.all():
        by_community.setdefault(community_id, []).append(application_id)
    return by_community


async def holds_place(session: Session, community_id: UUID, account_id: UUID) -> bool:
    """Whether an account holds a place in a community."""
    found = await session.execute(
        text(
            "SELECT EXISTS (SELECT FROM application WHERE community_id = :community_id AND account_id = :account_id AND holds_place)"
        ),
        {"community_id": community_id, "account_id": account_id},
    )
    return bool(found.scalar_one())
