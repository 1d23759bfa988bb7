"""Reading replays."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, func, select

from chassis.db import Session
from chassis.errors import not_found
from chassis.tokens import Principal
from gateway.deliveries.models import Replay
from gateway.deliveries.queries import get_told_endpoint
from gateway.deliveries.replays.schemas import ReplayOut


async def get_replay(session: Session, principal: Principal, endpoint_id: UUID, replay_id: UUID) -> ReplayOut:
    """Return a replay of an endpoint. Raises Problem 404."""
    await get_told_endpoint(session, principal, endpoint_id)
    wanted = select(Replay).where(col(Replay.id) == replay_id, col(Replay.endpoint_id) == endpoint_id)
    found = (await session.scalars(wanted)).one_or_none()
    if found is None:
        raise not_found("replay")
    return out(found)


async def count_running(session: Session, endpoint_id: UUID) -> int:
    """Return how many replays of an endpoint are under way."""
    running = col(Replay.finished_at).is_(None)
    wanted = select(func.count()).where(col(Replay.endpoint_id) == endpoint_id, running)
    return (await session.scalars(wanted)).one()


def out(replay: Replay) -> ReplayOut:
    """Return a replay as it is shown."""
    return ReplayOut.model_validate(
        {
            **replay.model_dump(exclude={"only_undelivered", "reached", "organization_id"}),
            "only": "undelivered" if replay.only_undelivered else "all",
            "state": "running" if replay.finished_at is None else "finished",
        }
    )
