"""Events of segments, and of members coming to match them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from contracts.base import Event
from contracts.persons import PersonId


class SegmentChanged(Event):
    """A segment was made, named anew, given another filter, or deleted."""

    type: ClassVar[str] = "members.segment.changed.v1"
    aggregate: ClassVar[str] = "segment"

    segment_id: UUID
    community_id: UUID
    deleted: bool


class SegmentCrossing(Event):
    """One member's standing in one segment. The aggregate is the pair: its id is made of both, and its versions may skip."""

    aggregate: ClassVar[str] = "segment"

    segment_id: UUID
    community_id: UUID
    account_id: PersonId


class SegmentEntered(SegmentCrossing):
    """A member came to match a segment."""

    type: ClassVar[str] = "members.segment.entered.v1"


class SegmentLeft(SegmentCrossing):
    """A member matches a segment no longer, or the segment is gone."""

    type: ClassVar[str] = "members.segment.left.v1"
