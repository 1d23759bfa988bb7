"""Goals over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from chassis.app import router
from chassis.auth import Analyst, Manager
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from members.communities.goals import commands, queries
from members.communities.goals.schemas import GoalCreate, GoalList, GoalOut, GoalUpdate

routes = router("charter")


@routes.post("/v1/communities/{community_id}/goals", status_code=201, responses=problems(409))
async def create_goal(session: TenantSession, manager: Manager, body: GoalCreate, response: Response) -> GoalOut:
    """Set a goal: a metric, where it starts, where it is to be, and by when."""
    goal = await commands.create(session, manager, body)
    await session.flush()
    tag(response, goal.version)
    return await queries.out(session, manager, goal)


@routes.get("/v1/communities/{community_id}/goals")
async def list_goals(session: TenantSession, analyst: Analyst) -> GoalList:
    """List the goals with their progress on real figures, the next due first. A community has at most 50."""
    return GoalList(data=await queries.list_out(session, analyst))


@routes.patch("/v1/communities/{community_id}/goals/{goal_id}", responses=problems(409, 412, 428))
async def update_goal(
    session: TenantSession, manager: Manager, goal_id: UUID, version: IfMatch, body: GoalUpdate, response: Response
) -> GoalOut:
    """Change a goal's title, target or date."""
    goal = await commands.update(session, manager, goal_id, version, body)
    await session.flush()
    tag(response, goal.version)
    return await queries.out(session, manager, goal)


@routes.delete("/v1/communities/{community_id}/goals/{goal_id}", status_code=204, responses=problems(409, 412, 428))
async def withdraw_goal(session: TenantSession, manager: Manager, goal_id: UUID, version: IfMatch) -> None:
    """Take a goal back."""
    await commands.withdraw(session, manager, goal_id, version)
