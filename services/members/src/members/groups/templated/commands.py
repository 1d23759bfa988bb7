"""Setting cards and groups as templates say: those of communities, and those of groups that stand alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis import outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.pagination import Cursors
from chassis.requests import check_version
from chassis.schemas import Page
from chassis.tokens import Principal
from contracts.members import CommunityState
from members.communities.templates import commands as templates
from members.communities.templates import policy
from members.communities.templates import queries as template_queries
from members.communities.templates.commands import Part
from members.communities.templates.models import CommunityTemplate, CommunityTemplateRevision
from members.communities.templates.policy import Action, Change, Kind
from members.communities.templates.schemas import MOST_TARGETS
from members.groups import commands as groups
from members.groups import policy as seating
from members.groups import queries as group_queries
from members.groups.cards import commands as cards
from members.groups.cards.schemas import CardWrite
from members.groups.models import Group
from members.groups.schemas import GroupCreate, GroupUpdate
from members.groups.templated import queries
from members.groups.templated.schemas import (
    GroupMade,
    GroupRolloutCreate,
    GroupRolloutResult,
    GroupsFromTemplate,
    GroupTemplateCreate,
    GroupTemplatePreview,
    GroupTemplateUpdate,
)


async def _write_card(
    session: Session, principal: Principal, community_id: UUID, group_id: UUID | None, content: dict[str, Any]
) -> None:
    await cards.write(
        session,
        organization_id=principal.organization_id,
        community_id=community_id,
        group_id=group_id,
        actor=principal.account_id,
        body=CardWrite.model_validate(content),
    )


def _split(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of a group itself, and those of its card."""
    own = {field: value for field, value in fields.items() if not field.startswith("card/")}
    said = {field.partition("/")[2]: value for field, value in fields.items() if field.startswith("card/")}
    return own, said


async def _make(
    session: Session, principal: Principal, community_id: UUID, fields: Mapping[str, Any], *, key: str | None = None
) -> Group:
    """Make a group with these fields, and its card. Raises Problem 404, 409."""
    own, said = _split(fields)
    group = await groups.create(
        session,
        organization_id=principal.organization_id,
        community_id=community_id,
        actor=principal.account_id,
        body=GroupCreate.model_validate(own),
        template_key=key,
    )
    if said:
        await _write_card(session, principal, community_id, group.id, said)
    return group


async def _change(
    session: Session, principal: Principal, community_id: UUID, group_id: UUID, fields: Mapping[str, Any]
) -> None:
    """Set these fields of a group and of its card. Raises Problem 404, 409."""
    own, said = _split(fields)
    if "dimension" in own:
        raise Problem(409, "dimension-fixed", "The group is along another dimension, which does not change.")
    if own:
        await groups.update(session, community_id, group_id, principal.account_id, GroupUpdate.model_validate(own))
    if said:
        await _write_card(session, principal, community_id, group_id, said)


async def set_card(session: Session, standing: Standing, changes: dict[str, Any]) -> None:
    """Set pieces of the community's card. Raises Problem 409."""
    await _write_card(
        session,
        standing.principal,
        standing.community_id,
        None,
        {field.partition("/")[2]: value for field, value in changes.items()},
    )


async def set_groups(session: Session, standing: Standing, changes: dict[str, Any]) -> None:
    """Make the groups that are not there yet, and change those that are. Raises Problem 409."""
    by_key: dict[str, dict[str, Any]] = {}
    for field, value in changes.items():
        _, key, rest = field.split("/", 2)
        by_key.setdefault(key, {})[rest] = value
    known = await queries.groups_by_key(session, standing.community_id)
    for key, fields in by_key.items():
        if key in known:
            await _change(session, standing.principal, standing.community_id, known[key], fields)
        else:
            await _make(session, standing.principal, standing.community_id, fields, key=key)


PARTS = [Part("card", queries.card_fields, set_card), Part("groups", queries.group_fields, set_groups)]
"""What a community template can set of this noun."""


async def create(session: Session, principal: Principal, body: GroupTemplateCreate) -> CommunityTemplate:
    """Make a template of groups."""
    return await templates.keep(session, principal, Kind.GROUP, body.title, templates.content_of(body.content))


async def update(
    session: Session, principal: Principal, template_id: UUID, expected: int, body: GroupTemplateUpdate
) -> CommunityTemplate:
    """Write a new version; groups stay as they are. Raises Problem 404, 412, 422 for another dimension."""
    template = await template_queries.get(session, template_id, kind=Kind.GROUP, lock=True)
    check_version(expected, template.version)
    content = template.content if body.content is None else templates.content_of(body.content)
    if content["dimension"] != template.content["dimension"]:
        raise invalid("/content/dimension", "dimension-fixed", "Groups along another dimension have another template.")
    return templates.revise(session, principal, template, body.title or template.title, content)


