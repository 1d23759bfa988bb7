"""Applying, deciding, leaving, removing, importing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from contracts.base import Origin
from contracts.members import (
    CommunityRole,
    CommunityState,
    MembershipApplied,
    MembershipApproved,
    MembershipEvent,
    MembershipLeft,
    MembershipRejected,
    MembershipRemoved,
    MembershipRolesChanged,
    MembershipState,
)
from members.memberships import policy, queries
from members.memberships.models import Membership

EVENTS: dict[str, type[MembershipEvent]] = {
    "apply": MembershipApplied,
    "approve": MembershipApproved,
    "reject": MembershipRejected,
    "leave": MembershipLeft,
    "remove": MembershipRemoved,
    "restore": MembershipApplied,
}

Check = Callable[[Session, UUID, UUID, str], Awaitable[None]]
"""Asked with the community, the account and the step; raises Problem when the step has to go another way."""
CHECKS: list[Check] = []
"""Who is asked before somebody applies, is approved or rejected here; a noun appends its own where the service is composed."""


def emit(
    session: Session,
    membership: Membership,
    event: type[MembershipEvent],
    actor: UUID | None,
    *,
    origin: Origin = Origin.LIVE,
    occurred_at: datetime | None = None,
) -> None:
    """Tell of a membership's new standing, whole."""
    outbox.emit(
        session,
        event(
            membership_id=membership.id,
            community_id=membership.community_id,
            account_id=membership.account_id,
            state=MembershipState(membership.state),
            roles=[CommunityRole(role) for role in membership.roles],
            staff=membership.staff,
            bot=membership.bot,
            joined_at=membership.joined_at,
        ),
        organization_id=membership.organization_id,
        aggregate_id=membership.id,
        version=membership.version,
        community_id=membership.community_id,
        actor=actor,
        origin=origin,
        occurred_at=occurred_at,
    )


def _new(organization_id: UUID, community_id: UUID, account_id: UUID, state: MembershipState) -> Membership:
    now = clock.now()
    joined = now if state is MembershipState.APPROVED else None
    return Membership(
        id=new_id(),
        organization_id=organization_id,
        community_id=community_id,
        account_id=account_id,
        state=state,
        roles=[],
        staff=False,
        bot=False,
        applied_at=now,
        joined_at=joined,
        version=1,
    )


async def found(session: Session, principal: Principal, community_id: UUID) -> Membership:
    """Make the creator of a community its first member, manager and staff."""
    membership = _new(principal.organization_id, community_id, principal.account_id, MembershipState.APPROVED)
    membership.roles = [CommunityRole.MANAGER]
    membership.staff = True
    session.add(membership)
    emit(session, membership, MembershipApproved, principal.account_id)
    return membership


async def _check(session: Session, community_id: UUID, account_id: UUID, step: str) -> None:
    for check in CHECKS:
        await check(session, community_id, account_id, step)


async def apply(session: Session, standing: Standing, message: str | None) -> Membership:
    """Ask to belong, for the first time or again. Raises Problem 409 when the community or the standing does not allow it."""
    await _check(session, standing.community_id, standing.principal.account_id, "apply")
    return await ask(session, standing, message)


async def ask(session: Session, standing: Standing, message: str | None) -> Membership:
    """Ask to belong, with everything that was to be checked before checked. Raises Problem 409."""
    if not policy.takes_applications(standing.community_state):
        raise Problem(
            409,
            "community-not-open",
            f"The community is {standing.community_state} and takes no applications; its managers open it with POST …/open.",
        )
    principal = standing.principal
    fresh = _new(principal.organization_id, standing.community_id, principal.account_id, MembershipState.APPLIED)
    fresh.staff = await queries.is_staff_account(session, principal.account_id)
    fresh.message = message
    # Two applications at once make one row; the second finds it, and is judged by its state.
    inserted = await session.execute(
        insert(Membership).values(**fresh.model_dump()).on_conflict_do_nothing().returning(Membership.id)  # type: ignore[call-overload]
    )
    membership = await queries.find_own_for_update(session, standing.community_id, principal.account_id)
    if membership is None:
        raise Problem(409, "membership-changed", "The membership changed just now: try again.")
    if inserted.scalar_one_or_none() is None:
        state = MembershipState(membership.state)
        if policy.next_state("apply", state) is None:
            raise Problem(409, "transition-refused", policy.REFUSALS[state])
        membership.state = MembershipState.APPLIED
        membership.roles = []
        membership.message = message
        membership.reason = None
        membership.applied_at = clock.now()
        membership.ended_at = None
        membership.version += 1
    emit(session, membership, MembershipApplied, principal.account_id)
    return membership


