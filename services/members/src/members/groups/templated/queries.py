"""Reading what a community template may set of cards and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from contracts.members import CommunityState
from members.communities.templates import queries as templates
from members.communities.templates.models import CommunityTemplate
from members.communities.templates.policy import Kind
from members.groups.templated.schemas import GroupTemplateContent, GroupTemplateOut

CAN = ["edit", "create_groups", "roll_out"]

OWN = ("dimension", "name", "capacity", "self_join")
PIECES = ("purpose", "rules", "times")

_GROUPS = """
SELECT id, community_id, template_key, ordinal, dimension, name, capacity, self_join, current.content
FROM community_group LEFT JOIN LATERAL (
    SELECT content FROM card_revision WHERE subject_id = community_group.id ORDER BY version DESC LIMIT 1
) AS current ON true
"""


async def card_fields(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return community → `card/<piece>` → what the community's card says."""
    found = await session.execute(
        text("""
            SELECT DISTINCT ON (subject_id) subject_id, content FROM card_revision
            WHERE subject_id = ANY(CAST(:ids AS uuid[])) ORDER BY subject_id, version DESC
        """),
        {"ids": list(community_ids)},
    )
    return {row.subject_id: _card(row.content) for row in found}


def _card(content: Mapping[str, Any] | None) -> dict[str, Any]:
    said = content or {}
    return {f"card/{piece}": said[piece] for piece in PIECES if piece in said}


def _fields(row: Any) -> dict[str, Any]:  # noqa: ANN401  a row
    return {name: getattr(row, name) for name in OWN} | _card(row.content)


async def group_fields(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return community → `groups/<key>/<field>` → value, of the groups that its template made."""
    rows = await session.execute(
        text(f"{_GROUPS} WHERE community_id = ANY(CAST(:ids AS uuid[])) AND template_key IS NOT NULL"),
        {"ids": list(community_ids)},
    )
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        fields = {f"groups/{row.template_key}/{name}": value for name, value in _fields(row).items()}
        found.setdefault(row.community_id, {}).update(fields)
    return found


@dataclass(frozen=True)
class Current:
    """A group as it is: its place in its series, its name, and field → value of what a template can set."""

    ordinal: int
    name: dict[str, str]
    fields: dict[str, Any]


async def currents(session: Session, group_ids: Collection[UUID]) -> dict[UUID, Current]:
    """Return group → what it is."""
    rows = await session.execute(text(f"{_GROUPS} WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": list(group_ids)})
    return {row.id: Current(row.ordinal, row.name, _fields(row)) for row in rows}


@dataclass(frozen=True)
class Target:
    """A group that was made from a template: what the template last set in it, and where it stands."""

    group_id: UUID
    community_id: UUID
    community_name: dict[str, str]
    state: CommunityState
    template_id: UUID
    template_version: int
    fields: dict[str, Any]


_TARGET = """
SELECT given.group_id, given.community_id, community.name AS community_name, community.state, given.template_id,
    given.template_version, given.fields
FROM group_template_application AS given JOIN community ON community.id = given.community_id
"""


def _target(row: Any) -> Target:  # noqa: ANN401  a row
    return Target(**{**row, "state": CommunityState(row["state"])})


async def list_targets(session: Session, template_id: UUID, *, after: UUID | None, limit: int) -> list[Target]:
    """Return groups that were made from a template, oldest first, behind `after`."""
    rows = await session.execute(
        text(f"""
            {_TARGET} WHERE given.template_id = :template_id AND (CAST(:after AS uuid) IS NULL OR given.group_id > :after)
            ORDER BY given.group_id LIMIT :limit
        """),
        {"template_id": template_id, "after": after, "limit": limit},
    )
    return [_target(row) for row in rows.mappings()]


async def find_target(session: Session, group_id: UUID) -> Target | None:
    """Return what a template last set in a group, None for a group of its own."""
    rows = await session.execute(text(f"{_TARGET} WHERE given.group_id = :group_id"), {"group_id": group_id})
    row = rows.mappings().one_or_none()
    return None if row is None else _target(row)


async def communities_of(session: Session, group_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return group → its community."""
    rows = await session.execute(
        text("SELECT id, community_id FROM community_group WHERE id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": list(group_ids)},
    )
    return {row.id: row.community_id for row in rows}


async def _counts(session: Session, templates: Collection[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        text("""
            SELECT template_id, count(*) AS made FROM group_template_application
            WHERE template_id = ANY(CAST(:ids AS uuid[])) GROUP BY template_id
        """),
        {"ids": list(templates)},
    )
    return {row.template_id: row.made for row in rows}


async def outs(session: Session, rows: Sequence[CommunityTemplate]) -> list[GroupTemplateOut]:
    """Return templates of groups as staff sees them."""
    counts = await _counts(session, [row.id for row in rows])
    return [
        GroupTemplateOut.model_validate({**row.model_dump(), "groups": counts.get(row.id, 0), "can": CAN})
        for row in rows
    ]


async def out(session: Session, template: CommunityTemplate) -> GroupTemplateOut:
    """Return a template of groups as staff sees it."""
    return (await outs(session, [template]))[0]


async def out_revision(session: Session, template: CommunityTemplate, version: int) -> GroupTemplateOut:
    """Return what a template said in a version. Raises Problem 404."""
    revision = await templates.get_revision(session, template.id, version)
    now = await out(session, template)
    content = GroupTemplateContent.model_validate(revision.content)
    return now.model_copy(update={"title": revision.title, "content": content, "version": revision.version})


async def list_page(
    session: Session, principal: Principal, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[GroupTemplateOut]:
    """Return the organization's templates of groups, oldest first."""
    scope = f"group-templates:{principal.organization_id}"
    after = cursors.decode(scope, cursor)
    rows = await templates.list_rows(session, Kind.GROUP, UUID(after[0]) if after else None, limit + 1)
    page = rows[:limit]
    return Page[GroupTemplateOut](
        data=await outs(session, page),
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )


async def groups_by_key(session: Session, community_id: UUID) -> dict[str, UUID]:
    """Return template key → group."""
    rows = await session.execute(
        text("SELECT template_key, id FROM community_group WHERE community_id = :id AND template_key IS NOT NULL"),
        {"id": community_id},
    )
    return {row.template_key: row.id for row in rows}