async def create_groups(
    session: Session, principal: Principal, template_id: UUID, body: GroupsFromTemplate
) -> tuple[int, list[GroupMade]]:
    """Make a group in each community; what fails in one does not hold up the others. Return the version, and what became of each.

    Raises Problem 404.
    """
    await template_queries.get(session, template_id, kind=Kind.GROUP)
    revision = await template_queries.get_revision(session, template_id, body.version)
    wanted = list(dict.fromkeys(body.communities))
    # In one order for everybody, so that two calls at once cannot wait for each other in a circle.
    made = {one: await _create_in(session, principal, revision, one) for one in sorted(wanted)}
    return revision.version, [made[one] for one in wanted]


async def _create_in(
    session: Session, principal: Principal, revision: CommunityTemplateRevision, community_id: UUID
) -> GroupMade:
    fields = policy.flatten_group(revision.content)
    try:
        async with outbox.savepoint(session):
            group = await _make(session, principal, community_id, fields)
            await groups.note_template(session, group, revision.template_id, revision.version, fields)
    except Problem as problem:
        return GroupMade(
            community_id=community_id, outcome="failed", group_id=None, code=problem.code, detail=problem.detail
        )
    return GroupMade(community_id=community_id, outcome="created", group_id=group.id, code=None, detail=None)


def _compare(
    revision: CommunityTemplateRevision, target: queries.Target, current: queries.Current, *, force: bool = False
) -> tuple[dict[str, Any], list[Change]]:
    """Return what the template says of this group, and where the group differs."""
    template = seating.as_template(policy.flatten_group(revision.content), current.ordinal)
    return template, policy.compare(template, target.fields, current.fields, force=force)


async def preview(
    session: Session,
    principal: Principal,
    cursors: Cursors,
    template_id: UUID,
    *,
    version: int | None,
    limit: int,
    cursor: str | None,
) -> Page[GroupTemplatePreview]:
    """Return what a rollout would do, group by group. Raises Problem 404."""
    await template_queries.get(session, template_id, kind=Kind.GROUP)
    revision = await template_queries.get_revision(session, template_id, version)
    scope = f"group-template-preview:{principal.organization_id}:{template_id}:{version}"
    after = cursors.decode(scope, cursor)
    found = await queries.list_targets(session, template_id, after=UUID(after[0]) if after else None, limit=limit + 1)
    page = found[:limit]
    currents = await queries.currents(session, [target.group_id for target in page])
    shown = []
    for target in page:
        current = currents[target.group_id]
        _, changes = _compare(revision, target, current)
        shown.append(
            GroupTemplatePreview(
                group_id=target.group_id,
                community_id=target.community_id,
                community_name=target.community_name,
                name=current.name,
                state=target.state,
                template_version=target.template_version,
                outcome=templates.would_be(target.state, changes),
                changes=templates.told(changes),
            )
        )
    return Page[GroupTemplatePreview](
        data=shown,
        next_cursor=cursors.following(scope, found, limit, lambda target: target.group_id),
    )


async def roll_out(
    session: Session, principal: Principal, template_id: UUID, body: GroupRolloutCreate
) -> list[GroupRolloutResult]:
    """Set a version in groups of the template, each by itself: what fails in one is told and does not hold up the others.

    Raises Problem 404, 409 when all are meant and they are too many.
    """
    await template_queries.get(session, template_id, kind=Kind.GROUP)
    revision = await template_queries.get_revision(session, template_id, body.version)
    found = []
    if body.targets is None:
        found = await queries.list_targets(session, template_id, after=None, limit=MOST_TARGETS + 1)
    wanted = templates.meant(body.targets, [target.group_id for target in found])
    places = await queries.communities_of(session, wanted)
    # Community by community, in one order for everybody: nobody waits in a circle.
    return [
        GroupRolloutResult(
            group_id=one,
            community_id=places.get(one),
            **await templates.attempt(
                session, _apply(session, principal, revision, places.get(one), one, force=body.force)
            ),
        )
        for one in sorted(wanted, key=lambda group: (str(places.get(group, "")), group))
    ]


async def _apply(
    session: Session,
    principal: Principal,
    revision: CommunityTemplateRevision,
    community_id: UUID | None,
    group_id: UUID,
    *,
    force: bool,
) -> list[Change]:
    foreign = Problem(409, "not-of-template", "The group was not made from this template.")
    if community_id is None:
        raise foreign
    if await group_queries.lock_community(session, community_id, alone=True) is CommunityState.ARCHIVED:
        raise groups.archived()
    group = await group_queries.get_for_update(session, community_id, group_id)
    target = await queries.find_target(session, group_id)
    if target is None or target.template_id != revision.template_id:
        raise foreign
    current = (await queries.currents(session, [group_id]))[group_id]
    template, changes = _compare(revision, target, current, force=force)
    await _change(
        session,
        principal,
        community_id,
        group_id,
        {change.field: change.after for change in changes if change.action is Action.CHANGE},
    )
    applied = policy.applied_after(template, target.fields, changes)
    await groups.note_template(session, group, revision.template_id, revision.version, applied)
    return changes
