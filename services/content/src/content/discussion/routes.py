"""Comments and reactions over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from chassis.app import router
from chassis.auth import Manager, Member, MemberReading
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, ImportRoute, TenantSession
from chassis.schemas import Page, problems
from content.discussion import queries
from content.discussion.commands import comments, reactions
from content.discussion.schemas import (
    CommentCreate,
    CommentImports,
    CommentOut,
    CommentUpdate,
    Emoji,
    ReactionImports,
    ReactionOut,
)
from content.imports import ImportReport
from content.posts.routes import WithTree, answer
from contracts.content import SubjectKind

COMMUNITY = "/v1/communities/{community_id}"
OF_POST = COMMUNITY + "/posts/{post_id}"
OF_COMMENT = COMMUNITY + "/comments/{comment_id}"

routes = router("discussion")
imports = router("discussion", ImportRoute)

# No emoji has these, and in a path the gateway refuses them whatever they are part of.
EmojiInPath = Annotated[Emoji, Path(json_schema_extra={"pattern": r"^[^\x00-\x20/\\\x7f-\x9f]+$"})]


@imports.post(COMMUNITY + "/comments/imports", responses=problems(409, 413))
async def import_comments(session: TenantSession, manager: Manager, batch: CommentImports) -> ImportReport:
    """Bring in comments on imported posts, up to 500, at their original times; each external id of a source once."""
    return await comments.import_comments(session, manager, batch)


@imports.post(COMMUNITY + "/reactions/imports", responses=problems(409, 413))
async def import_reactions(session: TenantSession, manager: Manager, batch: ReactionImports) -> ImportReport:
    """Bring in reactions to imported posts and comments, up to 1000.

    They carry their subjects' times and make nobody active. What was taken back since is not brought again.
    """
    return await reactions.import_reactions(session, manager, batch)


@routes.post(OF_POST + "/comments", status_code=201, response_model=CommentOut, responses=problems(409, 413))
async def create_comment(session: TenantSession, member: Member, post_id: UUID, body: CommentCreate) -> Response:
    """Answer a post, or one of its comments."""
    return answer(await comments.publish_comment(session, member, post_id, body), 201)


@routes.get(OF_POST + "/comments", response_model=Page[CommentOut])
async def list_comments(
    reading: MemberReading,
    post_id: UUID,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
    tree: WithTree = False,
) -> Response:
    """Read a post's comments, oldest first."""
    content = await queries.list_comments(reading, post_id, tree=tree, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.get(OF_COMMENT, response_model=CommentOut)
async def get_comment(reading: MemberReading, comment_id: UUID, *, tree: WithTree = False) -> Response:
    """Read a comment. A deleted one is not there, nor one of a deleted post."""
    return answer(await queries.get_comment(reading, comment_id, tree=tree))


@routes.patch(OF_COMMENT, response_model=CommentOut, responses=problems(409, 412, 413, 428))
async def edit_comment(
    session: TenantSession, member: Member, comment_id: UUID, version: IfMatch, body: CommentUpdate
) -> Response:
    """Change a comment's text: its author and moderators."""
    return answer(await comments.edit_comment(session, member, comment_id, version, body))


@routes.delete(OF_COMMENT, status_code=204, responses=problems(412, 428))
async def delete_comment(session: TenantSession, member: Member, comment_id: UUID, version: IfMatch) -> None:
    """Take a comment back or down; answers to it stay: its author and moderators."""
    await comments.delete_comment(session, member, comment_id, version)


@routes.get(OF_POST + "/reactions", response_model=Page[ReactionOut])
async def list_post_reactions(
    reading: MemberReading, post_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """Read who reacted to a post with what, in the order of their first reactions."""
    content = await queries.list_reactions(reading, SubjectKind.POST, post_id, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.get(OF_COMMENT + "/reactions", response_model=Page[ReactionOut])
async def list_comment_reactions(
    reading: MemberReading, comment_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """Read who reacted to a comment with what, in the order of their first reactions."""
    content = await queries.list_reactions(reading, SubjectKind.COMMENT, comment_id, limit=limit, cursor=cursor)
    return Response(content, media_type="application/json")


@routes.put(OF_POST + "/reactions/{emoji}", responses=problems(409))
async def react_to_post(session: TenantSession, member: Member, post_id: UUID, emoji: EmojiInPath) -> ReactionOut:
    """React to a post. Doing it again changes nothing; a person has up to 10 emojis on one post."""
    reaction = await reactions.add_reaction(session, member, SubjectKind.POST, post_id, emoji)
    return ReactionOut.model_validate(reaction)


@routes.delete(OF_POST + "/reactions/{emoji}", status_code=204, responses=problems(409))
async def unreact_to_post(session: TenantSession, member: Member, post_id: UUID, emoji: EmojiInPath) -> None:
    """Take a reaction to a post back. Doing it again changes nothing."""
    await reactions.remove_reaction(session, member, SubjectKind.POST, post_id, emoji)


@routes.put(OF_COMMENT + "/reactions/{emoji}", responses=problems(409))
async def react_to_comment(session: TenantSession, member: Member, comment_id: UUID, emoji: EmojiInPath) -> ReactionOut:
    """React to a comment. Doing it again changes nothing; a person has up to 10 emojis on one comment."""
    reaction = await reactions.add_reaction(session, member, SubjectKind.COMMENT, comment_id, emoji)
    return ReactionOut.model_validate(reaction)


@routes.delete(OF_COMMENT + "/reactions/{emoji}", status_code=204, responses=problems(409))
async def unreact_to_comment(session: TenantSession, member: Member, comment_id: UUID, emoji: EmojiInPath) -> None:
    """Take a reaction to a comment back. Doing it again changes nothing."""
    await reactions.remove_reaction(session, member, SubjectKind.COMMENT, comment_id, emoji)
