"""Applying: answers in, judged at once as far as the policy can; and what the applicant and the reviewer ask of one another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.vault import Vault
from contracts.members import (
    ApplicationDecided,
    ApplicationEvent,
    ApplicationMoved,
    ApplicationOverdue,
    ApplicationSubmitted,
    CommunityState,
    MembershipState,
)
from members.communities import queries as communities
from members.memberships import commands as membership_commands
from members.memberships import policy as membership_policy
from members.memberships import queries as memberships
from members.memberships.models import Membership
from members.memberships.tags import commands as tags
from members.reasons import Reason
from members.screening.applications import policy, queries
from members.screening.applications.models import Application, ApplicationDecision
from members.screening.applications.policy import Judgement, State
from members.screening.applications.schemas import ApplicationCreate, ApplicationInform
from members.screening.forms import policy as form_policy
from members.screening.forms import queries as forms
from members.screening.links import commands as links
from members.screening.links import queries as link_queries
from members.screening.personas import commands as persona_commands
from members.screening.personas import queries as personas
from members.screening.policies import policy as policy_policy
from members.screening.policies import queries as policies


def emit(
    session: Session, application: Application, event: type[ApplicationEvent], actor: UUID | None, *, automatic: bool
) -> None:
    """Tell where an application stands, whole, as its next version."""
    outbox.emit(
        session,
        event(
            application_id=application.id,
            community_id=application.community_id,
            account_id=application.account_id,
            membership_id=application.membership_id,
            state=application.state,
            persona_id=application.persona_id,
            link_id=application.link_id,
            group_id=application.group_id,
            form_version=application.form_version,
            policy_version=application.policy_version,
            automatic=automatic,
        ),
        organization_id=application.organization_id,
        aggregate_id=application.id,
        version=application.version,
        community_id=application.community_id,
        actor=actor,
    )


async def check_step(session: Session, community_id: UUID, account_id: UUID, step: str) -> None:
    """Keep memberships from going around screening. Raises Problem 409; for members.memberships.commands.CHECKS."""
    if step == "apply":
        form = await forms.find_current(session, community_id)
        if form is not None and form.questions:
            raise Problem(409, "form-required", "This community asks something: answer with POST …/applications.")
    elif await queries.find_open(session, community_id, account_id) is not None:
        raise Problem(
            409, "application-open", "There is an application: decide about it with POST …/applications/decisions."
        )


async def submit(session: Session, vault: Vault, standing: Standing, body: ApplicationCreate) -> Application:
    """Apply; decided at once where the policy can. Raises Problem 409, 422 with a pointer for each answer that does not fit."""
    community_id, account_id = standing.community_id, standing.principal.account_id
    form = await forms.find_current(session, community_id)
    questions = forms.questions(form)
    _refuse(form_policy.answer_flaws(questions, body.answers))
    policy_in_force = await policies.find_current(session, community_id)
    await _check_reapplication(session, standing, policy_in_force.reapply_after_days if policy_in_force else 0)
    membership = await _membership(session, standing)
    standing_personas = await personas.list_standing(session, community_id)
    candidates = [personas.candidate(one) for one in standing_personas]
    terms = policies.terms(policy_in_force)
    judgement = policy.judge(questions, body.answers, terms, candidates, room=True)
    room = True
    if judgement.outcome is State.APPROVED and judgement.persona_id is not None:
        locked = await personas.lock(session, [judgement.persona_id])
        room = await persona_commands.take_place(session, locked[judgement.persona_id])
        judgement = policy.judge(questions, body.answers, terms, candidates, room=room)
    link = await links.come_through(
        session, community_id, body.link_token, uses=judgement.outcome is not State.REJECTED
    )
    now = clock.now()
    organization = standing.principal.organization_id
    application = Application(
        id=new_id(),
        organization_id=organization,
        community_id=community_id,
        account_id=account_id,
        membership_id=membership.id,
        state=State.SUBMITTED,
        form_version=form.version if form else 0,
        policy_version=policy_in_force.version if policy_in_force else 0,
        answers=body.answers,
        score=judgement.score,
        persona_id=judgement.persona_id,
        personas=[[str(one.id), one.version] for one in candidates],
        link_id=link.id if link else None,
        group_id=link.group_id if link else None,
        tags=[],
        contact_hash=_keyed(vault, "screening contact", organization, body.contact, clean=True),
        device_hash=_keyed(vault, "screening device", organization, body.device_hash),
        submitted_at=now,
        version=1,
    )
    session.add(application)
    await session.flush()
    emit(session, application, ApplicationSubmitted, account_id, automatic=True)
    record(session, application, judgement, number=1, judged_by="policy", room=room)
    await conclude(session, application, membership, judgement.outcome, actor=None)
    return application


def _refuse(flaws: list[form_policy.Flaw]) -> None:
    if flaws:
        raise Problem(422, "invalid", "The answers do not fit the form.", errors=[Fault(*flaw) for flaw in flaws[:50]])


def _keyed(
    vault: Vault, purpose: str, organization_id: UUID, value: str | None, *, clean: bool = False
) -> bytes | None:
    """Return a hash that only we can make: equal for equal values of one organization, and telling nothing else."""
    if value is None:
        return None
    plain = policy.clean_contact(value) if clean else value
    return vault.mac(purpose, organization_id.bytes, plain.encode())


async def _check_reapplication(session: Session, standing: Standing, days: int) -> None:
    rejected_at = await queries.last_rejected_at(session, standing.community_id, standing.principal.account_id)
    if rejected_at is None:
        return
    again = policy_policy.reapply_at(rejected_at, days)
    if clock.now() < again:
        when = again.isoformat(timespec="seconds")
        raise Problem(409, "reapply-later", f"The last application was declined: apply again from {when}.")


async def _membership(session: Session, standing: Standing) -> Membership:
    """Return the applicant's membership in the state applied, its row locked. Raises Problem 409."""
    community_id, account_id = standing.community_id, standing.principal.account_id
    membership = await memberships.find_own_for_update(session, community_id, account_id)
    if membership is None or membership.state != MembershipState.APPLIED:
        return await membership_commands.ask(session, standing, None)
    # Applied before there was anything to answer: the answers join that application.
    if await queries.find_open(session, community_id, account_id) is not None:
        raise Problem(409, "application-open", "You have applied: the application waits for a decision.")
    if not membership_policy.takes_applications(standing.community_state):
        raise Problem(
            409, "community-not-open", f"The community is {standing.community_state} and takes no applications."
        )
    return membership


