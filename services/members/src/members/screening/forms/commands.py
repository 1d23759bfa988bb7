"""Writing forms."""

from __future__ import annotations

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.requests import check_version
from contracts.members import CommunityState, FormChanged
from members.communities import queries as communities
from members.screening.forms import policy, queries
from members.screening.forms.models import FormVersion
from members.screening.forms.schemas import FormWrite


async def write(session: Session, standing: Standing, expected: int, body: FormWrite) -> FormVersion:
    """Put a form in force, as a new version. Raises Problem 404, 409, 412, 422."""
    flaws = policy.flaws(body.questions)
    if flaws:
        raise Problem(422, "invalid", "The questions make no form.", errors=[Fault(*flaw) for flaw in flaws[:50]])
    community = await communities.get_for_update(session, standing.community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    before = await queries.find_current(session, standing.community_id)
    check_version(expected, before.version if before else 0)
    form = FormVersion(
        community_id=community.id,
        version=expected + 1,
        organization_id=community.organization_id,
        title=body.title,
        introduction=body.introduction,
        questions=[question.model_dump(mode="json") for question in body.questions],
        changed_by=standing.principal.account_id,
        changed_at=clock.now(),
    )
    session.add(form)
    outbox.emit(
        session,
        FormChanged(community_id=community.id, form_version=form.version, questions=len(form.questions)),
        organization_id=community.organization_id,
        aggregate_id=community.id,
        version=form.version,
        community_id=community.id,
        actor=standing.principal.account_id,
    )
    return form
