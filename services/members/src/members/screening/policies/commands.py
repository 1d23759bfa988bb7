"""Writing screening policies."""

from __future__ import annotations

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.requests import check_version
from contracts.members import CommunityState, ScreeningPolicyChanged
from members.communities import queries as communities
from members.screening.forms import queries as forms
from members.screening.policies import policy, queries
from members.screening.policies.models import ScreeningPolicy
from members.screening.policies.policy import Terms
from members.screening.policies.schemas import ScreeningPolicyWrite


async def write(session: Session, standing: Standing, expected: int, body: ScreeningPolicyWrite) -> ScreeningPolicy:
    """Put a policy in force, as a new version. Raises Problem 404, 409, 412, 422."""
    community = await communities.get_for_update(session, standing.community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    form = forms.questions(await forms.find_current(session, standing.community_id))
    flaws = policy.flaws(Terms(body.mode, body.approve_at, body.reject_below), body.tag_rules, form)
    if flaws:
        raise Problem(422, "invalid", "The policy cannot be meant.", errors=[Fault(*flaw) for flaw in flaws[:50]])
    before = await queries.find_current(session, standing.community_id)
    check_version(expected, before.version if before else 0)
    row = ScreeningPolicy(
        community_id=community.id,
        version=expected + 1,
        organization_id=community.organization_id,
        mode=body.mode,
        approve_at=body.approve_at,
        reject_below=body.reject_below,
        decide_within_hours=body.decide_within_hours,
        reapply_after_days=body.reapply_after_days,
        tag_rules=[rule.model_dump(mode="json", exclude_none=True) for rule in body.tag_rules],
        changed_by=standing.principal.account_id,
        changed_at=clock.now(),
    )
    session.add(row)
    outbox.emit(
        session,
        ScreeningPolicyChanged(community_id=community.id, policy_version=row.version, mode=body.mode),
        organization_id=community.organization_id,
        aggregate_id=community.id,
        version=row.version,
        community_id=community.id,
        actor=standing.principal.account_id,
    )
    return row
