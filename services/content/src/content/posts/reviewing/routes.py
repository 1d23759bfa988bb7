"""What a community asks of its writers, over HTTP."""

from __future__ import annotations

from fastapi import Response

from chassis.app import router
from chassis.auth import Editor, Manager
from chassis.requests import IfMatch, TenantSession, tag
from chassis.schemas import problems
from content.posts.reviewing import commands, queries
from content.posts.reviewing.schemas import WritingPolicyOut, WritingPolicyWrite

routes = router("posts")
PATH = "/v1/communities/{community_id}/writing-policy"


@routes.get(PATH)
async def get_writing_policy(session: TenantSession, editor: Editor, response: Response) -> WritingPolicyOut:
    """Read which kinds of posts a second person reads before others see them. Until it is written it asks for none, in version 0."""
    known = await queries.find_policy(session, editor.community_id)
    tag(response, known.version if known else 0)
    if known is None:
        return WritingPolicyOut(community_id=editor.community_id, reviewed_kinds=[], version=0)
    return WritingPolicyOut.model_validate(known)


@routes.put(PATH, responses=problems(412, 413, 428))
async def write_writing_policy(
    session: TenantSession, manager: Manager, version: IfMatch, body: WritingPolicyWrite, response: Response
) -> WritingPolicyOut:
    """Set which kinds of posts a second person reads before others see them; If-Match `"0"` writes it for the first time.

    From then on an edit of such a piece waits too, while what was published stays as it is.
    """
    known = await commands.write_policy(session, manager, version, body)
    tag(response, known.version)
    return WritingPolicyOut.model_validate(known)