def record(
    session: Session,
    application: Application,
    judgement: Judgement,
    *,
    number: int,
    judged_by: str,
    room: bool,
    decided_by: UUID | None = None,
) -> None:
    """Keep a judgement with everything that it was made on."""
    session.add(
        ApplicationDecision(
            application_id=application.id,
            number=number,
            organization_id=application.organization_id,
            outcome=judgement.outcome,
            form_version=application.form_version,
            policy_version=application.policy_version,
            answers=application.answers,
            personas=application.personas,
            room=room,
            score=judgement.score,
            persona_id=judgement.persona_id,
            reason_code=judgement.reason.code,
            reason_params=dict(judgement.reason.params),
            words=dict(judgement.words),
            judged_by=judged_by,
            decided_by=decided_by,
            decided_at=clock.now(),
        )
    )


async def conclude(
    session: Session, application: Application, membership: Membership, outcome: State, *, actor: UUID | None
) -> None:
    """Bring an application whose row is locked, its membership and its deadline to where a judgement puts them.

    For an approval the place is taken before, by the caller, who holds the persona's row.
    """
    now = clock.now()
    if outcome is State.IN_REVIEW:
        await _start_review(session, application, now)
    application.state = outcome
    application.version += 1
    application.question = None
    application.waiting_since = now if outcome is State.WAITING else None
    application.decided_at = None if outcome is State.IN_REVIEW else now
    application.holds_place = outcome is State.APPROVED and application.persona_id is not None
    if outcome is not State.IN_REVIEW:
        application.deadline = None
    if outcome is State.APPROVED:
        membership_commands.move(session, membership, "approve", actor=actor)
        await session.flush()
        application.tags = await _tag(session, application, membership)
    elif outcome is State.REJECTED:
        membership_commands.move(session, membership, "reject", actor=actor)
    decided = outcome in {State.APPROVED, State.REJECTED}
    emit(session, application, ApplicationDecided if decided else ApplicationMoved, actor, automatic=actor is None)


async def _start_review(session: Session, application: Application, now: datetime) -> None:
    """Set the deadline, before the state says that there is one.

    Each has work with a key of its own, which nobody takes back: who comes to tell holds the work's row and waits for the
    application, which this transaction holds, and finds whether there is still something to tell.
    """
    version = application.policy_version
    row = await policies.get_version(session, application.community_id, version) if version else None
    application.deadline = policy_policy.deadline(now, policies.hours(row))
    application.overdue_at = None
    await due.schedule(
        session,
        application.organization_id,
        policy.OVERDUE_KIND,
        f"{application.id}/{new_id()}",
        application.deadline,
        {"community_id": str(application.community_id)},
    )


async def _tag(session: Session, application: Application, membership: Membership) -> list[str]:
    """Give the new member the tags of the answers and of the door; return those that are new, for an undo to take back."""
    version, community_id = application.policy_version, application.community_id
    row = await policies.get_version(session, community_id, version) if version else None
    questions = await forms.questions_of(session, community_id, application.form_version)
    earned = set(policy_policy.tags(policies.tag_rules(row), questions, application.answers, application.score))
    if application.link_id is not None:
        earned |= set(await link_queries.tags_of(session, application.link_id))
    # Who has as many tags as one may have belongs all the same.
    return await tags.fill(session, membership, earned)


