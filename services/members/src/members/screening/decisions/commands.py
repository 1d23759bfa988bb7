"""Deciding about applications, taking decisions back, moving up.

Rows are locked in one order everywhere: personas, applications, memberships, links.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis import clock
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, not_found
from chassis.requests import check_version
from contracts.members import ApplicationMoved, CommunityState, MembershipState
from members.communities import queries as communities
from members.memberships import commands as membership_commands
from members.memberships import queries as memberships
from members.memberships.models import Membership
from members.memberships.tags import commands as tags
from members.reasons import Reason
from members.screening.applications import commands as applications
from members.screening.applications import policy
from members.screening.applications import queries as application_queries
from members.screening.applications.models import Application
from members.screening.applications.policy import Judgement, State
from members.screening.decisions import queries
from members.screening.links import commands as links
from members.screening.personas import commands as persona_commands
from members.screening.personas import policy as persona_policy
from members.screening.personas import queries as personas
from members.screening.personas.models import Persona

AT_ONCE = 100


@dataclass(frozen=True)
class Decided:
    """What became of one application."""

    id: UUID
    outcome: str
    problem: Problem | None = None


@dataclass(frozen=True)
class _Locked:
    personas: Mapping[UUID, Persona]
    applications: Mapping[UUID, Application]
    memberships: Mapping[UUID, Membership]
    numbers: Mapping[UUID, int]


async def _lock(session: Session, community_id: UUID, ids: Sequence[UUID], *, places: bool) -> _Locked:
    held = await application_queries.personas_of(session, community_id, ids)
    kinds = await personas.lock(session, held.values()) if places else {}
    rows = await application_queries.lock(session, community_id, held)
    accounts = [one.account_id for one in rows.values()]
    standing = {one.id: one for one in await memberships.of_accounts_for_update(session, community_id, accounts)}
    return _Locked(kinds, rows, standing, await queries.last_numbers(session, list(rows)))


async def decide(
    session: Session,
    standing: Standing,
    application_id: UUID,
    expected: int,
    decision: str,
    words: Mapping[str, str],
) -> Application:
    """Approve or reject one application. Raises Problem 404, 409, 412."""
    applications.check_living(standing)
    locked = await _lock(session, standing.community_id, [application_id], places=decision == "approve")
    application = locked.applications.get(application_id)
    if application is None:
        raise not_found("application")
    check_version(expected, application.version)
    await _decide(session, standing, locked, application, decision, words)
    return application


async def decide_many(
    session: Session, standing: Standing, ids: Sequence[UUID], decision: str, words: Mapping[str, str]
) -> list[Decided]:
    """Approve or reject many; what cannot be decided about one does not hold up the others. Raises Problem 409 when archived."""
    applications.check_living(standing)
    wanted = list(dict.fromkeys(ids))
    locked = await _lock(session, standing.community_id, wanted, places=decision == "approve")
    results = []
    for one in wanted:
        application = locked.applications.get(one)
        try:
            if application is None:
                raise not_found("application")
            results.append(Decided(one, await _decide(session, standing, locked, application, decision, words)))
        except Problem as problem:
            results.append(Decided(one, "refused", problem))
    return results


async def _decide(
    session: Session,
    standing: Standing,
    locked: _Locked,
    application: Application,
    decision: str,
    words: Mapping[str, str],
) -> State:
    """Decide about one application; every refusal comes before the first change. Raises Problem 409."""
    applications.check_state(application, decision)
    membership = locked.memberships[application.membership_id]
    if membership.state != MembershipState.APPLIED:
        raise Problem(409, "membership-changed", "The applicant has left or belongs already.")
    outcome, room = State.REJECTED, True
    if decision == "approve":
        persona = _persona(locked.personas, application)
        room = await persona_commands.take_place(session, persona)
        outcome = State.APPROVED if room else State.WAITING
        if not room and application.state == State.WAITING:
            raise Problem(409, "persona-full", "All places are taken: the applicant moves up when one frees.")
    actor = standing.principal.account_id
    applications.record(
        session,
        application,
        applications.reviewers(application, outcome, words),
        number=locked.numbers.get(application.id, 0) + 1,
        judged_by="reviewer",
        room=room,
        decided_by=actor,
    )
    await applications.conclude(session, application, membership, outcome, actor=actor)
    if outcome is State.REJECTED and application.link_id is not None:
        await links.give_back(session, application.link_id)
    return outcome


def _persona(locked: Mapping[UUID, Persona], application: Application) -> Persona | None:
    """Return the application's persona, locked before it. Raises Problem 409 when new answers made the applicant another since."""
    if application.persona_id is None:
        return None
    if application.persona_id not in locked:
        raise Problem(409, "application-changed", "The answers changed just now: read again.")
    return locked[application.persona_id]


