"""Events of reactions."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.content.subjects import SubjectKind
from contracts.persons import PersonId


class ReactionEvent(Event):
    """One emoji of one account on one post or comment; the aggregate is (subject, account)."""

    aggregate: ClassVar[str] = "reaction"
    withheld: ClassVar[frozenset[str]] = frozenset({"subject_author_id"})  # who may speak as the brand

    reaction_id: UUID
    community_id: UUID
    account_id: PersonId
    subject_kind: SubjectKind
    subject_id: UUID
    subject_author_id: PersonId
    emoji: str = Field(examples=["👍"])


class ReactionAdded(ReactionEvent):
    """A member reacted."""

    type: ClassVar[str] = "content.reaction.added.v1"

    timed: bool = Field(description="false when the source of an import knew no time: such a reaction is no activity")


class ReactionRemoved(ReactionEvent):
    """A member took a reaction back."""

    type: ClassVar[str] = "content.reaction.removed.v1"
