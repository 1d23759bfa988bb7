"""When segments are looked at again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

DEBOUNCE = timedelta(seconds=2)
AFTER_MIDNIGHT = timedelta(minutes=5)


def crossing_id(segment_id: UUID, account_id: UUID) -> UUID:
    """Return the id of the aggregate that one member's standing in one segment is."""
    return uuid5(segment_id, account_id.hex)


def beat(now: datetime) -> tuple[str, datetime]:
    """Return the name and the end of the beat that `now` lies in; what is touched in a beat is looked at together at its end.

    Work that runs belongs to a beat that is over, so whoever touches does not wait for it.
    """
    number = int(now.timestamp() // DEBOUNCE.total_seconds()) + 1
    return str(number), datetime.fromtimestamp(number * DEBOUNCE.total_seconds(), UTC)


def next_night(now: datetime, zone: str) -> datetime:
    """Return when the community's next day has just begun, and windows of days have moved."""
    there = now.astimezone(ZoneInfo(zone))
    midnight = datetime.combine(there.date() + timedelta(days=1), time.min, ZoneInfo(zone))
    return midnight.astimezone(UTC) + AFTER_MIDNIGHT
