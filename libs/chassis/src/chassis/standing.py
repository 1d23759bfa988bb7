"""Communities and memberships as content and engagement know them: a projection of members' events, from which they authorise."""

from __future__ import annotations

from sqlalchemy import text

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import (
    MEMBERSHIP_EVENTS,
    CommunityCreated,
    CommunityEvent,
    CommunityUpdated,
    MembershipEvent,
)

QUERY = """
SELECT json_build_object('zone', community.zone, 'community_state', community.state, 'membership_id', member.membership_id,
    'state', member.state, 'roles', member.roles, 'staff', member.staff)
FROM standing_community AS community
LEFT JOIN standing_member AS member ON member.community_id = community.community_id AND member.account_id = $3
WHERE community.community_id = $2
"""
"""What an account ($3) is in a community ($2): one JSON object, or nothing. members answers the same from its own tables."""

consumers = Consumers("standing")


@consumers.on(CommunityCreated, CommunityUpdated, mode=Mode.LATEST)
async def on_community(session: Session, events: list[Received[CommunityEvent]]) -> None:
    """Keep each community's zone and state."""
    await session.execute(
        text("""
            INSERT INTO standing_community (community_id, organization_id, slug, zone, state)
            VALUES (:community_id, :organization_id, :slug, :zone, :state)
            ON CONFLICT (community_id) DO UPDATE SET slug = EXCLUDED.slug, zone = EXCLUDED.zone, state = EXCLUDED.state
        """),
        [
            {
                "community_id": received.event.community_id,
                "organization_id": received.envelope.organization,
                "slug": received.event.slug,
                "zone": received.event.zone,
                "state": received.event.state,
            }
            for received in events
        ],
    )


@consumers.on(*MEMBERSHIP_EVENTS, mode=Mode.LATEST)
async def on_membership(session: Session, events: list[Received[MembershipEvent]]) -> None:
    """Keep each account's standing in each community."""
    await session.execute(
        text("""
            INSERT INTO standing_member
                (community_id, account_id, organization_id, membership_id, state, roles, staff, bot, joined_at)
            VALUES (:community_id, :account_id, :organization_id, :membership_id, :state, :roles, :staff, :bot, :joined_at)
            ON CONFLICT (community_id, account_id) DO UPDATE SET membership_id = EXCLUDED.membership_id, state = EXCLUDED.state,
                roles = EXCLUDED.roles, staff = EXCLUDED.staff, bot = EXCLUDED.bot, joined_at = EXCLUDED.joined_at
        """),
        [
            {
                "community_id": received.event.community_id,
                "account_id": received.event.account_id,
                "organization_id": received.envelope.organization,
                "membership_id": received.event.membership_id,
                "state": received.event.state,
                "roles": [role.value for role in received.event.roles],
                "staff": received.event.staff,
                "bot": received.event.bot,
                "joined_at": received.event.joined_at,
            }
            for received in events
        ],
    )


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's communities and memberships."""
    await session.execute(text("DELETE FROM standing_member"))
    await session.execute(text("DELETE FROM standing_community"))
