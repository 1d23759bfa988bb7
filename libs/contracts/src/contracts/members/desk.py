"""Events of the brand's own work on its members: who looks after whom, notes, and lists taken out."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class MembershipOwnerChanged(Event):
    """A member is looked after by somebody, by somebody else, or by nobody any more."""

    type: ClassVar[str] = "members.membership_owner.changed.v1"
    aggregate: ClassVar[str] = "membership_owner"

    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    owner_id: PersonId | None = Field(description="the account of the one who looks after the member; null: nobody")


class MembershipNoteChanged(Event):
    """Staff wrote, edited or deleted a note on a member. The words stay in members: they are about a person."""

    type: ClassVar[str] = "members.membership_note.changed.v1"
    aggregate: ClassVar[str] = "membership_note"
    partners: ClassVar[bool] = False  # that somebody was written about is between staff

    note_id: UUID
    membership_id: UUID
    community_id: UUID
    account_id: PersonId
    deleted: bool


class ExportStarted(Event):
    """Somebody took a list out as a file; what was in it is not told."""

    type: ClassVar[str] = "members.export.started.v1"
    aggregate: ClassVar[str] = "export"
    partners: ClassVar[bool] = False  # book-keeping of the brand

    export_id: UUID
    community_id: UUID | None = Field(description="null: a list of the whole organization")
    list_name: str = Field(examples=["memberships"])
    rows: int = Field(description="how many the list had when the file was begun", examples=[100000])


DESK_EVENTS: tuple[type[Event], ...] = (MembershipOwnerChanged, MembershipNoteChanged, ExportStarted)
