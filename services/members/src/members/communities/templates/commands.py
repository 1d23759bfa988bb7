"""Writing community templates, making communities from them, and rolling changes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.pagination import Cursors
from chassis.requests import check_version
from chassis.schemas import Input, Page
from chassis.tokens import Principal
from contracts.members import CommunityState
from members.communities import commands as communities
from members.communities.charter import commands as charters
from members.communities.charter import queries as charter_queries
from members.communities.charter.schemas import CharterWrite
from members.communities.models import Community
from members.communities.schemas import CommunityCreate, CommunityUpdate
from members.communities.templates import policy, queries
from members.communities.templates.models import CommunityTemplate, CommunityTemplateRevision, TemplateApplication
from members.communities.templates.policy import Action, Change, Kind, Outcome
from members.communities.templates.queries import Target
from members.communities.templates.schemas import (
    MOST_TARGETS,
    CommunityFromTemplate,
    FieldChange,
    RolloutCreate,
    RolloutResult,
    TemplateCreate,
    TemplatePreview,
    TemplateUpdate,
)


@dataclass(frozen=True)
class Part:
    """What of a community a template can set: its fields under a prefix, how those of many are read and how one's are set."""

    prefix: str
    read: Callable[[Session, Collection[UUID]], Awaitable[Mapping[UUID, dict[str, Any]]]]
    write: Callable[[Session, Standing, dict[str, Any]], Awaitable[None]]


