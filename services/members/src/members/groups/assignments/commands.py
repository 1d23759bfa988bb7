"""Writing rules of assignment, and bringing members into groups by them, and out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.requests import check_version
from contracts.base import Origin
from contracts.members import CommunityState, GroupRulesChanged
from members.groups import queries as group_queries
from members.groups.assignments import policy, queries
from members.groups.assignments.models import GroupRules, GroupRulesRun
from members.groups.assignments.policy import Facts, Rule
from members.groups.assignments.schemas import GroupRulesWrite
from members.groups.seats import commands as seats
from members.groups.seats.commands import Want
from members.reasons import Reason

APPLY_KIND = "groups.apply_rules"
CHUNK = 500


async def write(session: Session, standing: Standing, expected: int, body: GroupRulesWrite) -> GroupRules:
    """Write all rules as a new version. Raises Problem 404, 409, 412, 422."""
    if await group_queries.lock_community(session, standing.community_id, alone=True) is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    before = await queries.find_current(session, standing.community_id)
    check_version(expected, before.version if before else 0)
    await queries.read(session, standing.community_id, body)
    content = body.model_dump(mode="json")
    if before is not None and content == before.content:
        return before
    rules = GroupRules(
        community_id=standing.community_id,
        version=(before.version if before else 0) + 1,
        organization_id=standing.principal.organization_id,
        content=content,
        changed_by=standing.principal.account_id,
        changed_at=clock.now(),
    )
    session.add(rules)
    await session.flush()
    outbox.emit(
        session,
        GroupRulesChanged(community_id=standing.community_id),
        organization_id=rules.organization_id,
        aggregate_id=standing.community_id,
        version=rules.version,
        community_id=standing.community_id,
        actor=standing.principal.account_id,
    )
    return rules


@dataclass(frozen=True)
class Judged:
    """What a judgement did."""

    placed: int = 0
    taken_out: int = 0


async def judge(
    session: Session, community_id: UUID, accounts: Iterable[UUID], *, origin: Origin = Origin.LIVE
) -> Judged:
    """Bring accounts into the groups that the rules in force say, and out of those that they give no longer, and keep why."""
    rules = await queries.find_current(session, community_id)
    if rules is None or not rules.content["rules"]:
        return Judged()
    wanted = set(accounts)
    # Locked before anything is read, so that two judgements of one member do not both find no group yet.
    if await group_queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        return Judged()
    await group_queries.lock_members(session, community_id, wanted)
    content = GroupRulesWrite.model_validate(rules.content)
    known = await queries.read_known(session, community_id, content)
    facts = await queries.facts_of(session, community_id, wanted, known)
    lost: list[Want] = []
    if any(rule.leaves for rule in known):
        lost, facts = await _leave(session, community_id, rules.version, known, facts)
    wants = [
        Want(
            account_id=account,
            group_id=match.rule.group_id,
            reason=Reason("group-rule", {"rule": match.rule.key, "version": rules.version, "matched": match.matched}),
            rules_version=rules.version,
            rule_key=match.rule.key,
            inputs=one.inputs(),
        )
        for account, one in facts.items()
        for match in policy.decide(known, content.exclusive, one)
    ]
    if lost:
        # All series at once, in one order: those who leave here and come there wait for nobody in a circle.
        await group_queries.lock_series(session, community_id, {want.group_id for want in (*lost, *wants)})
        await seats.give_up(session, community_id, lost)
    placed = await seats.place(session, community_id, wants, actor=None, origin=origin)
    return Judged(placed=sum(one.outcome == "joined" for one in placed), taken_out=len(lost))


async def _leave(
    session: Session, community_id: UUID, version: int, rules: Sequence[Rule], facts: Mapping[UUID, Facts]
) -> tuple[list[Want], dict[UUID, Facts]]:
    """Return the seats that are lost, and the facts of everybody thereafter."""
    circular = await queries.circular_segments(session, community_id)
    # A segment that came to name groups since the rules were written would send people in and out for ever.
    steady = [rule for rule in rules if circular.isdisjoint(rule.segments)]
    held = await queries.seats_of(session, community_id, facts)
    lost, after = [], {}
    for account, one in facts.items():
        mine = held.get(account, [])
        gone = policy.leaving(steady, mine, one)
        after[account] = one.after(mine, gone) if gone else one
        lost += [
            Want(
                account_id=account,
                group_id=seat.group_id,
                reason=Reason("group-rule-ended", {"rule": seat.rule_key, "version": version}),
                rules_version=version,
                rule_key=seat.rule_key,
                inputs=one.inputs(),
            )
            for seat in gone
        ]
    return lost, after


async def follow_links(session: Session, community_id: UUID, people: Mapping[UUID, UUID], *, origin: Origin) -> None:
    """Bring account → group into the groups that their entry links lead to; a link to a group that is not there leads nowhere."""
    if await group_queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        return
    known = await queries.known_groups(session, community_id, people.values())
    wants = [Want(account, group, Reason("group-link")) for account, group in sorted(people.items()) if group in known]
    await seats.place(session, community_id, wants, actor=None, origin=origin)


async def start(session: Session, standing: Standing) -> GroupRulesRun:
    """Have the rules applied to everybody who belongs, from the start. Raises Problem 404, 409."""
    # Before the community: a worker that applies the rules holds its work's row, then locks the run and the community.
    organization_id = standing.principal.organization_id
    await due.schedule(session, organization_id, APPLY_KIND, str(standing.community_id), clock.now())
    if await group_queries.lock_community(session, standing.community_id, alone=True) is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    rules = await queries.find_current(session, standing.community_id)
    if rules is None:
        raise Problem(409, "no-rules", "There are no rules yet: PUT …/groups/rules writes them.")
    run = await queries.find_run(session, standing.community_id, lock=True)
    if run is None:
        run = GroupRulesRun(
            community_id=standing.community_id,
            organization_id=organization_id,
            rules_version=rules.version,
            started_by=standing.principal.account_id,
            started_at=clock.now(),
            looked_at=0,
            placed=0,
        )
        session.add(run)
    run.rules_version, run.started_by, run.started_at = rules.version, standing.principal.account_id, clock.now()
    run.finished_at, run.looked_at, run.placed, run.taken_out, run.after_membership_id = None, 0, 0, 0, None
    return run


async def work_on(session: Session, organization_id: UUID, community_id: UUID) -> None:
    """Apply the rules to the next members, and come back for the rest; each chunk commits with how far it got."""
    run = await queries.find_run(session, community_id, lock=True)
    if run is None or run.finished_at is not None:
        return
    found = await queries.next_members(session, community_id, run.after_membership_id, CHUNK)
    judged = await judge(session, community_id, [account for _, account in found])
    run.placed += judged.placed
    run.taken_out += judged.taken_out
    run.looked_at += len(found)
    if len(found) < CHUNK:
        run.finished_at = clock.now()
        return
    run.after_membership_id = found[-1][0]
    await due.schedule(session, organization_id, APPLY_KIND, str(community_id), clock.now())
