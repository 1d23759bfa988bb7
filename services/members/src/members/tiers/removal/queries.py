"""Asking who is silent, and what became of notices."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlmodel import col

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members import reasons
from members.reasons import Reason
from members.tiers.removal import policy
from members.tiers.removal.models import MembershipStandard, SilenceNotice
from members.tiers.removal.policy import NoticeState
from members.tiers.removal.schemas import (
    MembershipStandardOut,
    SilenceNoticeOut,
    SilencePreview,
    SilenceTerms,
    SilentMember,
)

EXEMPT = """(membership.staff OR membership.bot OR membership.roles && CAST(:exempt_roles AS text[])
    OR EXISTS (SELECT FROM membership_tag AS held WHERE held.community_id = membership.community_id
        AND held.account_id = membership.account_id AND held.tag = ANY(CAST(:exempt_tags AS text[]))))"""
SINCE = "greatest(membership.joined_at, membership.decided_at, facts.last_active_at)"
SILENT = f"""
FROM membership LEFT JOIN member_facts AS facts
    ON facts.community_id = membership.community_id AND facts.account_id = membership.account_id
WHERE membership.community_id = :community_id AND membership.state = 'approved' AND {SINCE} <= :silent_before AND NOT {EXEMPT}
"""
"""Members whose last sign is old enough. Somebody let in again begins anew."""


def terms(community_id: UUID, asked: SilenceTerms | MembershipStandard, now: datetime) -> dict[str, Any]:
    """Return the values that SILENT is asked with."""
    return {
        "community_id": community_id,
        "silent_before": policy.silent_before(now, asked.silent_days),
        "exempt_roles": [str(role) for role in asked.exempt_roles],
        "exempt_tags": list(asked.exempt_tags),
    }


async def find_standard(session: Session, community_id: UUID) -> MembershipStandard | None:
    """Return the membership standard in force, None before the first."""
    found = await session.execute(
        select(MembershipStandard)
        .where(col(MembershipStandard.community_id) == community_id)
        .order_by(col(MembershipStandard.number).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


async def get_standard(session: Session, community_id: UUID, number: int | None = None) -> MembershipStandard:
    """Return a membership standard, the one in force unless a number is named. Raises Problem 404."""
    if number is None:
        standard = await find_standard(session, community_id)
    else:
        standard = await session.get(MembershipStandard, (community_id, number))
    if standard is None:
        raise not_found("membership standard")
    return standard


def out_standard(standing: Standing, standard: MembershipStandard) -> MembershipStandardOut:
    """Return a membership standard as this caller sees it."""
    editable = standing.has() and standing.community_state is not CommunityState.ARCHIVED
    return MembershipStandardOut.model_validate(
        {**standard.model_dump(), "version": standard.number, "can": ["edit"] if editable else []}
    )


async def preview(
    session: Session, standing: Standing, cursors: Cursors, asked: SilenceTerms, *, limit: int, cursor: str | None
) -> SilencePreview:
    """Return who would be given notice by these terms, and how many they are."""
    named = f"{asked.silent_days}:{sorted(asked.exempt_roles)}:{sorted(asked.exempt_tags)}"
    scope = f"silence:{standing.principal.organization_id}:{standing.community_id}:{named}"
    place = cursors.decode(scope, cursor)
    values = terms(standing.community_id, asked, clock.now())
    count = (await session.execute(text(f"SELECT count(*) {SILENT}"), values)).scalar_one()
    rows = await session.execute(
        text(
            f"SELECT silent.*, account.display_name FROM (SELECT membership.account_id, membership.id AS membership_id, "
            f"{SINCE} AS silent_since {SILENT}) AS silent JOIN account ON account.id = silent.account_id "
            "WHERE silent.account_id > CAST(:after AS uuid) ORDER BY silent.account_id LIMIT :limit"
        ),
        {**values, "after": UUID(place[0]) if place else UUID(int=0), "limit": limit + 1},
    )
    found = rows.mappings().all()
    page = found[:limit]
    return SilencePreview(
        members=count,
        data=[SilentMember.model_validate(row) for row in page],
        next_cursor=cursors.following(scope, found, limit, lambda row: row["account_id"]),
    )


async def last_notice(
    session: Session, community_id: UUID, account_id: UUID, *, lock: bool = False
) -> SilenceNotice | None:
    """Return an account's newest notice in a community."""
    query = (
        select(SilenceNotice)
        .where(col(SilenceNotice.community_id) == community_id, col(SilenceNotice.account_id) == account_id)
        .order_by(col(SilenceNotice.id).desc())
        .limit(1)
    )
    found = await session.execute(query.with_for_update() if lock else query)
    return found.scalar_one_or_none()


async def get_notice_for_update(session: Session, community_id: UUID, notice_id: UUID) -> SilenceNotice:
    """Return a notice with its row locked. Raises Problem 404."""
    found = await session.execute(
        select(SilenceNotice)
        .where(col(SilenceNotice.id) == notice_id, col(SilenceNotice.community_id) == community_id)
        .with_for_update()
    )
    notice = found.scalar_one_or_none()
    if notice is None:
        raise not_found("notice")
    return notice


async def list_overdue(session: Session, community_id: UUID, now: datetime, limit: int) -> list[SilenceNotice]:
    """Return notices whose time is up, with their rows locked."""
    found = await session.execute(
        select(SilenceNotice)
        .where(
            col(SilenceNotice.community_id) == community_id,
            col(SilenceNotice.state) == NoticeState.GIVEN,
            col(SilenceNotice.remove_at) <= now,
        )
        .order_by(col(SilenceNotice.id))
        .limit(limit)
        .with_for_update()
    )
    return list(found.scalars())


def out(standing: Standing, notice: SilenceNotice, language: str) -> SilenceNoticeOut:
    """Return a notice as this caller sees it."""
    state, own = NoticeState(notice.state), notice.account_id == standing.principal.account_id
    day = notice.remove_at.astimezone(ZoneInfo(standing.zone)).date()
    code = notice.reason if state is NoticeState.LIFTED and notice.reason else f"silence-{state.value}"
    can = ["appeal"] if own and state is NoticeState.REMOVED else []
    if standing.has() and not own and state is NoticeState.APPEALED:
        can.append("decide")
    words = reasons.render(Reason(code, {"day": day.isoformat()}), language)
    return SilenceNoticeOut.model_validate({**notice.model_dump(), "words": words, "can": can})


async def list_notices(
    session: Session,
    standing: Standing,
    cursors: Cursors,
    *,
    state: NoticeState,
    language: str,
    limit: int,
    cursor: str | None,
) -> Page[SilenceNoticeOut]:
    """Return the notices in a state, oldest first."""
    scope = f"silence-notices:{standing.principal.organization_id}:{standing.community_id}:{state}"
    place = cursors.decode(scope, cursor)
    query = (
        select(SilenceNotice)
        .where(col(SilenceNotice.community_id) == standing.community_id, col(SilenceNotice.state) == state)
        .order_by(col(SilenceNotice.id))
        .limit(limit + 1)
    )
    if place is not None:
        query = query.where(col(SilenceNotice.id) > UUID(place[0]))
    rows = list((await session.execute(query)).scalars())
    page = rows[:limit]
    return Page[SilenceNoticeOut](
        data=[out(standing, row, language) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )
