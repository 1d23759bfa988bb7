"""Every event there is, by type, and which service owns which aggregate."""

from __future__ import annotations

from contracts import content, engagement, members, partners
from contracts.base import Event

BY_TYPE: dict[str, type[Event]] = {
    event.type: event for event in (*members.EVENTS, *content.EVENTS, *engagement.EVENTS, *partners.EVENTS)
}

OWNER_OF_AGGREGATE: dict[str, str] = {event.aggregate: event.service() for event in BY_TYPE.values()}
"""`membership` → `members`: who decides how far a position is."""
