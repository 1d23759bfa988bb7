"""Taking a list out: counted, and told before its first byte."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from chassis import exports, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.exports import Taken
from chassis.sheets import Sheet
from content.discussion import queries as discussion
from content.discussion.sheets import COMMENT_REACTIONS, POST_COMMENTS, POST_REACTIONS
from content.posts import queries as posts
from contracts.content import ContentExportStarted, SubjectKind


async def start(
    session: Session,
    manager: Standing,
    sheet: Sheet,
    values: Mapping[str, str | UUID | None],
    *,
    of: UUID | None = None,
) -> Taken:
    """Count a list, of the whole community or of one post or comment, and tell that it is taken out. Raises Problem 422."""
    community_id = manager.community_id

    def started(taken: Taken) -> ContentExportStarted:
        return ContentExportStarted(
            export_id=taken.id, community_id=community_id, list_name=sheet.name, subject_id=of, rows=taken.rows
        )

    return await exports.begin(
        session,
        manager.principal,
        sheet,
        values,
        community_id=community_id,
        zone=manager.zone,
        emit=outbox.emit,
        started=started,
    )


async def start_comments(session: Session, manager: Standing, post_id: UUID) -> Taken:
    """Count the comments on a post and tell that they are taken out. Raises Problem 404, for a tombstone too."""
    await posts.get_subject(session, manager, post_id)
    return await start(session, manager, POST_COMMENTS, {"post_id": post_id}, of=post_id)


async def start_reactions(session: Session, manager: Standing, kind: SubjectKind, subject_id: UUID) -> Taken:
    """Count the reactions to a post or comment and tell that they are taken out. Raises Problem 404, for a tombstone too."""
    await discussion.get_subject_author(session, manager, kind, subject_id)
    sheet = POST_REACTIONS if kind is SubjectKind.POST else COMMENT_REACTIONS
    return await start(session, manager, sheet, {"subject_id": subject_id}, of=subject_id)
