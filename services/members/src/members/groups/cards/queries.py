"""Reading cards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.auth import Standing
from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.communities import queries as communities
from members.groups import queries as groups
from members.groups.cards.models import CardRevision
from members.groups.cards.schemas import CardOut
from members.groups.models import Group
from members.memberships.schemas import MemberCard
from members.revisions import queries as revisions


async def find_current(session: Session, subject_id: UUID) -> CardRevision | None:
    """Return what a card says, None before anything was written."""
    return await revisions.find_current(session, CardRevision, subject_id)


async def _managers(session: Session, community_id: UUID) -> list[MemberCard]:
    rows = await session.execute(
        text("""
            SELECT account.id, account.display_name, account.avatar_url
            FROM membership JOIN account ON account.id = membership.account_id
            WHERE membership.community_id = :community_id AND membership.state = 'approved' AND 'manager' = ANY(membership.roles)
            ORDER BY membership.id LIMIT 20
        """),
        {"community_id": community_id},
    )
    return [MemberCard.model_validate(row) for row in rows]


async def _head(session: Session, standing: Standing, group: Group | None) -> dict[str, Any]:
    """Return what a card says of itself: of whom, by whom, and what the caller may do."""
    living = standing.community_state is not CommunityState.ARCHIVED
    if group is None:
        community = await communities.get(session, standing.community_id)
        name, hosts, writes = community.name, await _managers(session, standing.community_id), standing.has()
    else:
        cards = await groups.cards_of(session, group.hosts)
        name, hosts = group.name, [cards[host] for host in group.hosts if host in cards]
        writes = groups.leads(standing, group)
    return {
        "community_id": standing.community_id,
        "group_id": group.id if group else None,
        "name": name,
        "hosts": hosts,
        "can": ["write_card"] if writes and living else [],
    }


def _said(revision: CardRevision | None) -> dict[str, Any]:
    content = revision.content if revision else {}
    return {
        "purpose": content.get("purpose", {}),
        "rules": content.get("rules", []),
        "times": content.get("times", {}),
        "version": revision.version if revision else 0,
        "changed_at": revision.changed_at if revision else None,
    }


async def out(session: Session, standing: Standing, group: Group | None, revision: CardRevision | None) -> CardOut:
    """Return a card as this caller sees it."""
    return CardOut.model_validate({**await _head(session, standing, group), **_said(revision)})


async def list_revisions(
    session: Session, standing: Standing, cursors: Cursors, group: Group | None, *, limit: int, cursor: str | None
) -> Page[CardOut]:
    """Return what a card said, newest first."""
    subject = group.id if group else standing.community_id
    scope = f"card:{standing.principal.organization_id}:{subject}"
    page, following = await revisions.list_versions(
        session, CardRevision, subject, cursors, scope, limit=limit, cursor=cursor
    )
    head = await _head(session, standing, group)
    return Page[CardOut](data=[CardOut.model_validate({**head, **_said(row)}) for row in page], next_cursor=following)
