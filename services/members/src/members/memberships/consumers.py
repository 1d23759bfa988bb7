"""What memberships learn from accounts."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import AccountMerged, OrganizationRoleChanged
from members.memberships import commands
from members.memberships.notes import commands as notes
from members.memberships.owners import commands as owners
from members.memberships.tags import commands as tags

consumers = Consumers("memberships")


@consumers.on(OrganizationRoleChanged, mode=Mode.EACH)
async def on_organization_role(session: Session, events: list[Received[OrganizationRoleChanged]]) -> None:
    """Mark the memberships of the brand's own people."""
    newest = {
        received.event.account_id: received for received in sorted(events, key=lambda r: r.envelope.aggregateversion)
    }
    for account_id, received in newest.items():
        await commands.mark_staff(session, account_id, staff=received.event.role is not None)


@consumers.on(AccountMerged, mode=Mode.EACH)
async def on_merge(session: Session, events: list[Received[AccountMerged]]) -> None:
    """Hand a merged account's memberships over, with what staff keep on them."""
    for received in events:
        await commands.hand_over(session, received.event.merged_account_id, received.event.account_id)
        await session.flush()
        await tags.hand_over(session, received.event.merged_account_id, received.event.account_id)
        await notes.hand_over(session, received.event.merged_account_id, received.event.account_id)
        await owners.hand_over(session, received.event.merged_account_id, received.event.account_id)
