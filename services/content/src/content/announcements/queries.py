"""Every SELECT of acknowledgements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.announcements.models import Acknowledgement, AnnouncementReminder
from content.announcements.schemas import ReceiptFiguresOut, ReceiptOut, ReminderOut
from content.posts.models import Post

# Who is asked: members who are neither staff nor bots, of the announcement's group when it has one.
_ASKED = """
FROM standing_member AS member
LEFT JOIN acknowledgement AS receipt ON receipt.post_id = :post_id AND receipt.account_id = member.account_id
WHERE member.community_id = :community_id AND member.state = 'approved' AND NOT member.staff AND NOT member.bot
    AND (CAST(:group_id AS uuid) IS NULL OR EXISTS (
        SELECT FROM standing_group_member AS grouped WHERE grouped.community_id = member.community_id
            AND grouped.account_id = member.account_id AND CAST(:group_id AS uuid) = ANY(grouped.group_ids)))
"""
_FIGURES = text(f"SELECT count(*) AS asked, count(receipt.account_id) AS acknowledged {_ASKED}")
_AFTER = "AND (CAST(:after AS uuid) IS NULL OR member.account_id > :after) ORDER BY member.account_id LIMIT :limit"
_OUTSTANDING = text(
    f"SELECT member.account_id, NULL AS acknowledged_at {_ASKED} AND receipt.account_id IS NULL {_AFTER}"
)
_ALL = text(f"SELECT member.account_id, receipt.acknowledged_at {_ASKED} {_AFTER}")
_GIVEN = text("""
SELECT account_id, acknowledged_at FROM acknowledgement
WHERE post_id = :post_id AND (CAST(:after AS uuid) IS NULL OR account_id > :after) ORDER BY account_id LIMIT :limit
""")


def _place(post: Post) -> dict[str, Any]:
    return {"post_id": post.id, "community_id": post.community_id, "group_id": post.group_id}


async def get_figures(session: Session, post: Post) -> ReceiptFiguresOut:
    """Return how far an announcement has come."""
    row = (await session.execute(_FIGURES, _place(post))).one()
    return ReceiptFiguresOut(
        post_id=post.id, asked=row.asked, acknowledged=row.acknowledged, outstanding=row.asked - row.acknowledged
    )


async def list_receipts(
    session: Session, cursors: Cursors, post: Post, *, acknowledged: bool | None, limit: int, cursor: str | None
) -> Page[ReceiptOut]:
    """Return who has acknowledged an announcement (former members too), who has not, or all who are asked; by account.

    Raises Problem 422 for a foreign cursor.
    """
    scope = f"receipts:{post.organization_id}:{post.id}:{acknowledged}"
    after = cursors.decode(scope, cursor)
    statement = {True: _GIVEN, False: _OUTSTANDING, None: _ALL}[acknowledged]
    arguments = {"after": UUID(after[0]) if after else None, "limit": limit + 1}
    found = await session.execute(
        statement, (_place(post) if acknowledged is not True else {"post_id": post.id}) | arguments
    )
    rows = [ReceiptOut.model_validate(row) for row in found]
    return Page[ReceiptOut](
        data=rows[:limit],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.account_id),
    )


async def list_outstanding(session: Session, post: Post, *, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next who have not acknowledged an announcement, by account."""
    found = await session.execute(_OUTSTANDING, _place(post) | {"after": after, "limit": limit})
    return [row.account_id for row in found]


async def find_acknowledgement(session: Session, post_id: UUID, account_id: UUID) -> Acknowledgement | None:
    """Return a member's word that they have read an announcement."""
    found = await session.scalars(
        select(Acknowledgement).where(Acknowledgement.post_id == post_id, Acknowledgement.account_id == account_id)
    )
    return found.one_or_none()


async def lock_reminder(session: Session, reminder_id: UUID) -> AnnouncementReminder | None:
    """Return a reminding, locked."""
    found = await session.scalars(
        select(AnnouncementReminder).where(AnnouncementReminder.id == reminder_id).with_for_update()
    )
    return found.one_or_none()


async def find_last_reminder(session: Session, post_id: UUID) -> AnnouncementReminder | None:
    """Return the last reminding of an announcement."""
    found = await session.scalars(
        select(AnnouncementReminder)
        .where(AnnouncementReminder.post_id == post_id)
        .order_by(col(AnnouncementReminder.requested_at).desc())
        .limit(1)
    )
    return found.one_or_none()


async def list_reminders(
    session: Session, cursors: Cursors, post: Post, *, limit: int, cursor: str | None
) -> Page[ReminderOut]:
    """Return the remindings of an announcement, the last first. Raises Problem 422 for a foreign cursor."""
    scope = f"reminders:{post.organization_id}:{post.id}"
    after = cursors.decode(scope, cursor)
    wanted = (
        select(AnnouncementReminder)
        .where(AnnouncementReminder.post_id == post.id)
        .order_by(col(AnnouncementReminder.id).desc())
        .limit(limit + 1)
    )
    if after is not None:
        wanted = wanted.where(AnnouncementReminder.id < UUID(after[0]))
    rows = list(await session.scalars(wanted))
    return Page[ReminderOut](
        data=[ReminderOut.model_validate(row) for row in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
