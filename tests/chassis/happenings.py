"""Events of members as the sample hears them, and what it noted of them."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from chassis import clock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope
from contracts.members import MembershipApproved, MembershipLeft, MembershipState


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  the condition is the database's, which raises no event here
            await asyncio.sleep(0.02)


def approved(organization: UUID, membership: UUID, *, version: int = 1, account: UUID | None = None) -> Envelope:
    event = MembershipApproved(
        membership_id=membership,
        community_id=new_id(),
        account_id=account or new_id(),
        state=MembershipState.APPROVED,
        roles=[],
        staff=False,
        bot=False,
        joined_at=clock.now(),
    )
    return envelope(event, organization, membership, version=version, community_id=event.community_id)


def left(organization: UUID, membership: UUID, *, version: int) -> Envelope:
    before = MembershipApproved.read(approved(organization, membership).data)
    event = MembershipLeft(**{**before.model_dump(), "state": MembershipState.LEFT})
    return envelope(event, organization, membership, version=version, community_id=event.community_id)


async def seen(kit: Kit, identifier: UUID) -> tuple[str, int] | None:
    rows = await kit.sql("SELECT state, times FROM seen WHERE id = $1", identifier)
    return (rows[0]["state"], rows[0]["times"]) if rows else None