async def undo(session: Session, standing: Standing, application_id: UUID, expected: int) -> Application:
    """Take a decision back while it is harmless: it is fresh and the member has done nothing. Raises Problem 404, 409, 412."""
    applications.check_living(standing)
    locked = await _lock(session, standing.community_id, [application_id], places=True)
    application = locked.applications.get(application_id)
    if application is None:
        raise not_found("application")
    check_version(expected, application.version)
    applications.check_state(application, "undo")
    decision = await application_queries.find_last_decision(session, application_id)
    now = clock.now()
    if decision is None or not policy.may_undo(decision.decided_at, now):
        raise Problem(409, "undo-too-late", "A decision can be taken back for ten minutes.")
    membership = locked.memberships[application.membership_id]
    await _check_harmless(session, application, membership)
    actor, was = standing.principal.account_id, State(application.state)
    if application.holds_place:
        persona = _persona(locked.personas, application)
        application.holds_place = False
        if persona is not None:
            await persona_commands.free_place(session, persona)
    if was is State.APPROVED:
        for tag in application.tags:
            await tags.untag(session, application.community_id, tag, membership.id, actor)
        application.tags = []
    if was is not State.WAITING:
        membership_commands.move(session, membership, "restore", actor=actor)
    if was is State.REJECTED and application.link_id is not None:
        await links.come_back(session, application.link_id)
    decision.undone_at, decision.undone_by = now, actor
    await applications.conclude(session, application, membership, State.IN_REVIEW, actor=actor)
    return application


async def _check_harmless(session: Session, application: Application, membership: Membership) -> None:
    expected = {
        State.APPROVED: MembershipState.APPROVED,
        State.REJECTED: MembershipState.REJECTED,
        State.WAITING: MembershipState.APPLIED,
    }[State(application.state)]
    if membership.state != expected:
        raise Problem(409, "membership-changed", "The membership has changed since the decision.")
    acted = await application_queries.has_acted(session, application.community_id, application.account_id)
    if application.state == State.APPROVED and (acted or membership.roles):
        raise Problem(409, "member-acted", "The member has taken part since: remove the member instead.")


async def fill(session: Session, persona_id: UUID) -> None:
    """Let those who wait for a persona move up, oldest first, as far as there is room."""
    persona = (await personas.lock(session, [persona_id])).get(persona_id)
    if persona is None:
        return
    community = await communities.get(session, persona.community_id)
    if community.state in {CommunityState.PAUSED, CommunityState.ARCHIVED}:
        return
    room = persona_policy.room(persona.quota, persona.taken)
    most = AT_ONCE if persona.retired_at is not None or room is None else min(room, AT_ONCE)
    ids = await queries.list_waiting(session, persona_id, most)
    if not ids:
        return
    locked = await _lock_known(session, persona, ids)
    for one in ids:
        application = locked.applications.get(one)
        if application is None or application.state != State.WAITING or application.persona_id != persona_id:
            continue
        await _move_up(session, persona, application, locked)
    # There may be more than one transaction should hold.
    await session.flush()
    await persona_commands.schedule_fill(session, persona)


async def _lock_known(session: Session, persona: Persona, ids: Sequence[UUID]) -> _Locked:
    rows = await application_queries.lock(session, persona.community_id, ids)
    accounts = [one.account_id for one in rows.values()]
    standing = await memberships.of_accounts_for_update(session, persona.community_id, accounts)
    numbers = await queries.last_numbers(session, list(rows))
    return _Locked({persona.id: persona}, rows, {one.id: one for one in standing}, numbers)


async def _move_up(session: Session, persona: Persona, application: Application, locked: _Locked) -> None:
    membership = locked.memberships[application.membership_id]
    if membership.state != MembershipState.APPLIED:
        await applications.take_back(session, application, None)
        return
    outcome, code, room = State.APPROVED, "screening-place-freed", True
    if persona.retired_at is not None:
        outcome, code = State.IN_REVIEW, "screening-persona-retired"
    elif not await persona_commands.take_place(session, persona):
        return
    applications.record(
        session,
        application,
        Judgement(outcome, application.score, application.persona_id, Reason(code)),
        number=locked.numbers.get(application.id, 0) + 1,
        judged_by="place",
        room=room,
    )
    await applications.conclude(session, application, membership, outcome, actor=None)


async def member_gone(session: Session, community_id: UUID, account_id: UUID) -> None:
    """Free the place of somebody who belongs no more, and end what is open of somebody who took the application back."""
    ids = await queries.list_affected(session, community_id, account_id)
    if not ids:
        return
    locked = await _lock(session, community_id, ids, places=True)
    states = {one.account_id: MembershipState(one.state) for one in locked.memberships.values()}
    for application in locked.applications.values():
        state = states.get(application.account_id)
        if application.holds_place and state is not MembershipState.APPROVED:
            await _release(session, locked, application)
        elif application.state in policy.OPEN and state is not MembershipState.APPLIED:
            await applications.take_back(session, application, None)


async def _release(session: Session, locked: _Locked, application: Application) -> None:
    application.holds_place = False
    application.version += 1
    persona = _persona(locked.personas, application)
    applications.emit(session, application, ApplicationMoved, None, automatic=True)
    await session.flush()
    if persona is not None:
        await persona_commands.free_place(session, persona)


async def merge(session: Session, merged_account_id: UUID, account_id: UUID) -> None:
    """After a merge of accounts: the living account has the history and the place; what was open of the merged one ends."""
    for community_id, ids in (await queries.list_of_account(session, merged_account_id)).items():
        holds = await queries.holds_place(session, community_id, account_id)
        locked = await _lock(session, community_id, ids, places=True)
        for application in locked.applications.values():
            if application.state in policy.OPEN:
                await applications.take_back(session, application, None)
            if application.holds_place and holds:
                await _release(session, locked, application)
            application.account_id = account_id


async def reopen(session: Session, community_id: UUID) -> None:
    """After a pause: let those who wait move up."""
    for persona in await personas.list_standing(session, community_id):
        await persona_commands.schedule_fill(session, persona)
