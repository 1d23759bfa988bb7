"""Events of what members read, and of announcements that ask to be read."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class PostsRead(Event):
    """A member read posts for the first time: one batch of read marks."""

    type: ClassVar[str] = "content.reading.marked.v1"
    aggregate: ClassVar[str] = "reading"

    reading_id: UUID
    community_id: UUID
    account_id: PersonId
    post_ids: list[UUID] = Field(
        description="up to 500, none of which the account had read before",
        examples=[["0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"]],
    )


class AnnouncementAcknowledged(Event):
    """A member said that they have read an announcement that asks for it."""

    type: ClassVar[str] = "content.acknowledgement.given.v1"
    aggregate: ClassVar[str] = "acknowledgement"

    acknowledgement_id: UUID
    post_id: UUID
    community_id: UUID
    account_id: PersonId


class AnnouncementReminderWanted(Event):
    """Staff want a member reminded of an announcement that they have not acknowledged: for outreach, within the member's budget."""

    type: ClassVar[str] = "content.reminder.wanted.v1"
    aggregate: ClassVar[str] = "reminder"
    partners: ClassVar[bool] = False  # an order to outreach, which keeps to what a member can bear

    reminder_id: UUID = Field(description="the reminding of which this is one")
    post_id: UUID
    community_id: UUID
    account_id: PersonId
