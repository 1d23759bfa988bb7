"""Reading notes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityRole
from members.memberships import queries as memberships
from members.memberships.notes import policy
from members.memberships.notes.models import MembershipNote
from members.memberships.notes.schemas import NoteOut
from members.memberships.schemas import MemberCard

_OUT = """
SELECT note.*, author.display_name, author.avatar_url
FROM membership_note AS note JOIN account AS author ON author.id = note.author_id
WHERE note.community_id = :community_id AND note.membership_id = :membership_id AND note.deleted_at IS NULL
"""


async def subject(session: Session, standing: Standing, membership_id: UUID) -> UUID:
    """Return the account that notes on a membership are about. Raises Problem 404, and 403 for what is about the caller."""
    account = await memberships.account_of(session, standing.community_id, membership_id)
    about_self = account == standing.principal.account_id
    if not policy.readable(moderates=standing.has(CommunityRole.MODERATOR), subject=about_self):
        raise Problem(403, "forbidden", "Nobody reads or writes the notes on themselves.")
    return account


async def lock(session: Session, standing: Standing, membership_id: UUID, note_id: UUID) -> MembershipNote:
    """Return a note with its row locked. Raises Problem 403, 404."""
    await subject(session, standing, membership_id)
    found = await session.execute(
        select(MembershipNote)
        .where(
            col(MembershipNote.id) == note_id,
            col(MembershipNote.membership_id) == membership_id,
            col(MembershipNote.community_id) == standing.community_id,
            col(MembershipNote.deleted_at).is_(None),
        )
        .with_for_update()
    )
    note = found.scalar_one_or_none()
    if note is None:
        raise not_found("note")
    return note


async def out(session: Session, standing: Standing, membership_id: UUID, note_id: UUID) -> NoteOut:
    """Return a note. Raises Problem 403, 404."""
    await subject(session, standing, membership_id)
    rows = await session.execute(
        text(f"{_OUT} AND note.id = :id"),
        {"community_id": standing.community_id, "membership_id": membership_id, "id": note_id},
    )
    row = rows.mappings().one_or_none()
    if row is None:
        raise not_found("note")
    return _as_seen(row, standing)


async def list_page(
    session: Session, standing: Standing, cursors: Cursors, membership_id: UUID, *, limit: int, cursor: str | None
) -> Page[NoteOut]:
    """Return the notes on a member, newest first. Raises Problem 403, 404."""
    await subject(session, standing, membership_id)
    scope = f"notes:{standing.principal.organization_id}:{standing.community_id}:{membership_id}"
    after = cursors.decode(scope, cursor)
    rows = await session.execute(
        text(f"{_OUT} AND (CAST(:after AS uuid) IS NULL OR note.id < :after) ORDER BY note.id DESC LIMIT :limit"),
        {
            "community_id": standing.community_id,
            "membership_id": membership_id,
            "after": UUID(after[0]) if after else None,
            "limit": limit + 1,
        },
    )
    found = rows.mappings().all()
    page = found[:limit]
    return Page[NoteOut](
        data=[_as_seen(row, standing) for row in page],
        next_cursor=cursors.following(scope, found, limit, lambda row: row["id"]),
    )


def _as_seen(row: Any, standing: Standing) -> NoteOut:  # noqa: ANN401  a row
    author = MemberCard(id=row["author_id"], display_name=row["display_name"], avatar_url=row["avatar_url"])
    can = policy.allowed(author=row["author_id"] == standing.principal.account_id, manages=standing.has())
    return NoteOut.model_validate({**row, "author": author, "can": can})
