"""A span of days of a community, as its figures and its calendar are asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chassis import clock
from chassis.errors import Fault, Problem

LONGEST_DAYS = 366
DEFAULT_DAYS = 28
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


class Period(NamedTuple):
    """Days, both included, and the instants at which the first begins and the last ends."""

    since: date
    until: date
    begins_at: datetime
    ends_at: datetime


def period(
    zone: str, since: date | None, until: date | None, *, days: int = DEFAULT_DAYS, ahead: bool = False
) -> Period:
    """Return the days asked for: so many up to today, or from today on when looking `ahead`. Raises Problem 422."""
    for name, day in (("since", since), ("until", until)):
        if day is not None and not EARLIEST <= day <= LATEST:
            raise _refusal(f"/query/{name}", "day-out-of-range", f"Days from {EARLIEST} to {LATEST} can be asked for.")
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    if ahead:
        first = since or (min(today, until) if until else today)
        last = until or first + timedelta(days=days - 1)
    else:
        last = until or (max(today, since) if since else today)
        first = since or last - timedelta(days=days - 1)
    if first > last:
        raise _refusal("/query/until", "period-backwards", "The last day is before the first.")
    if (last - first).days >= LONGEST_DAYS:
        raise _refusal("/query/until", "period-too-long", f"At most {LONGEST_DAYS} days at once.")
    return Period(first, last, _start(first, zone), _start(last + timedelta(days=1), zone))


def _start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _refusal(at: str, code: str, detail: str) -> Problem:
    return Problem(422, "invalid", "These days cannot be asked for.", errors=[Fault(at, code, detail)])
