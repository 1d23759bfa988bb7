"""Asking every capability what it misses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from chassis.db import Session
from members.communities.charter import policy as charter_policy
from members.communities.charter import queries as charters
from members.communities.goals import queries as goals
from members.communities.readiness.policy import Missing

Requirement = Callable[[Session, UUID], Awaitable[list[Missing]]]

_WORDS = {
    "audience": "The charter does not say whom the community is for.",
    "need": "The charter does not say what these people need.",
    "activity": "The charter does not say what a member does here.",
    "voice": "The charter does not say who speaks.",
    "offering": "The charter does not say what is offered.",
    "promise": "The charter does not say which value a member can count on.",
    "business_link": "The charter does not say how this serves the business.",
}


async def charter_missing(session: Session, community_id: UUID) -> list[Missing]:
    """Return the pieces of the charter that say nothing yet."""
    revision = await charters.find_current(session, community_id)
    return [
        Missing(f"charter-{piece.replace('_', '-')}", _WORDS[piece], "PATCH", f"/v1/communities/{community_id}/charter")
        for piece in charter_policy.missing(revision.content if revision else {})
    ]


async def goal_missing(session: Session, community_id: UUID) -> list[Missing]:
    """Return what is missing as long as no goal stands."""
    if await goals.list_standing(session, community_id):
        return []
    words = "There is no goal: what is the community to reach, and by when?"
    return [Missing("goal", words, "POST", f"/v1/communities/{community_id}/goals")]


REQUIREMENTS: list[Requirement] = [charter_missing, goal_missing]
"""What the standing capabilities require; a noun that joins appends its own where the service is composed."""


async def list_missing(session: Session, community_id: UUID) -> list[Missing]:
    """Return everything that is missing before the community may open."""
    return [missing for requirement in REQUIREMENTS for missing in await requirement(session, community_id)]
