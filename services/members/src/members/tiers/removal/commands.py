"""Setting the membership standard, giving notice, removing, and judging appeals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.requests import check_version
from contracts.members import (
    CommunityState,
    MembershipState,
    SilenceNoticeEvent,
    SilenceNoticeGiven,
    SilenceNoticeLifted,
    SilenceNoticeMoved,
)
from members.communities import queries as communities
from members.memberships import commands as memberships
from members.memberships import queries as membership_queries
from members.tiers.removal import policy, queries
from members.tiers.removal.models import MembershipStandard, SilenceNotice
from members.tiers.removal.policy import NoticeState
from members.tiers.removal.schemas import AppealDecide, MembershipStandardWrite

WATCH = "silence.watch"
GIVE_CHUNK = 5_000
REMOVE_CHUNK = 500


async def write_standard(
    session: Session, standing: Standing, expected: int, body: MembershipStandardWrite
) -> MembershipStandard:
    """Set the membership standard as a new version; from the next look on it decides. Raises Problem 404, 409, 412."""
    # Before the community: a worker that looks at it holds its work's row and then locks the community.
    await due.schedule(session, standing.principal.organization_id, WATCH, str(standing.community_id), clock.now())
    community = await communities.get_for_update(session, standing.community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    before = await queries.find_standard(session, community.id)
    check_version(expected, before.number if before else 0)
    standard = MembershipStandard(
        community_id=community.id,
        number=(before.number if before else 0) + 1,
        organization_id=community.organization_id,
        enabled=body.enabled,
        silent_days=body.silent_days,
        notice_days=body.notice_days,
        exempt_roles=sorted(set(body.exempt_roles)),
        exempt_tags=sorted(set(body.exempt_tags)),
        changed_by=standing.principal.account_id,
        changed_at=clock.now(),
    )
    session.add(standard)
    await session.flush()
    return standard


_LIFT = text(f"""
UPDATE silence_notice AS notice SET state = 'lifted', ended_at = :now, version = notice.version + 1, reason = CASE
    WHEN membership.state <> 'approved' THEN 'silence-left'
    WHEN {queries.SINCE} > notice.silent_since THEN 'silence-active'
    WHEN {queries.EXEMPT} THEN 'silence-exempt' ELSE 'silence-standard' END
FROM membership LEFT JOIN member_facts AS facts
    ON facts.community_id = membership.community_id AND facts.account_id = membership.account_id
WHERE notice.community_id = :community_id AND notice.state = 'given' AND membership.community_id = notice.community_id
    AND membership.account_id = notice.account_id
    AND NOT (CAST(:enabled AS boolean) AND membership.state = 'approved' AND {queries.SINCE} <= notice.silent_since
        AND {queries.SINCE} <= :silent_before AND NOT {queries.EXEMPT})
RETURNING notice.*
""")
_GIVE = text(f"""
INSERT INTO silence_notice (organization_id, community_id, account_id, membership_id, standard_number, silent_since, given_at,
    remove_at, state, version)
SELECT membership.organization_id, membership.community_id, membership.account_id, membership.id, :number, {queries.SINCE}, :now,
    :remove_at, 'given', 1
{queries.SILENT}
    AND NOT EXISTS (SELECT FROM silence_notice AS held WHERE held.community_id = membership.community_id
        AND held.account_id = membership.account_id AND held.state = 'given')
