"""What is not shown, as far as the caller may see it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from chassis.auth import Reading
from content.posts import queries as posts
from contracts.members import CommunityRole


class DeskState(StrEnum):
    """Where what is not shown stands; `proposed` is what is shown and has new words that wait for a second person."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    HELD = "held"
    EXPIRED = "expired"
    PROPOSED = "proposed"


def _where(state: DeskState, staff: bool) -> str:  # noqa: FBT001  as in posts.queries
    if state is not DeskState.PROPOSED:
        return f"post.state = '{state}' AND ({posts.readable(staff)})"
    mine = "" if staff else f" AND (post.author_id = $3 OR {posts.holds(CommunityRole.EDITOR)})"
    return f"post.state = 'published' AND EXISTS (SELECT FROM post_proposal AS new WHERE new.post_id = post.id){mine}"


async def list_desk(reading: Reading, state: DeskState, *, limit: int, cursor: str | None) -> bytes:
    """Return a page of what is in a state as JSON, what was begun last first. Raises Problem 403, 404, 422 for a foreign cursor."""
    cursors = reading.runtime.cursors
    scope = f"desk:{reading.principal.organization_id}:{reading.community_id}:{state}"
    where = _where(state, reading.principal.staff)
    after = cursors.decode(scope, cursor)
    arguments = [UUID(last) for last in after or ()]
    if arguments:
        where += " AND id < $4"
    member, found = await reading.fetch(posts.listing(where, posts.LAST_BEGUN, limit, tree=False), *arguments)
    last, documents = posts.split(found, "community")
    return posts.page(last, posts.with_abilities(documents, member, "comment"), cursors, scope)
