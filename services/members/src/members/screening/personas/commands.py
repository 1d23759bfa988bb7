"""Writing personas."""

from __future__ import annotations

from uuid import UUID

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import CommunityState, PersonaChanged
from members.communities import queries as communities
from members.screening.forms import queries as forms
from members.screening.personas import policy, queries
from members.screening.personas.models import Persona, PersonaVersion
from members.screening.personas.policy import Rule
from members.screening.personas.schemas import PersonaCreate, PersonaUpdate


def _keep(session: Session, standing: Standing, persona: Persona) -> None:
    """Keep the version's rule for the decisions that name it, and tell."""
    session.add(
        PersonaVersion(
            persona_id=persona.id,
            version=persona.version,
            organization_id=persona.organization_id,
            position=persona.position,
            rule=persona.rule,
        )
    )
    outbox.emit(
        session,
        PersonaChanged(
            persona_id=persona.id,
            community_id=persona.community_id,
            quota=persona.quota,
            retired=persona.retired_at is not None,
        ),
        organization_id=persona.organization_id,
        aggregate_id=persona.id,
        version=persona.version,
        community_id=persona.community_id,
        actor=standing.principal.account_id,
    )


async def _check_rule(session: Session, community_id: UUID, rule: Rule) -> None:
    form = forms.questions(await forms.find_current(session, community_id))
    flaws = policy.rule_flaws(rule, form, "/rule")
    if flaws:
        raise Problem(422, "invalid", "The rule does not fit the form.", errors=[Fault(*flaw) for flaw in flaws])


async def _lock_community(session: Session, standing: Standing) -> None:
    community = await communities.get_for_update(session, standing.community_id)
    if community.state == CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")


async def create(session: Session, standing: Standing, body: PersonaCreate) -> Persona:
    """Make a persona. Raises Problem 409, 422."""
    await _check_rule(session, standing.community_id, body.rule)
    await _lock_community(session, standing)
    if len(await queries.list_standing(session, standing.community_id)) >= policy.MOST_PERSONAS:
        raise Problem(409, "too-many-personas", f"A community has at most {policy.MOST_PERSONAS} personas.")
    persona = Persona(
        id=new_id(),
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        name=body.name,
        description=body.description,
        position=body.position,
        rule=body.rule.model_dump(mode="json", exclude_none=True),
        quota=body.quota,
        created_at=clock.now(),
        version=1,
    )
    session.add(persona)
    await session.flush()
    _keep(session, standing, persona)
    return persona


async def update(session: Session, standing: Standing, persona_id: UUID, expected: int, body: PersonaUpdate) -> Persona:
    """Change a persona; a larger quota lets those who wait move up. Raises Problem 404, 409, 412, 422."""
    if body.rule is not None:
        await _check_rule(session, standing.community_id, body.rule)
    await _lock_community(session, standing)
    persona = await queries.get_for_update(session, standing.community_id, persona_id)
    check_version(expected, persona.version)
    changes = body.model_dump(mode="json", exclude_unset=True)
    for name, value in changes.items():
        if name == "quota" or value is not None:
            setattr(persona, name, value)
    if body.rule is not None:
        persona.rule = body.rule.model_dump(mode="json", exclude_none=True)
    persona.version += 1
    _keep(session, standing, persona)
    await schedule_fill(session, persona)
    return persona


async def retire(session: Session, standing: Standing, persona_id: UUID, expected: int) -> None:
    """Let a persona match nobody any more; those who wait for it are decided by people. Raises Problem 404, 409, 412."""
    await _lock_community(session, standing)
    persona = await queries.get_for_update(session, standing.community_id, persona_id)
    check_version(expected, persona.version)
    persona.retired_at = clock.now()
    persona.version += 1
    _keep(session, standing, persona)
    await schedule_fill(session, persona)


async def schedule_fill(session: Session, persona: Persona) -> None:
    """Have those who wait for a place move up, in a transaction of their own.

    Each call has a key of its own: one that is being done holds its row and waits for the persona, which this transaction holds.
    """
    key = f"{persona.id}/{new_id()}"
    await due.schedule(
        session, persona.organization_id, policy.FILL_KIND, key, clock.now(), {"persona_id": str(persona.id)}
    )


async def take_place(session: Session, persona: Persona | None) -> bool:
    """Take a place of a persona whose row is locked; return whether there was one. Without a persona there always is."""
    if persona is None:
        return True
    if policy.room(persona.quota, persona.taken) == 0:
        return False
    persona.taken += 1
    await session.flush()
    return True


async def free_place(session: Session, persona: Persona) -> None:
    """Give a place of a persona whose row is locked back, and let the next move up."""
    persona.taken -= 1
    await schedule_fill(session, persona)
