"""Reading goals, and the figures that they are measured on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlmodel import col

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from contracts.members import CommunityState
from members.communities.goals import policy
from members.communities.goals.models import Goal
from members.communities.goals.policy import GoalMetric
from members.communities.goals.schemas import GoalOut

_COUNTED = "SELECT account_id FROM membership WHERE community_id = :community_id AND state = 'approved' AND NOT staff AND NOT bot"


def _members() -> str:
    return f"SELECT count(*) FROM ({_COUNTED}) AS counted"


def _ever_active() -> str:
    return f"SELECT count(*) FROM member_facts WHERE community_id = :community_id AND account_id IN ({_COUNTED})"


def _active(days: int, counted: str = _COUNTED) -> str:
    return (
        "SELECT count(DISTINCT account_id) FROM member_day WHERE community_id = :community_id "
        f"AND day > CAST(:today AS date) - {days} AND account_id IN ({counted})"
    )


def _done(acts: str) -> str:
    return (
        f"SELECT coalesce(sum({acts}), 0) FROM member_day "
        f"WHERE community_id = :community_id AND day > CAST(:today AS date) - 30 AND account_id IN ({_COUNTED})"
    )


def _permille(part: str, whole: str) -> str:
    return f"SELECT coalesce(1000 * ({part}) / nullif(({whole}), 0), 0)"


_OLD = "joined_at < CAST(:today AS date) - 29 AND NOT staff AND NOT bot"
_JOINED = (
    "SELECT count(*) FROM membership WHERE community_id = :community_id "
    f"AND state IN ('approved', 'left', 'removed') AND {_OLD}"
)

FIGURES: dict[GoalMetric, str] = {
    GoalMetric.MEMBERS: _members(),
    GoalMetric.MEMBERS_EVER_ACTIVE: _ever_active(),
    GoalMetric.ACTIVE_MEMBERS_7_DAYS: _active(7),
    GoalMetric.ACTIVE_MEMBERS_30_DAYS: _active(30),
    GoalMetric.POSTS_30_DAYS: _done("posts"),
    GoalMetric.COMMENTS_30_DAYS: _done("comments"),
    GoalMetric.CONTRIBUTIONS_30_DAYS: _done("posts + comments"),
    GoalMetric.REACTIONS_30_DAYS: _done("reactions"),
    GoalMetric.ACTIVE_PERMILLE_7_DAYS: _permille(_active(7), _members()),
    GoalMetric.ACTIVE_PERMILLE_30_DAYS: _permille(_active(30), _members()),
    GoalMetric.RETENTION_PERMILLE_30_DAYS: _permille(_active(30, f"{_COUNTED} AND {_OLD}"), _JOINED),
    GoalMetric.NEVER_ACTIVE_PERMILLE: _permille(f"SELECT ({_members()}) - ({_ever_active()})", _members()),
}


def today_in(zone: str) -> date:
    """Return the day that it is in a community's zone."""
    return clock.now().astimezone(ZoneInfo(zone)).date()


async def measure(
    session: Session, community_id: UUID, metrics: Collection[GoalMetric], today: date
) -> dict[GoalMetric, int]:
    """Return metric → its value as of a day in the community's zone, each of them measured once."""
    wanted = list(dict.fromkeys(metrics))
    if not wanted:
        return {}
    figures = ", ".join(f"({FIGURES[metric]})" for metric in wanted)
    found = await session.execute(text(f"SELECT {figures}"), {"community_id": community_id, "today": today})
    return {metric: int(value) for metric, value in zip(wanted, found.one(), strict=True)}


async def get_for_update(session: Session, community_id: UUID, goal_id: UUID) -> Goal:
    """Return a goal that stands, with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(Goal)
        .where(col(Goal.id) == goal_id, col(Goal.community_id) == community_id, col(Goal.withdrawn_at).is_(None))
        .with_for_update()
    )
    goal = found.scalar_one_or_none()
    if goal is None:
        raise not_found("goal")
    return goal


async def list_standing(session: Session, community_id: UUID) -> list[Goal]:
    """Return the goals that stand, the next due first; there are never many."""
    found = await session.execute(
        select(Goal)
        .where(col(Goal.community_id) == community_id, col(Goal.withdrawn_at).is_(None))
        .order_by(col(Goal.due_on), col(Goal.id))
    )
    return list(found.scalars())


async def list_out(session: Session, standing: Standing) -> list[GoalOut]:
    """Return the goals that stand with their progress, measured now, the next due first."""
    goals = await list_standing(session, standing.community_id)
    today = today_in(standing.zone)
    values = await measure(session, standing.community_id, [GoalMetric(goal.metric) for goal in goals], today)
    return [_out(standing, goal, values, today) for goal in goals]


async def out(session: Session, standing: Standing, goal: Goal) -> GoalOut:
    """Return a goal with its progress, measured now."""
    today = today_in(standing.zone)
    return _out(standing, goal, await measure(session, goal.community_id, [GoalMetric(goal.metric)], today), today)


def _out(standing: Standing, goal: Goal, values: Mapping[GoalMetric, int], today: date) -> GoalOut:
    progress = policy.progress(
        baseline=goal.baseline,
        target=goal.target,
        value=values[GoalMetric(goal.metric)],
        started=goal.created_at.astimezone(ZoneInfo(standing.zone)).date(),
        due=goal.due_on,
        today=today,
    )
    editable = standing.has() and standing.community_state is not CommunityState.ARCHIVED
    return GoalOut.model_validate(
        {**goal.model_dump(), **progress.__dict__, "can": ["edit", "withdraw"] if editable else []}
    )
