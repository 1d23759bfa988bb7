"""Reading community templates and the communities that were made from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from contracts.members import CommunityState
from members.communities.templates import policy
from members.communities.templates.models import CommunityTemplate, CommunityTemplateRevision, TemplateApplication
from members.communities.templates.schemas import TemplateOut

CAN = ["edit", "create_community", "roll_out"]


@dataclass(frozen=True)
class Target:
    """A community that was made from a template."""

    id: UUID
    name: dict[str, str]
    description: dict[str, str]
    zone: str
    state: CommunityState
    template_id: UUID | None
    template_version: int
    version: int

    def standing(self, principal: Principal) -> Standing:
        """Return what staff of the organization is in it."""
        return Standing(principal, self.id, self.zone, self.state, None, None, frozenset(), staff=True)


async def get(
    session: Session, template_id: UUID, *, kind: policy.Kind = policy.Kind.COMMUNITY, lock: bool = False
) -> CommunityTemplate:
    """Return a template of a kind. Raises Problem 404."""
    query = select(CommunityTemplate).where(
        col(CommunityTemplate.id) == template_id, col(CommunityTemplate.kind) == kind
    )
    found = await session.execute(query.with_for_update() if lock else query)
    template = found.scalar_one_or_none()
    if template is None:
        raise not_found("template")
    return template


async def get_revision(session: Session, template_id: UUID, version: int | None) -> CommunityTemplateRevision:
    """Return what a template said in a version, the newest when none is named. Raises Problem 404."""
    query = select(CommunityTemplateRevision).where(col(CommunityTemplateRevision.template_id) == template_id)
    if version is not None:
        query = query.where(col(CommunityTemplateRevision.version) == version)
    found = await session.execute(query.order_by(col(CommunityTemplateRevision.version).desc()).limit(1))
    revision = found.scalar_one_or_none()
    if revision is None:
        raise not_found("template" if version is None else "version of the template")
    return revision


async def _counts(session: Session, templates: Collection[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        text("""
            SELECT template_id, count(*) AS communities FROM community
            WHERE template_id = ANY(CAST(:ids AS uuid[])) GROUP BY template_id
        """),
        {"ids": list(templates)},
    )
    return {row.template_id: row.communities for row in rows}


async def out(session: Session, template: CommunityTemplate) -> TemplateOut:
    """Return a template as staff sees it."""
    counts = await _counts(session, [template.id])
    return _out(template, counts)


def _out(template: CommunityTemplate, counts: Mapping[UUID, int]) -> TemplateOut:
    return TemplateOut.model_validate({**template.model_dump(), "communities": counts.get(template.id, 0), "can": CAN})


async def out_revision(session: Session, template: CommunityTemplate, version: int) -> TemplateOut:
    """Return what a template said in a version. Raises Problem 404."""
    revision = await get_revision(session, template.id, version)
    now = await out(session, template)
    return now.model_copy(update={"title": revision.title, "content": revision.content, "version": revision.version})


async def list_rows(session: Session, kind: policy.Kind, after: UUID | None, limit: int) -> list[CommunityTemplate]:
    """Return the organization's templates of a kind, oldest first, behind `after`."""
    query = select(CommunityTemplate).where(col(CommunityTemplate.kind) == kind)
    if after is not None:
        query = query.where(col(CommunityTemplate.id) > after)
    return list((await session.execute(query.order_by(col(CommunityTemplate.id)).limit(limit))).scalars())


async def list_page(
    session: Session, principal: Principal, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[TemplateOut]:
    """Return the organization's templates, oldest first."""
    scope = f"community-templates:{principal.organization_id}"
    after = cursors.decode(scope, cursor)
    rows = await list_rows(session, policy.Kind.COMMUNITY, UUID(after[0]) if after else None, limit + 1)
    page = rows[:limit]
    counts = await _counts(session, [row.id for row in page])
    return Page[TemplateOut](
        data=[_out(row, counts) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row.id),
    )


_TARGET = "SELECT id, name, description, zone, state, template_id, template_version, version FROM community"


def _target(row: Any) -> Target:  # noqa: ANN401  a row
    return Target(**{**row, "state": CommunityState(row["state"]), "template_version": row["template_version"] or 0})


async def list_targets(session: Session, template_id: UUID, *, after: UUID | None, limit: int) -> list[Target]:
    """Return communities that were made from a template, oldest first, behind `after`."""
    rows = await session.execute(
        text(f"""
            {_TARGET} WHERE template_id = :template_id AND (CAST(:after AS uuid) IS NULL OR id > :after) ORDER BY id LIMIT :limit
        """),
        {"template_id": template_id, "after": after, "limit": limit},
    )
    return [_target(row) for row in rows.mappings()]


async def lock_target(session: Session, community_id: UUID) -> Target | None:
    """Return a community with its row locked, so that nobody edits what is compared."""
    rows = await session.execute(text(f"{_TARGET} WHERE id = :id FOR UPDATE"), {"id": community_id})
    row = rows.mappings().one_or_none()
    return None if row is None else _target(row)


async def applied(session: Session, community_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return community → what a template last set in it."""
    found = await session.execute(
        select(col(TemplateApplication.community_id), col(TemplateApplication.fields)).where(
            col(TemplateApplication.community_id).in_(community_ids)
        )
    )
    return {row.community_id: row.fields for row in found}
