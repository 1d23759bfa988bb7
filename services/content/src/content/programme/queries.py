"""What is pinned and what comes next, put together."""

from __future__ import annotations

from uuid import UUID

import orjson

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from content.calendar.activities import queries as activities
from content.calendar.occurrences import queries as occurrences
from content.groups import queries as groups
from content.posts.upkeep import queries as upkeep
from content.programme.schemas import NextActivity, NextSlot, ProgrammeOut
from contracts.members import CommunityState

MOST = 10


async def get_programme(session: Session, member: Standing, group_id: UUID | None) -> ProgrammeOut:
    """Return the programme of a group with the community's, or the community's alone. Raises Problem 404 for an unknown group.

    When a group meets, every member may know, as its card is every member's; what is said in it only those do who are in it.
    """
    community_id, now = member.community_id, clock.now()
    if group_id is not None and await groups.find_group(session, community_id, group_id) is None:
        raise not_found("group")
    shown = [] if group_id is None else [group_id]
    pinned = await upkeep.find_announcement(session, member, group_id)
    living = member.community_state is not CommunityState.ARCHIVED
    slots = await occurrences.list_next(session, community_id, shown, now, MOST) if living else []
    begun = await activities.list_next(session, community_id, shown, now, MOST) if living else []
    return ProgrammeOut.model_validate(
        {
            "community_id": community_id,
            "group_id": group_id,
            "community_state": member.community_state,
            "zone": member.zone,
            "announcement": None if pinned is None else orjson.loads(pinned),
            "slots": [NextSlot.model_validate(one._asdict()) for one in slots],
            "activities": [
                NextActivity.model_validate(
                    {**one.model_dump(include=set(NextActivity.model_fields)), "running": one.starts_at <= now}
                )
                for one in begun
            ],
        }
    )
