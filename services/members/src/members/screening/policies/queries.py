"""Reading screening policies."""

from __future__ import annotations

from uuid import UUID

from pydantic import TypeAdapter

from chassis.auth import Standing
from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.communities.readiness.policy import Missing
from members.revisions import queries as revisions
from members.screening.policies.models import ScreeningPolicy
from members.screening.policies.policy import DEFAULT_HOURS, Mode, TagRule, Terms
from members.screening.policies.schemas import ScreeningPolicyOut

_TAG_RULES: TypeAdapter[list[TagRule]] = TypeAdapter(list[TagRule])


async def find_current(session: Session, community_id: UUID) -> ScreeningPolicy | None:
    """Return the policy in force, None before one was written."""
    return await revisions.find_current(session, ScreeningPolicy, community_id)


async def get_version(session: Session, community_id: UUID, version: int) -> ScreeningPolicy:
    """Return a version of the policy. Raises Problem 404."""
    return await revisions.get(session, ScreeningPolicy, community_id, version, "screening policy")


async def terms_at(session: Session, community_id: UUID, version: int) -> Terms:
    """Return the terms of a version; version 0 leaves all to reviewers."""
    return terms(await get_version(session, community_id, version) if version else None)


def terms(row: ScreeningPolicy | None) -> Terms:
    """Return a policy's terms."""
    return Terms(Mode(row.mode), row.approve_at, row.reject_below) if row else Terms(Mode.REVIEW, None, None)


def tag_rules(row: ScreeningPolicy | None) -> list[TagRule]:
    """Return a policy's rules for tags."""
    return _TAG_RULES.validate_python(row.tag_rules) if row else []


def hours(row: ScreeningPolicy | None) -> int:
    """Return how long reviewers have."""
    return row.decide_within_hours if row else DEFAULT_HOURS


def out(standing: Standing, row: ScreeningPolicy | None) -> ScreeningPolicyOut:
    """Return a policy as this caller sees it."""
    editable = standing.has() and standing.community_state is not CommunityState.ARCHIVED
    return ScreeningPolicyOut(
        community_id=standing.community_id,
        mode=terms(row).mode,
        approve_at=row.approve_at if row else None,
        reject_below=row.reject_below if row else None,
        decide_within_hours=hours(row),
        reapply_after_days=row.reapply_after_days if row else 0,
        tag_rules=row.tag_rules if row else [],
        version=row.version if row else 0,
        changed_at=row.changed_at if row else None,
        can=["edit"] if editable else [],
    )


async def list_versions(
    session: Session, standing: Standing, cursors: Cursors, *, limit: int, cursor: str | None
) -> Page[ScreeningPolicyOut]:
    """Return what the policy was, newest first."""
    community_id = standing.community_id
    scope = f"screening-policies:{standing.principal.organization_id}:{community_id}"
    page, following = await revisions.list_versions(
        session, ScreeningPolicy, community_id, cursors, scope, limit=limit, cursor=cursor
    )
    return Page[ScreeningPolicyOut](data=[out(standing, row) for row in page], next_cursor=following)


async def policy_missing(session: Session, community_id: UUID) -> list[Missing]:
    """Return what is missing as long as nobody said how the community decides; for the launch gate."""
    if await find_current(session, community_id) is not None:
        return []
    words = "There is no screening policy: who is let in, and who decides?"
    return [Missing("screening-policy", words, "PUT", f"/v1/communities/{community_id}/screening-policy")]
