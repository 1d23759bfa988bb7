"""Writing notes."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import MembershipNoteChanged
from members.memberships.notes import policy, queries
from members.memberships.notes.models import MembershipNote

_MOVE = text("""
UPDATE membership_note AS note SET account_id = heir.account_id, membership_id = heir.id, version = note.version + 1
FROM membership AS heir
WHERE note.account_id = :goes AND heir.account_id = :stays AND heir.community_id = note.community_id
RETURNING note.id, note.organization_id, note.community_id, note.membership_id, note.deleted_at IS NOT NULL AS deleted,
    note.version
""")
_SIGN = text("UPDATE membership_note SET author_id = :stays WHERE author_id = :goes")


async def write(session: Session, standing: Standing, membership_id: UUID, body: str) -> MembershipNote:
    """Write a note on a member. Raises Problem 403, 404."""
    account_id = await queries.subject(session, standing, membership_id)
    note = MembershipNote(
        id=new_id(),
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        account_id=account_id,
        membership_id=membership_id,
        author_id=standing.principal.account_id,
        body=body,
        written_at=clock.now(),
    )
    session.add(note)
    await session.flush()
    _tell(session, note, standing)
    return note


async def edit(
    session: Session, standing: Standing, membership_id: UUID, note_id: UUID, expected: int, body: str
) -> MembershipNote:
    """Change a note's words. Raises Problem 403 unless the caller wrote it or manages, 404, 412."""
    note = await _lock(session, standing, membership_id, note_id, expected, "edit")
    note.body, note.edited_at, note.edited_by = body, clock.now(), standing.principal.account_id
    note.version += 1
    _tell(session, note, standing)
    return note


async def delete(session: Session, standing: Standing, membership_id: UUID, note_id: UUID, expected: int) -> None:
    """Delete a note, its words for good. Raises Problem 403 unless the caller wrote it or manages, 404, 412."""
    note = await _lock(session, standing, membership_id, note_id, expected, "delete")
    note.body, note.deleted_at = "", clock.now()
    note.version += 1
    _tell(session, note, standing)


async def hand_over(session: Session, merged_account_id: UUID, account_id: UUID) -> None:
    """After a merge: the notes on the merged account are on the living one, and those it wrote are the living one's."""
    parties = {"stays": account_id, "goes": merged_account_id}
    await session.execute(_SIGN, parties)
    for row in await session.execute(_MOVE, parties):
        outbox.emit(
            session,
            MembershipNoteChanged(
                note_id=row.id,
                membership_id=row.membership_id,
                community_id=row.community_id,
                account_id=account_id,
                deleted=row.deleted,
            ),
            organization_id=row.organization_id,
            aggregate_id=row.id,
            version=row.version,
            community_id=row.community_id,
        )


async def _lock(
    session: Session, standing: Standing, membership_id: UUID, note_id: UUID, expected: int, step: str
) -> MembershipNote:
    note = await queries.lock(session, standing, membership_id, note_id)
    if step not in policy.allowed(author=note.author_id == standing.principal.account_id, manages=standing.has()):
        raise Problem(403, "forbidden", "Only who wrote the note, and managers, may change it.")
    check_version(expected, note.version)
    return note


def _tell(session: Session, note: MembershipNote, standing: Standing) -> None:
    outbox.emit(
        session,
        MembershipNoteChanged(
            note_id=note.id,
            membership_id=note.membership_id,
            community_id=note.community_id,
            account_id=note.account_id,
            deleted=note.deleted_at is not None,
        ),
        organization_id=note.organization_id,
        aggregate_id=note.id,
        version=note.version,
        community_id=note.community_id,
        actor=standing.principal.account_id,
    )