def check_living(standing: Standing) -> None:
    """Raise Problem 409 when the community is archived: nobody is let in or asked any more, and one may still withdraw."""
    if standing.community_state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community decides about nobody any more.")


async def ask(session: Session, standing: Standing, application_id: UUID, expected: int, question: str) -> Application:
    """Ask the applicant something; the deadline waits for the answer. Raises Problem 404, 409, 412."""
    check_living(standing)
    application = await queries.get_for_update(session, standing.community_id, application_id)
    check_version(expected, application.version)
    check_state(application, "ask")
    application.state = State.NEEDS_INFORMATION
    application.question = question
    application.version += 1
    application.deadline = None
    emit(session, application, ApplicationMoved, standing.principal.account_id, automatic=False)
    return application


async def inform(
    session: Session, standing: Standing, application_id: UUID, expected: int, body: ApplicationInform
) -> Application:
    """Answer what a reviewer asked; score and persona follow the answers, and the reviewer decides. Raises Problem 404, 409, 412, 422."""
    check_living(standing)
    application = await _own(session, standing, application_id, expected, "inform")
    questions = await forms.questions_of(session, standing.community_id, application.form_version)
    answers = {**application.answers, **body.answers}
    _refuse(form_policy.answer_flaws(questions, answers))
    candidates = [personas.candidate(one) for one in await personas.list_standing(session, standing.community_id)]
    terms = await policies.terms_at(session, standing.community_id, application.policy_version)
    judgement = policy.judge(questions, answers, terms, candidates, room=True)
    application.answers = answers
    application.score, application.persona_id = judgement.score, judgement.persona_id
    application.personas = [[str(one.id), one.version] for one in candidates]
    application.information = body.information
    await _start_review(session, application, clock.now())
    application.state = State.IN_REVIEW
    application.version += 1
    emit(session, application, ApplicationMoved, standing.principal.account_id, automatic=False)
    return application


async def withdraw(session: Session, standing: Standing, application_id: UUID, expected: int) -> Application:
    """Take one's application back. Raises Problem 404, 409, 412."""
    application = await _own(session, standing, application_id, expected, "withdraw")
    membership = await memberships.get_for_update(session, standing.community_id, application.membership_id)
    if membership.state == MembershipState.APPLIED:
        membership_commands.move(session, membership, "leave", actor=standing.principal.account_id)
    await take_back(session, application, standing.principal.account_id)
    return application


async def take_back(session: Session, application: Application, actor: UUID | None) -> None:
    """End an open application, whose row is locked, without a decision."""
    application.state = State.WITHDRAWN
    application.waiting_since = None
    application.question = None
    application.decided_at = clock.now()
    application.version += 1
    application.deadline = None
    if application.link_id is not None:
        await links.give_back(session, application.link_id)
    emit(session, application, ApplicationMoved, actor, automatic=actor is None)


async def tell_overdue(session: Session, community_id: UUID, application_id: UUID) -> None:
    """Tell once that the deadline has passed; nothing happens when a decision was faster, or when nobody decides any more."""
    if (await communities.get(session, community_id)).state == CommunityState.ARCHIVED:
        return
    application = (await queries.lock(session, community_id, [application_id])).get(application_id)
    now = clock.now()
    if application is None or application.state != State.IN_REVIEW or application.overdue_at is not None:
        return
    if application.deadline is not None and application.deadline <= now:
        application.overdue_at = now
        application.version += 1
        emit(session, application, ApplicationOverdue, None, automatic=True)


def check_state(application: Application, step: str) -> None:
    """Raise Problem 409 unless the step starts from where the application stands."""
    state = State(application.state)
    if state not in policy.STEPS[step]:
        raise Problem(409, "transition-refused", policy.REFUSALS[state])


def reviewers(application: Application, outcome: State, words: Mapping[str, str]) -> Judgement:
    """Return a reviewer's judgement, on what the answers score."""
    code = {
        State.APPROVED: "screening-approved",
        State.REJECTED: "screening-rejected",
        State.WAITING: "screening-persona-full",
    }[outcome]
    said = {} if outcome is State.WAITING else words
    return Judgement(outcome, application.score, application.persona_id, Reason(code), said)


async def _own(session: Session, standing: Standing, application_id: UUID, expected: int, step: str) -> Application:
    application = await queries.get_for_update(session, standing.community_id, application_id)
    if application.account_id != standing.principal.account_id:
        raise Problem(403, "forbidden", "Only the applicant can do this.")
    check_version(expected, application.version)
    check_state(application, step)
    return application