async def _descriptions(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await session.execute(
        text("SELECT id, description FROM community WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": list(community_ids)}
    )
    return {row.id: {"description": row.description} for row in found}


async def _set_description(session: Session, standing: Standing, changes: dict[str, Any]) -> None:
    found = await session.execute(text("SELECT version FROM community WHERE id = :id"), {"id": standing.community_id})
    await communities.update(session, standing, found.scalar_one(), CommunityUpdate.model_validate(changes))


async def _charters(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await charter_queries.contents(session, community_ids)
    return {one: {f"charter/{piece}": value for piece, value in said.items()} for one, said in found.items()}


async def _set_charter(session: Session, standing: Standing, changes: dict[str, Any]) -> None:
    before = await charter_queries.find_current(session, standing.community_id)
    body = CharterWrite.model_validate({field.partition("/")[2]: value for field, value in changes.items()})
    await charters.write(session, standing, before.version if before else 0, body)


PARTS: list[Part] = [Part("description", _descriptions, _set_description), Part("charter", _charters, _set_charter)]
"""What templates can set; a noun that has more to set appends its own where the service is composed."""


def content_of(body: Input) -> dict[str, Any]:
    """Return what a template says as it is kept."""
    return body.model_dump(mode="json", exclude_none=True)


def _keep_revision(session: Session, template: CommunityTemplate, actor: UUID) -> None:
    session.add(
        CommunityTemplateRevision(
            template_id=template.id,
            version=template.version,
            organization_id=template.organization_id,
            title=template.title,
            content=template.content,
            changed_by=actor,
            changed_at=clock.now(),
        )
    )


async def create(session: Session, principal: Principal, body: TemplateCreate) -> CommunityTemplate:
    """Make a template of communities."""
    return await keep(session, principal, Kind.COMMUNITY, body.title, content_of(body.content))


async def keep(
    session: Session, principal: Principal, kind: Kind, title: dict[str, str], content: dict[str, Any]
) -> CommunityTemplate:
    """Make a template of a kind, in its first version."""
    template = CommunityTemplate(
        id=new_id(),
        organization_id=principal.organization_id,
        kind=kind,
        title=title,
        content=content,
        created_at=clock.now(),
        version=1,
    )
    session.add(template)
    await session.flush()
    _keep_revision(session, template, principal.account_id)
    return template


async def update(
    session: Session, principal: Principal, template_id: UUID, expected: int, body: TemplateUpdate
) -> CommunityTemplate:
    """Write a new version; communities stay as they are. Raises Problem 404, 412, 422 for a group that changes its dimension."""
    template = await queries.get(session, template_id, lock=True)
    check_version(expected, template.version)
    content = template.content if body.content is None else content_of(body.content)
    before = {group["key"]: group["dimension"] for group in template.content.get("groups", [])}
    for place, group in enumerate(content.get("groups", [])):
        if before.get(group["key"], group["dimension"]) != group["dimension"]:
            raise invalid(
                f"/content/groups/{place}/dimension",
                "dimension-fixed",
                "A group along another dimension has another key.",
            )
    return revise(session, principal, template, body.title or template.title, content)


def revise(
    session: Session, principal: Principal, template: CommunityTemplate, title: dict[str, str], content: dict[str, Any]
) -> CommunityTemplate:
    """Write a new version of a template whose row is locked; none when nothing is new."""
    if (title, content) == (template.title, template.content):
        return template
    template.title, template.content = title, content
    template.version += 1
    _keep_revision(session, template, principal.account_id)
    return template


async def _current(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return community → its fields that a template can set."""
    current: dict[UUID, dict[str, Any]] = {one: {} for one in community_ids}
    for part in PARTS:
        for one, fields in (await part.read(session, community_ids)).items():
            current[one] |= fields
    return current


async def _set(session: Session, standing: Standing, changes: list[Change]) -> None:
    wanted = {change.field: change.after for change in changes if change.action is Action.CHANGE}
    for part in PARTS:
        mine = {field: value for field, value in wanted.items() if field.partition("/")[0] == part.prefix}
        if mine:
            await part.write(session, standing, mine)


async def _note(session: Session, target: Target, revision: CommunityTemplateRevision, fields: dict[str, Any]) -> None:
    """Keep which version a community has, and what the template set in it."""
    await session.execute(
        text("UPDATE community SET template_id = :template_id, template_version = :version WHERE id = :id"),
        {"template_id": revision.template_id, "version": revision.version, "id": target.id},
    )
    await session.merge(
        TemplateApplication(
            community_id=target.id,
            organization_id=revision.organization_id,
            fields=fields,
            applied_at=clock.now(),
        )
    )
    await session.flush()


async def create_community(
    session: Session, principal: Principal, template_id: UUID, body: CommunityFromTemplate
) -> Community:
    """Make a community as a template says, as a draft. Raises Problem 404, 409 when its slug is taken."""
    await queries.get(session, template_id)
    revision = await queries.get_revision(session, template_id, body.version)
    community = await communities.create(
        session, principal, CommunityCreate(name=body.name, slug=body.slug, zone=body.zone)
    )
    template = policy.flatten(revision.content)
    changes = policy.compare(template, {}, {})
    target = await queries.lock_target(session, community.id)
    if target is None:
        raise Problem(409, "community-changed", "The community changed just now: try again.")
    await _set(session, target.standing(principal), changes)
    await _note(session, target, revision, policy.applied_after(template, {}, changes))
    return community


def told(changes: list[Change]) -> list[FieldChange]:
    """Return changes as they are shown."""
    return [FieldChange.model_validate(change) for change in changes]


def would_be(state: CommunityState, changes: list[Change]) -> Outcome:
    """Return what a preview says of a rollout in a community in this state."""
    return Outcome.FAILED if state is CommunityState.ARCHIVED else policy.outcome(changes)


async def preview(
    session: Session,
    principal: Principal,
    cursors: Cursors,
    template_id: UUID,
    *,
    version: int | None,
    limit: int,
    cursor: str | None,
) -> Page[TemplatePreview]:
    """Return what a rollout would do, community by community. Raises Problem 404."""
    await queries.get(session, template_id)
    revision = await queries.get_revision(session, template_id, version)
    scope = f"template-preview:{principal.organization_id}:{template_id}:{version}"
    after = cursors.decode(scope, cursor)
    found = await queries.list_targets(session, template_id, after=UUID(after[0]) if after else None, limit=limit + 1)
    template = policy.flatten(revision.content)
    page = found[:limit]
    applied = await queries.applied(session, [target.id for target in page])
    current = await _current(session, [target.id for target in page])
    shown = []
    for target in page:
        changes = policy.compare(template, applied.get(target.id, {}), current[target.id])
        shown.append(
            TemplatePreview(
                community_id=target.id,
                name=target.name,
                state=target.state,
                template_version=target.template_version,
                outcome=would_be(target.state, changes),
                changes=told(changes),
            )
        )
    return Page[TemplatePreview](
        data=shown,
        next_cursor=cursors.following(scope, found, limit, lambda target: target.id),
    )


async def roll_out(
    session: Session, principal: Principal, template_id: UUID, body: RolloutCreate
) -> list[RolloutResult]:
    """Set a version in communities of the template, each by itself: what fails in one is told and does not hold up the others.

    Raises Problem 404, 409 when all are meant and they are too many.
    """
    await queries.get(session, template_id)
    revision = await queries.get_revision(session, template_id, body.version)
    found = []
    if body.targets is None:
        found = await queries.list_targets(session, template_id, after=None, limit=MOST_TARGETS + 1)
    # In one order for everybody, so that two rollouts at once cannot wait for each other in a circle.
    return [
        RolloutResult(
            community_id=one,
            **await attempt(session, _apply(session, principal, revision, one, force=body.force)),
        )
        for one in sorted(meant(body.targets, [target.id for target in found]))
    ]


def meant(named: Collection[UUID] | None, found: Collection[UUID]) -> set[UUID]:
    """Return what a rollout is for: what is named, else all that was found. Raises Problem 409 when those are too many."""
    if named is None and len(found) > MOST_TARGETS:
        raise Problem(409, "too-many-targets", f"Name up to {MOST_TARGETS} targets at a time; the preview lists them.")
    return set(found if named is None else named)


async def attempt(session: Session, change: Awaitable[list[Change]]) -> dict[str, Any]:
    """Roll out to one target; return what results tell of it. What fails leaves nothing behind and does not hold up the others."""
    try:
        async with outbox.savepoint(session):
            changes = await change
    except Problem as problem:
        return {"outcome": Outcome.FAILED, "code": problem.code, "detail": problem.detail, "changes": []}
    return {"outcome": policy.outcome(changes), "code": None, "detail": None, "changes": told(changes)}


async def _apply(
    session: Session,
    principal: Principal,
    revision: CommunityTemplateRevision,
    community_id: UUID,
    *,
    force: bool,
) -> list[Change]:
    target = await queries.lock_target(session, community_id)
    if target is None or target.template_id != revision.template_id:
        raise Problem(409, "not-of-template", "The community was not made from this template.")
    if target.state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community does not change.")
    applied = (await queries.applied(session, [community_id])).get(community_id, {})
    current = await _current(session, [community_id])
    template = policy.flatten(revision.content)
    changes = policy.compare(template, applied, current[community_id], force=force)
    await _set(session, target.standing(principal), changes)
    await _note(session, target, revision, policy.applied_after(template, applied, changes))
    return changes
