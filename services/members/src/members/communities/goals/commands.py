"""Setting goals."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import CommunityState, GoalChanged
from members.communities import queries as communities
from members.communities.goals import queries
from members.communities.goals.models import Goal
from members.communities.goals.schemas import GoalCreate, GoalUpdate

MOST_GOALS = 50


def _check_due(due_on: date, zone: str) -> None:
    if due_on <= queries.today_in(zone):
        raise invalid("/due_on", "date-past", "A goal is due in the future.")


def _emit(session: Session, standing: Standing, goal: Goal) -> None:
    outbox.emit(
        session,
        GoalChanged(
            goal_id=goal.id,
            community_id=goal.community_id,
            metric=goal.metric,
            baseline=goal.baseline,
            target=goal.target,
            due_on=goal.due_on.isoformat(),
            withdrawn=goal.withdrawn_at is not None,
        ),
        organization_id=goal.organization_id,
        aggregate_id=goal.id,
        version=goal.version,
        community_id=goal.community_id,
        actor=standing.principal.account_id,
    )


async def _community(session: Session, standing: Standing) -> None:
    """Lock the community, so that its goals are counted right. Raises Problem 409 when archived."""
    community = await communities.get_for_update(session, standing.community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")


async def create(session: Session, standing: Standing, body: GoalCreate) -> Goal:
    """Set a goal. Raises Problem 409, 422 for a date that is past or a way of no length."""
    _check_due(body.due_on, standing.zone)
    await _community(session, standing)
    if len(await queries.list_standing(session, standing.community_id)) >= MOST_GOALS:
        raise Problem(
            409, "too-many-goals", f"A community has at most {MOST_GOALS} goals: who wants everything wants nothing."
        )
    baseline = body.baseline
    if baseline is None:
        today = queries.today_in(standing.zone)
        baseline = (await queries.measure(session, standing.community_id, [body.metric], today))[body.metric]
    if baseline == body.target:
        raise invalid("/target", "target-is-baseline", f"The target is where it starts: {baseline}.")
    goal = Goal(
        id=new_id(),
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        title=body.title,
        metric=body.metric,
        baseline=baseline,
        target=body.target,
        due_on=body.due_on,
        created_at=clock.now(),
        version=1,
    )
    session.add(goal)
    _emit(session, standing, goal)
    return goal


async def update(session: Session, standing: Standing, goal_id: UUID, expected: int, body: GoalUpdate) -> Goal:
    """Change a goal. Raises Problem 404, 409, 412, 422."""
    await _community(session, standing)
    goal = await queries.get_for_update(session, standing.community_id, goal_id)
    check_version(expected, goal.version)
    if body.due_on is not None:
        _check_due(body.due_on, standing.zone)
    if body.target == goal.baseline:
        raise invalid("/target", "target-is-baseline", f"The target is where it starts: {goal.baseline}.")
    for name, value in body.model_dump(exclude_none=True).items():
        setattr(goal, name, value)
    goal.version += 1
    _emit(session, standing, goal)
    return goal


async def withdraw(session: Session, standing: Standing, goal_id: UUID, expected: int) -> None:
    """Take a goal back; it is kept, and stands no longer. Raises Problem 404, 409, 412."""
    await _community(session, standing)
    goal = await queries.get_for_update(session, standing.community_id, goal_id)
    check_version(expected, goal.version)
    goal.withdrawn_at = clock.now()
    goal.version += 1
    _emit(session, standing, goal)
