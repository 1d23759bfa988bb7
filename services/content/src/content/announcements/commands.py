"""Acknowledging, and reminding those who have not."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from content.announcements import policy, queries
from content.announcements.models import Acknowledgement, AnnouncementReminder
from content.posts import queries as posts
from content.posts.models import Post
from content.posts.policy import PostState
from content.refusal import check
from contracts.content import AnnouncementAcknowledged, AnnouncementReminderWanted

REMIND = "announcements.remind"
"""The kind of due work that reminds a batch."""
BATCH = 1_000


async def acknowledge(session: Session, member: Standing, post_id: UUID) -> Acknowledgement:
    """Note that a member has read an announcement; once more changes nothing. Raises Problem 404, 409 when it does not ask for it."""
    await posts.get_subject(session, member, post_id)
    _check_asks(await posts.get_row(session, member.community_id, post_id))
    account_id = member.principal.account_id
    rows = await session.scalars(
        insert(Acknowledgement)
        .values(
            post_id=post_id,
            account_id=account_id,
            organization_id=member.principal.organization_id,
            id=new_id(),
            acknowledged_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Acknowledgement)
    )
    given = rows.one_or_none()
    if given is None:
        before = await queries.find_acknowledgement(session, post_id, account_id)
        assert before is not None  # noqa: S101  acknowledgements stay
        return before
    outbox.emit(
        session,
        AnnouncementAcknowledged(
            acknowledgement_id=given.id, post_id=post_id, community_id=member.community_id, account_id=account_id
        ),
        organization_id=given.organization_id,
        aggregate_id=given.id,
        version=1,
        community_id=member.community_id,
        actor=account_id,
        occurred_at=given.acknowledged_at,
    )
    return given


def _check_asks(post: Post) -> None:
    if not post.acknowledge:
        raise Problem(409, "not-asked-for", "It does not ask to be acknowledged.")


async def remind(session: Session, editor: Standing, post_id: UUID) -> AnnouncementReminder:
    """Have all reminded who have not acknowledged an announcement; the worker does it. Raises Problem 404, 409."""
    post = await posts.lock_post(session, editor.community_id, post_id)
    _check_asks(post)
    if post.state != PostState.PUBLISHED:
        raise Problem(409, "not-published", "Nobody sees it now.")
    last = await queries.find_last_reminder(session, post.id)
    now = clock.now()
    check(
        policy.reminder_refusal(
            last.requested_at if last else None, last is not None and last.finished_at is not None, now
        )
    )
    reminder = AnnouncementReminder(
        id=new_id(),
        organization_id=post.organization_id,
        community_id=post.community_id,
        post_id=post.id,
        requested_by=editor.principal.account_id,
        requested_at=now,
    )
    session.add(reminder)
    await session.flush()
    await due.schedule(session, post.organization_id, REMIND, str(reminder.id), now)
    return reminder


async def remind_some(session: Session, reminder_id: UUID) -> None:
    """Tell outreach of the next batch, and schedule the one after; done when nobody is left, or nobody sees the announcement any more."""
    reminder = await queries.lock_reminder(session, reminder_id)
    if reminder is None or reminder.finished_at is not None:
        return
    post = await posts.find_locked(session, reminder.post_id)
    accounts: list[UUID] = []
    if post is not None and post.state == PostState.PUBLISHED:
        accounts = await queries.list_outstanding(session, post, after=reminder.reached, limit=BATCH)
    for account_id in accounts:
        outbox.emit(
            session,
            AnnouncementReminderWanted(
                reminder_id=reminder.id,
                post_id=reminder.post_id,
                community_id=reminder.community_id,
                account_id=account_id,
            ),
            organization_id=reminder.organization_id,
            aggregate_id=new_id(),
            version=1,
            community_id=reminder.community_id,
            actor=reminder.requested_by,
        )
    reminder.reminded += len(accounts)
    if len(accounts) == BATCH:
        reminder.reached = accounts[-1]
        await due.schedule(session, reminder.organization_id, REMIND, str(reminder.id), clock.now())
    else:
        reminder.finished_at = clock.now()
    await session.flush()
