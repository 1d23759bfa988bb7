"""Reading what a community template may set of cards and groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
from members.groups.cards import queries as cards
from members.groups.models import Group
from members.groups.templated.schemas import GroupTemplateContent, GroupTemplateOut

CAN = ["edit", "create_groups", "roll_out"]

PIECES = ("purpose", "rules", "times")

_CURRENT = """
SELECT DISTINCT ON (subject_id) subject_id, content FROM card_revision WHERE community_id = :community_id
ORDER BY subject_id, version DESC
"""


async def card_fields(session: Session, community_id: UUID) -> dict[str, Any]:
    """Return `card/<piece>` → what the community's card says."""
    found = await session.execute(
        text("SELECT content FROM card_revision WHERE subject_id = :id ORDER BY version DESC LIMIT 1"),
        {"id": community_id},
    )
    content: dict[str, Any] = found.scalar_one_or_none() or {}
    return {f"card/{piece}": content[piece] for piece in PIECES if piece in content}


async def group_fields(session: Session, community_id: UUID) -> dict[str, Any]:
    """Return `groups/<key>/<field>` → value, of the groups that were made from a template."""
    rows = await session.execute(
        text(f"""
            SELECT template_key, dimension, name, capacity, self_join, current.content
            FROM community_group LEFT JOIN ({_CURRENT}) AS current ON current.subject_id = community_group.id
            WHERE community_id = :community_id AND template_key IS NOT NULL
        """),
        {"community_id": community_id},
    )
    fields: dict[str, Any] = {}
    for row in rows:
        place = f"groups/{row.template_key}"
        fields |= {f"{place}/{name}": getattr(row, name) for name in ("dimension", "name", "capacity", "self_join")}
        content = row.content or {}
        fields |= {f"{place}/card/{piece}": content[piece] for piece in PIECES if piece in content}
    return fields


async def fields_of(session: Session, group: Group) -> dict[str, Any]:
    """Return field → value of a group that a template can set."""
    card = await cards.find_current(session, group.id)
    said = card.content if card else {}
    fields = {name: getattr(group, name) for name in ("name", "capacity", "self_join")}
    return {
        **fields,
        "dimension": group.dimension.value,
        **{f"card/{piece}": said[piece] for piece in PIECES if piece in said},
    }


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
        next_cursor=cursors.encode(scope, str(page[-1].id)) if len(rows) > limit else None,
    )


async def groups_by_key(session: Session, community_id: UUID) -> dict[str, UUID]:
    """Return template key → group."""
    rows = await session.execute(
        text("SELECT template_key, id FROM community_group WHERE community_id = :id AND template_key IS NOT NULL"),
        {"id": community_id},
    )
    return {row.template_key: row.id for row in rows}
