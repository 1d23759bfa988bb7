"""Making groups, and bringing members in and out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import (
    CommunityState,
    GroupCreated,
    GroupEvent,
    GroupState,
    GroupUpdated,
)
from members.communities.templates.policy import flatten_group
from members.groups import policy, queries
from members.groups.cards import commands as cards
from members.groups.models import Group
from members.groups.schemas import GroupCreate, GroupUpdate


def archived() -> Problem:
    """409: nothing changes any more."""
    return Problem(409, "community-archived", "An archived community does not change.")


def emit(session: Session, group: Group, event: type[GroupEvent], actor: UUID | None) -> None:
    """Tell of a group, whole."""
    outbox.emit(
        session,
        event(
            group_id=group.id,
            community_id=group.community_id,
            series_id=group.series_id,
            ordinal=group.ordinal,
            dimension=group.dimension,
            hosts=list(group.hosts),
            capacity=group.capacity,
            state=group.state,
        ),
        organization_id=group.organization_id,
        aggregate_id=group.id,
        version=group.version,
        community_id=group.community_id,
        actor=actor,
    )


async def check_hosts(session: Session, community_id: UUID, hosts: Iterable[UUID]) -> list[UUID]:
    """Return the hosts without repeats. Raises Problem 422 unless each is a member."""
    wanted = list(dict.fromkeys(hosts))
    known = await queries.lock_members(session, community_id, wanted)
    faults = [
        Fault(f"/hosts/{place}", "not-a-member", "A host is a member of the community.")
        for place, host in enumerate(wanted)
        if not known.get(host, (host, False))[1]
    ]
    if faults:
        raise Problem(422, "invalid", "The request is well-formed and not acceptable.", errors=faults)
    return wanted


async def create(
    session: Session,
    *,
    organization_id: UUID,
    community_id: UUID,
    actor: UUID,
    body: GroupCreate,
    template_key: str | None = None,
) -> Group:
    """Make a group. Raises Problem 404, 409, 422."""
    if await queries.lock_community(session, community_id, alone=True) is CommunityState.ARCHIVED:
        raise archived()
    if await queries.count(session, community_id) >= policy.MOST_GROUPS:
        raise Problem(409, "too-many-groups", f"A community has at most {policy.MOST_GROUPS} groups.")
    identifier = new_id()
    group = Group(
        id=identifier,
        organization_id=organization_id,
        community_id=community_id,
        series_id=identifier,
        ordinal=1,
        dimension=body.dimension,
        name=body.name,
        hosts=await check_hosts(session, community_id, body.hosts),
        capacity=body.capacity,
        members=0,
        state=GroupState.OPEN,
        self_join=body.self_join,
        template_key=template_key,
        created_at=clock.now(),
        version=1,
    )
    session.add(group)
    await session.flush()
    emit(session, group, GroupCreated, actor)
    return group


async def update(
    session: Session, community_id: UUID, group_id: UUID, actor: UUID, body: GroupUpdate, *, expected: int | None = None
) -> Group:
    """Change a group; nothing happens when nothing is new. Raises Problem 404, 409, 412, 422."""
    if await queries.lock_community(session, community_id, alone=True) is CommunityState.ARCHIVED:
        raise archived()
    changes = body.model_dump(exclude_unset=True)
    for name in ("name", "hosts", "state", "self_join"):
        if changes.get(name, ...) is None:
            del changes[name]
    if "hosts" in changes:
        changes["hosts"] = await check_hosts(session, community_id, changes["hosts"])
    group = await queries.get_for_update(session, community_id, group_id)
    check_version(group.version if expected is None else expected, group.version)
    if changes.get("capacity") is not None and changes["capacity"] < group.members:
        raise Problem(
            409,
            "capacity-below-members",
            f"{group.members} are in the group; move some before it holds fewer.",
            errors=[Fault("/capacity", "capacity-below-members", f"At least {group.members}.")],
        )
    if all(getattr(group, name) == value for name, value in changes.items()):
        return group
    for name, value in changes.items():
        setattr(group, name, value)
    group.version += 1
    await session.flush()
    emit(session, group, GroupUpdated, actor)
    return group


async def note_template(
    session: Session, group: Group, template_id: UUID, version: int, fields: Mapping[str, Any]
) -> None:
    """Keep which version of a template a group has, and what the template set in it."""
    await session.execute(
        text("""
            INSERT INTO group_template_application (group_id, organization_id, community_id, template_id, template_version,
                fields, applied_at)
            VALUES (:group_id, :organization_id, :community_id, :template_id, :version, CAST(:fields AS jsonb), :now)
            ON CONFLICT (group_id) DO UPDATE SET template_version = EXCLUDED.template_version, fields = EXCLUDED.fields,
                applied_at = EXCLUDED.applied_at
        """),
        {
            "group_id": group.id,
            "organization_id": group.organization_id,
            "community_id": group.community_id,
            "template_id": template_id,
            "version": version,
            "fields": orjson.dumps(fields).decode(),
            "now": clock.now(),
        },
    )


async def open_next(session: Session, series: list[Group], actor: UUID | None) -> Group:
    """Open the next group of a locked series: as the template says that the first was made from, else as the last one, with its card."""
    first, last = series[0], series[-1]
    template = await queries.find_template(session, first.id)
    said = flatten_group(template.content) if template else {}
    group = Group(
        id=new_id(),
        organization_id=last.organization_id,
        community_id=last.community_id,
        series_id=first.id,
        ordinal=last.ordinal + 1,
        dimension=first.dimension,
        name=policy.numbered(said.get("name", first.name), last.ordinal + 1),
        hosts=list(last.hosts),
        capacity=said.get("capacity", last.capacity),
        members=0,
        state=GroupState.OPEN,
        self_join=said.get("self_join", last.self_join),
        created_at=clock.now(),
        version=1,
    )
    session.add(group)
    await session.flush()
    emit(session, group, GroupCreated, actor)
    await cards.start(session, group, last.id, template.content.get("card", {}) if template else {})
    if template is not None:
        fields = policy.as_template(said, group.ordinal)
        await note_template(session, group, template.template_id, template.version, fields)
    return group
