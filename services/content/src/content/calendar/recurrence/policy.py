"""Which recurrence rules are taken, and at which instants they fall: RFC 5545 in the slot's zone, expanded by dateutil.

A rule says days; the hour is the slot's own. So a slot falls on a day at most once, and its day is what an occurrence is known by.
An hour that a day lacks (clocks go forward) is read with the offset before the gap, one that it has twice is the first: as RFC 5545,
3.3.5 says, and as dateutil does with zones of the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = frozenset(
    (
        "FREQ",
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "WKST",
        "BYDAY",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYWEEKNO",
        "BYMONTH",
        "BYSETPOS",
    )
)
HOURS = frozenset(("BYHOUR", "BYMINUTE", "BYSECOND"))
LONGEST = 300
LARGEST_INTERVAL = 400
LARGEST_COUNT = 10_000
EARLIEST, LATEST = date(2001, 1, 1), date(2070, 12, 31)
"""Days that slots fall on: of one century, for a reason that `_late_twin` has."""
SOON = timedelta(days=5 * 366)
"""A rule that never falls within this time is refused."""
_PART = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)")
_UNTIL = re.compile(r"(\d{8})(T\d{6}Z)?")


class RuleError(ValueError):
    """A rule that is not taken: a stable code, and words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read. Its end stands apart from `endless`, so that no expansion can run on for ever."""

    text: str
    endless: str
    count: int | None = None
    until_day: date | None = None
    until: datetime | None = None


@lru_cache(maxsize=1024)
def read_rule(text: str) -> Rule:
    """Read a rule such as `FREQ=WEEKLY;BYDAY=TU,FR`. Raises RuleError."""
    parts = _parts(text)
    if parts.get("FREQ") not in FREQUENCIES:
        raise RuleError("frequency-refused", "A slot recurs DAILY, WEEKLY, MONTHLY or YEARLY, and not more often.")
    _number(parts.get("INTERVAL"), "INTERVAL", LARGEST_INTERVAL)
    count = _number(parts.get("COUNT"), "COUNT", LARGEST_COUNT)
    if count is not None and "UNTIL" in parts:
        raise RuleError("rrule-invalid", "A rule ends by COUNT or by UNTIL, and not by both.")
    until_day, until = _until(parts.get("UNTIL"))
    endless = ";".join(f"{name}={value}" for name, value in parts.items() if name not in {"COUNT", "UNTIL"})
    try:
        next(_days(endless, date(2026, 1, 1), date(2026, 1, 31)), None)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise RuleError("rrule-invalid", f"The rule says nothing that recurs: {error}") from error
    whole = ";".join(f"{name}={value}" for name, value in parts.items())
    return Rule(whole, endless, count, until_day, until)


def _parts(text: str) -> dict[str, str]:
    text = text.strip().upper().removeprefix("RRULE:")
    if not text or len(text) > LONGEST:
        raise RuleError("rrule-invalid", f"A rule has 1 to {LONGEST} characters, such as FREQ=DAILY.")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        match = _PART.fullmatch(part)
        if match is None:
            raise RuleError("rrule-invalid", f"{part[:40]!r} is no part of a rule, such as BYDAY=TU,FR.")
        name, value = match.groups()
        if name in parts:
            raise RuleError("rrule-invalid", f"{name} stands twice.")
        if name in HOURS:
            raise RuleError("rrule-hours", "The rule says the days; the hour is the slot's `at`.")
        if name not in PARTS:
            raise RuleError("rrule-invalid", f"{name[:40]} is not a part that a rule of a slot has.")
        parts[name] = value
    return parts


def _number(value: str | None, name: str, most: int) -> int | None:
    if value is None:
        return None
    if not value.isdigit() or len(value) > 6 or not 1 <= int(value) <= most:  # noqa: PLR2004  digits enough for any limit
        raise RuleError("rrule-invalid", f"{name} is a whole number from 1 to {most}.")
    return int(value)


def _until(value: str | None) -> tuple[date | None, datetime | None]:
    if value is None:
        return None, None
    try:
        match _UNTIL.fullmatch(value):
            case None:
                end = None
            case found if found[2] is None:
                end = datetime.strptime(value, "%Y%m%d").replace(tzinfo=UTC)
            case _:
                end = datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        end = None
    if end is None or end.date() > LATEST:
        raise RuleError(
            "rrule-invalid", f"UNTIL is a day (20270331) or an instant in UTC (20270331T120000Z), up to {LATEST}."
        )
    return (None, end) if "T" in value else (end.date(), None)


@lru_cache(maxsize=4096)
def _late_twin(first: int, last: int) -> int:
    """Return how many years to add so that years have the same calendar and end within 28 years of the last that there is.

    dateutil searches for the next fall of a rule that never falls until the year 9999, whatever its end: from here that takes seconds,
    from there milliseconds. Years without a century's exception repeat every 28.
    """
    latest = MAXYEAR - (last - first)
    for twin in range(latest, latest - 28, -1):
        if twin % 4 == first % 4 and date(twin, 1, 1).weekday() == date(first, 1, 1).weekday():
            return twin - first
    raise AssertionError("every 28 years hold a twin")


def _days(endless: str, first_on: date, last: date) -> Iterator[date]:
    """Expand a rule from its first day to the last that is wanted. Raises ValueError, and what else dateutil raises for nonsense."""
    if not EARLIEST <= first_on <= last <= LATEST:
        raise ValueError(f"days from {EARLIEST} to {LATEST}")
    shift = _late_twin(first_on.year, last.year)
    start = datetime.combine(first_on.replace(year=first_on.year + shift), time())
    end = datetime.combine(last.replace(year=last.year + shift), time())
    for found in rrulestr(f"{endless};UNTIL={end:%Y%m%dT%H%M%S}", dtstart=start):
        yield date(found.year - shift, found.month, found.day)


def instant(day: date, at: time, zone: str) -> datetime:
    """Return when an hour of a day is, in UTC."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def local_day(moment: datetime, zone: str) -> date:
    """Return the day of an instant in a zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a slot falls: its rule, counted from its first day, at an hour of a zone."""

    rule: Rule
    first_on: date
    at: time
    zone: str

    def between(self, since: date, until: date) -> list[tuple[date, datetime]]:
        """Return the days from `since` to `until`, both included, on which it falls, each with its instant in UTC."""
        last = min(until, self.rule.until_day or LATEST, LATEST)
        if last < self.first_on:
            return []
        days = islice(_days(self.rule.endless, self.first_on, last), self.rule.count)
        falls = ((day, instant(day, self.at, self.zone)) for day in days if day >= since)
        return [(day, due_at) for day, due_at in falls if self.rule.until is None or due_at <= self.rule.until]

    def next(self, moment: datetime, most: int) -> list[tuple[date, datetime]]:
        """Return up to `most` falls after an instant, looking as far ahead as a rule must recur at all."""
        today = max(local_day(moment, self.zone), self.first_on)
        for ahead in (timedelta(days=62), SOON):
            found = [one for one in self.between(today, today + ahead) if one[1] > moment]
            if len(found) >= most:
                return found[:most]
        return found
