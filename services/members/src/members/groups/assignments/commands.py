"""Writing rules of assignment, and bringing members into groups by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


async def judge(session: Session, community_id: UUID, accounts: Iterable[UUID], *, origin: Origin = Origin.LIVE) -> int:
    """Bring accounts into the groups that the rules in force say, and keep why; return how many seats were taken."""
    rules = await queries.find_current(session, community_id)
    if rules is None or not rules.content["rules"]:
        return 0
    wanted = set(accounts)
    # Locked before anything is read, so that two judgements of one member do not both find no group yet.
    if await group_queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        return 0
    await group_queries.lock_members(session, community_id, wanted)
    content = GroupRulesWrite.model_validate(rules.content)
    known = await queries.read_known(session, community_id, content)
    facts = await queries.facts_of(session, community_id, wanted, known)
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
    placed = await seats.place(session, community_id, wants, actor=None, origin=origin)
    return sum(one.outcome == "joined" for one in placed)


async def follow_links(session: Session, community_id: UUID, people: Mapping[UUID, UUID], *, origin: Origin) -> None:
    """Bring account → group into the groups that their entry links lead to; a link to a group that is not there leads nowhere."""
    if await group_queries.lock_community(session, community_id, alone=False) is CommunityState.ARCHIVED:
        return
    known = await queries.known_groups(session, community_id, people.values())
    wants = [Want(account, group, Reason("group-link")) for account, group in sorted(people.items()) if group in known]
    await seats.place(session, community_id, wants, actor=None, origin=origin)


async def start(session: Session, standing: Standing) -> GroupRulesRun:
    """Have the rules applied to everybody who belongs, from the start. Raises Problem 404, 409."""
    if await group_queries.lock_community(session, standing.community_id, alone=True) is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    rules = await queries.find_current(session, standing.community_id)
    if rules is None:
        raise Problem(409, "no-rules", "There are no rules yet: PUT …/groups/rules writes them.")
    run = await queries.find_run(session, standing.community_id, lock=True)
    if run is None:
        run = GroupRulesRun(
            community_id=standing.community_id,
            organization_id=standing.principal.organization_id,
            rules_version=rules.version,
            started_by=standing.principal.account_id,
            started_at=clock.now(),
            looked_at=0,
            placed=0,
        )
        session.add(run)
    run.rules_version, run.started_by, run.started_at = rules.version, standing.principal.account_id, clock.now()
    run.finished_at, run.looked_at, run.placed, run.after_membership_id = None, 0, 0, None
    await due.schedule(session, run.organization_id, APPLY_KIND, str(run.community_id), clock.now())
    return run


async def work_on(session: Session, organization_id: UUID, community_id: UUID) -> None:
    """Apply the rules to the next members, and come back for the rest; each chunk commits with how far it got."""
    run = await queries.find_run(session, community_id, lock=True)
    if run is None or run.finished_at is not None:
        return
    found = await queries.next_members(session, community_id, run.after_membership_id, CHUNK)
    run.placed += await judge(session, community_id, [account for _, account in found])
    run.looked_at += len(found)
    if len(found) < CHUNK:
        run.finished_at = clock.now()
        return
    run.after_membership_id = found[-1][0]
    await due.schedule(session, organization_id, APPLY_KIND, str(community_id), clock.now())
