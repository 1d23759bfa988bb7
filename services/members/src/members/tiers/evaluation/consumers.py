"""What may give or take a tier, facts apart: standing."""

from __future__ import annotations

from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from contracts.members import MEMBERSHIP_EVENTS, MembershipEvent
from members.tiers.evaluation import commands

consumers = Consumers("tiers")


@consumers.on(*MEMBERSHIP_EVENTS, mode=Mode.EACH)
async def on_membership(session: Session, events: list[Received[MembershipEvent]]) -> None:
    """Look at members whose standing changed: who comes gets a tier, who goes has none."""
    people = {(one.event.community_id, one.event.account_id) for one in events}
    await commands.touch(session, events[0].envelope.organization, people)
