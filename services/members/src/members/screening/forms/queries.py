"""Reading forms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chassis.auth import Standing
from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityRole, CommunityState
from members.revisions import queries as revisions
from members.screening.forms.models import FormVersion
from members.screening.forms.policy import QUESTIONS, Question
from members.screening.forms.schemas import FormOut

_PRIVATE = {"points", "points_per_step", "knock_out", "knock_out_below"}


async def find_current(session: Session, community_id: UUID) -> FormVersion | None:
    """Return the form in force, None while nothing is asked."""
    return await revisions.find_current(session, FormVersion, community_id)


async def get_version(session: Session, community_id: UUID, version: int) -> FormVersion:
    """Return a version of the form. Raises Problem 404."""
    return await revisions.get(session, FormVersion, community_id, version, "form")


async def questions_of(session: Session, community_id: UUID, version: int) -> list[Question]:
    """Return what a version asks; version 0 asks nothing."""
    return questions(await get_version(session, community_id, version)) if version else []


def questions(form: FormVersion | None) -> list[Question]:
    """Return what a form asks."""
    return QUESTIONS.validate_python(form.questions) if form else []


def public(part: Any) -> Any:  # noqa: ANN401  JSON
    """Return questions without what would tell an applicant which answers pay."""
    if isinstance(part, list):
        return [public(item) for item in part]
    if isinstance(part, dict):
        return {name: public(value) for name, value in part.items() if name not in _PRIVATE}
    return part


def out(standing: Standing, form: FormVersion | None) -> FormOut:
    """Return a form as this caller sees it."""
    editable = standing.has() and standing.community_state is not CommunityState.ARCHIVED
    asked = form.questions if form else []
    return FormOut(
        community_id=standing.community_id,
        title=form.title if form else {},
        introduction=form.introduction if form else {},
        questions=asked if standing.has(CommunityRole.MODERATOR) else public(asked),
        version=form.version if form else 0,
        changed_at=form.changed_at if form else None,
        can=["edit"] if editable else [],
    )


async def list_versions(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[FormOut]:
    """Return what the form was, newest first."""
    community_id = standing.community_id
    scope = f"forms:{standing.principal.organization_id}:{community_id}"
    page, following = await revisions.list_versions(
        session, FormVersion, community_id, cursors, scope, limit=limit, cursor=cursor
    )
    return Page[FormOut](data=[out(standing, row) for row in page], next_cursor=following)