async def decide(
    session: Session, standing: Standing, membership_id: UUID, expected: int, step: str, reason: str | None
) -> Membership:
    """Approve, reject, remove or leave. Raises Problem 403, 404, 409, 412."""
    membership = await queries.get_for_update(session, standing.community_id, membership_id)
    own = membership.account_id == standing.principal.account_id
    if step == "leave" and not own:
        raise Problem(403, "forbidden", "Only the member can leave; staff remove.")
    if step == "remove" and not policy.may_remove(manages=standing.has(), roles=frozenset(membership.roles)):
        raise Problem(403, "forbidden", "Only managers may remove somebody who has a role.")
    check_version(expected, membership.version)
    if step in {"approve", "reject"}:
        if standing.community_state == CommunityState.ARCHIVED:
            raise Problem(409, "community-archived", "An archived community decides about nobody any more.")
        await _check(session, standing.community_id, membership.account_id, step)
    move(session, membership, step, actor=standing.principal.account_id, reason=reason)
    return membership


def move(session: Session, membership: Membership, step: str, *, actor: UUID | None, reason: str | None = None) -> None:
    """Take a step with a membership whose row is locked; without an actor the system does. Raises Problem 409."""
    state = policy.next_state(step, MembershipState(membership.state))
    if state is None:
        raise Problem(409, "transition-refused", policy.REFUSALS[MembershipState(membership.state)])
    now = clock.now()
    if step == "restore" and membership.joined_at == membership.decided_at:
        membership.joined_at = None
    membership.state = state
    membership.reason = reason
    membership.version += 1
    if step in {"approve", "reject", "remove"}:
        membership.decided_at, membership.decided_by = now, actor
    if step == "restore":
        membership.decided_at, membership.decided_by, membership.roles = None, None, []
    if state is MembershipState.APPROVED:
        membership.joined_at = membership.joined_at or now
        membership.ended_at = None
    if state in {MembershipState.LEFT, MembershipState.REMOVED}:
        membership.ended_at = now
        membership.roles = []
    emit(session, membership, EVENTS[step], actor)


async def set_roles(
    session: Session,
    standing: Standing,
    membership_id: UUID,
    expected: int,
    roles: Sequence[CommunityRole],
    *,
    staff: bool | None,
) -> Membership:
    """Give a member exactly these roles. Raises Problem 404, 409 unless the account is a member, 412."""
    membership = await queries.get_for_update(session, standing.community_id, membership_id)
    check_version(expected, membership.version)
    if membership.state != MembershipState.APPROVED:
        raise Problem(409, "transition-refused", "Only members have roles.")
    membership.roles = sorted(set(roles))
    membership.staff = membership.staff if staff is None else staff
    membership.version += 1
    emit(session, membership, MembershipRolesChanged, standing.principal.account_id)
    return membership


async def mark_staff(session: Session, account_id: UUID, *, staff: bool) -> None:
    """Mark an account's memberships as the brand's own people, or not any more."""
    for membership in await queries.of_account_for_update(session, account_id):
        if membership.staff != staff:
            membership.staff = staff
            membership.version += 1
            emit(session, membership, MembershipRolesChanged, None)


async def hand_over(session: Session, merged_account_id: UUID, account_id: UUID) -> None:
    """After a merge: end the merged account's memberships, and let the living account take the place where it had none."""
    held = {membership.community_id for membership in await queries.of_account_for_update(session, account_id)}
    for old in await queries.of_account_for_update(session, merged_account_id):
        if old.state != MembershipState.APPROVED:
            continue
        if old.community_id not in held:
            heir = _new(old.organization_id, old.community_id, account_id, MembershipState.APPROVED)
            heir.roles, heir.staff, heir.joined_at = list(old.roles), old.staff, old.joined_at
            session.add(heir)
            emit(session, heir, MembershipApproved, None)
        old.state, old.roles, old.ended_at = MembershipState.LEFT, [], clock.now()
        old.version += 1
        emit(session, old, MembershipLeft, None)