ORDER BY membership.account_id LIMIT :chunk
ON CONFLICT DO NOTHING RETURNING *
""")
_HOLD = text("""
UPDATE silence_notice SET remove_at = :remove_at
WHERE community_id = :community_id AND state = 'given' AND remove_at < :remove_at
""")


async def watch(session: Session, community_id: UUID) -> bool:
    """Lift notices that hold no longer, remove whose time is up, give notice to who is silent; return whether more is left.

    While a community is not open nobody can act: nobody is given notice, and the time of those who were begins anew.
    """
    community = await communities.get_for_update(session, community_id)
    standard = await queries.find_standard(session, community_id)
    if standard is None or community.state == CommunityState.ARCHIVED:
        return False
    now = clock.now()
    values = {**queries.terms(community_id, standard, now), "now": now}
    remove_at = now + timedelta(days=standard.notice_days)
    lifted = await session.execute(_LIFT, {**values, "enabled": standard.enabled})
    _tell_rows(session, SilenceNoticeLifted, lifted.mappings().all())
    if not standard.enabled:
        return False
    if community.state != CommunityState.OPEN:
        await session.execute(_HOLD, {"community_id": community_id, "remove_at": remove_at})
        return False
    overdue = await queries.list_overdue(session, community_id, now, REMOVE_CHUNK)
    if overdue:
        await _remove(session, community_id, overdue)
    given = await session.execute(
        _GIVE, {**values, "number": standard.number, "remove_at": remove_at, "chunk": GIVE_CHUNK}
    )
    rows = given.mappings().all()
    _tell_rows(session, SilenceNoticeGiven, rows)
    return len(overdue) == REMOVE_CHUNK or len(rows) == GIVE_CHUNK


async def _remove(session: Session, community_id: UUID, notices: list[SilenceNotice]) -> None:
    """End the memberships of silent members whose time is up."""
    held = await membership_queries.of_accounts_for_update(session, community_id, [one.account_id for one in notices])
    by_account = {membership.account_id: membership for membership in held}
    for notice in notices:
        membership = by_account[notice.account_id]
        notice.ended_at = clock.now()
        notice.version += 1
        if membership.state == MembershipState.APPROVED:
            memberships.move(session, membership, "remove", actor=None, reason=policy.REMOVAL)
            notice.state = NoticeState.REMOVED
            _tell(session, SilenceNoticeMoved, notice)
        else:
            notice.state, notice.reason = NoticeState.LIFTED, "silence-left"
            _tell(session, SilenceNoticeLifted, notice)


async def appeal(session: Session, standing: Standing, words: str) -> SilenceNotice:
    """Ask to be let back in after removal for silence, once. Raises Problem 404, 409."""
    account_id = standing.principal.account_id
    notice = await queries.last_notice(session, standing.community_id, account_id, lock=True)
    if notice is None:
        raise not_found("notice")
    if notice.state != NoticeState.REMOVED:
        raise Problem(409, "appeal-refused", "Only a removal can be appealed, and only once.")
    if standing.state is not MembershipState.REMOVED:
        raise Problem(409, "appeal-refused", "The removal does not stand any more.")
    notice.state, notice.appeal, notice.appealed_at = NoticeState.APPEALED, words, clock.now()
    notice.version += 1
    _tell(session, SilenceNoticeMoved, notice, actor=account_id)
    return notice


async def decide(
    session: Session, standing: Standing, notice_id: UUID, expected: int, body: AppealDecide
) -> SilenceNotice:
    """Judge an appeal; granted, the person belongs again. Raises Problem 404, 409, 412."""
    notice = await queries.get_notice_for_update(session, standing.community_id, notice_id)
    check_version(expected, notice.version)
    if notice.state != NoticeState.APPEALED:
        raise Problem(409, "not-appealed", "There is no appeal to judge.")
    judge = standing.principal.account_id
    standard = await queries.get_standard(session, standing.community_id, notice.standard_number)
    if not policy.may_judge(judge, appellant=notice.account_id, author=standard.changed_by):
        raise Problem(
            409, "another-person", "An appeal is judged by somebody else than the person and whoever set the standard."
        )
    notice.state = NoticeState.GRANTED if body.grant else NoticeState.DECLINED
    notice.decided_by, notice.decided_at, notice.decision = judge, clock.now(), body.reason
    notice.version += 1
    if body.grant:
        held = await membership_queries.of_accounts_for_update(session, standing.community_id, [notice.account_id])
        if held[0].state == MembershipState.REMOVED:
            memberships.move(session, held[0], "approve", actor=judge, reason=body.reason)
    _tell(session, SilenceNoticeMoved, notice, actor=judge)
    return notice


def _tell_rows(session: Session, event: type[SilenceNoticeEvent], rows: Iterable[Any]) -> None:
    for row in rows:
        _tell(session, event, SilenceNotice(**row))


def _tell(
    session: Session, event: type[SilenceNoticeEvent], notice: SilenceNotice, *, actor: UUID | None = None
) -> None:
    outbox.emit(
        session,
        event(
            notice_id=notice.id,
            membership_id=notice.membership_id,
            community_id=notice.community_id,
            account_id=notice.account_id,
            standard_version=notice.standard_number,
            remove_at=notice.remove_at,
            state=notice.state,
        ),
        organization_id=notice.organization_id,
        aggregate_id=notice.id,
        version=notice.version,
        community_id=notice.community_id,
        actor=actor,
    )
