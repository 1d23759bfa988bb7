"""Rules, and the instants that they mean: beside dateutil's own expansion with aware times, over changes of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from content.calendar.recurrence.policy import Rhythm, RuleError, instant, read_rule

ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 6))}")
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
        if frequency in {"MONTHLY", "YEARLY"} and draw(st.booleans()):
            days = [f"{draw(st.sampled_from((-1, 1, 2, 3)))}{day}" for day in days]
        parts.append(f"BYDAY={','.join(days)}")
    elif draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(st.sampled_from((1, 15, 28, 31, -1)))}")
    if draw(st.booleans()):
        parts.append(f"BYMONTH={draw(st.sampled_from((3, 4, 10, 11)))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(('MO', 'SU')))}")
    return ";".join(parts)


@settings(max_examples=200, deadline=None)
@given(
    text=rules(),
    zone=st.sampled_from(ZONES),
    first_on=st.dates(date(2023, 1, 1), date(2029, 12, 31)),
    at=st.one_of(
        st.sampled_from((time(1, 30), time(2, 0), time(2, 30), time(3, 0))),
        st.times().map(lambda t: time(t.hour, t.minute)),
    ),
    count=st.one_of(st.none(), st.integers(1, 40)),
    window=st.tuples(st.integers(0, 500), st.integers(1, 200)),
)
def test_the_expansion_agrees_with_dateutil(
    text: str, zone: str, first_on: date, at: time, count: int | None, window: tuple[int, int]
) -> None:
    whole = text if count is None else f"{text};COUNT={count}"
    since = first_on + timedelta(days=window[0])
    until = since + timedelta(days=window[1])
    start = datetime.combine(first_on, at, ZoneInfo(zone))
    # dateutil by itself, with an aware beginning; its own iteration is bounded here, by day, and nothing of ours is asked.
    theirs = takewhile(lambda one: one.date() <= until, rrulestr(whole, dtstart=start))
    expected = [(one.date(), one.astimezone(UTC)) for one in islice(theirs, 2000) if one.date() >= since]
    assert Rhythm(read_rule(whole), first_on, at, zone).between(since, until) == expected


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        # The hour before, on and after the days on which clocks change.
        ("Europe/Berlin", date(2026, 3, 28), time(2, 30), datetime(2026, 3, 28, 1, 30, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 30), time(2, 30), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), time(7, 30), datetime(2026, 11, 1, 12, 30, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 3, 29), time(7, 30), datetime(2026, 3, 28, 23, 30, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 10, 25), time(7, 30), datetime(2026, 10, 24, 23, 30, tzinfo=UTC)),
    ],
)
def test_hours_that_a_day_lacks_or_has_twice(zone: str, day: date, at: time, expected: datetime) -> None:
    assert instant(day, at, zone) == expected


def test_shanghai_has_days_of_24_hours() -> None:
    rhythm = Rhythm(read_rule("FREQ=DAILY"), date(2026, 1, 1), time(7, 30), "Asia/Shanghai")
    falls = [due_at for _, due_at in rhythm.between(date(2026, 1, 1), date(2026, 12, 31))]
    assert len(falls) == 365
    assert {later - earlier for earlier, later in pairwise(falls)} == {timedelta(days=1)}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FREQ=SECONDLY", "frequency-refused"),
        ("FREQ=MINUTELY;COUNT=5", "frequency-refused"),
        ("FREQ=HOURLY", "frequency-refused"),
        ("INTERVAL=2", "frequency-refused"),
        ("FREQ=DAILY;BYHOUR=7", "rrule-hours"),
        ("FREQ=DAILY;BYSECOND=1,2,3", "rrule-hours"),
        ("FREQ=DAILY;FREQ=WEEKLY", "rrule-invalid"),
        ("FREQ=DAILY;INTERVAL=0", "rrule-invalid"),
        ("FREQ=DAILY;INTERVAL=99999", "rrule-invalid"),
        ("FREQ=DAILY;COUNT=-1", "rrule-invalid"),
        ("FREQ=DAILY;COUNT=99999999999999999999", "rrule-invalid"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "rrule-invalid"),
        ("FREQ=DAILY;UNTIL=20271332", "rrule-invalid"),
        ("FREQ=DAILY;UNTIL=99991231", "rrule-invalid"),
        ("FREQ=DAILY;UNTIL=20270101T000000", "rrule-invalid"),
        ("FREQ=DAILY;BYEASTER=0", "rrule-invalid"),
        ("FREQ=DAILY;BYDAY=", "rrule-invalid"),
        ("FREQ=WEEKLY;BYDAY=XX", "rrule-invalid"),
        ("FREQ=MONTHLY;BYDAY=0MO", "rrule-invalid"),
        ("FREQ=MONTHLY;BYSETPOS=999", "rrule-invalid"),
        ("FREQ=DAILY\nDTSTART:20200101T000000", "rrule-invalid"),
        ("DTSTART:20200101T000000\nRRULE:FREQ=DAILY", "rrule-invalid"),
        ("FREQ=DAILY;;", "rrule-invalid"),
        ("每天", "rrule-invalid"),
        ("", "rrule-invalid"),
        ("FREQ=DAILY;BYMONTHDAY=" + ",".join(["1"] * 200), "rrule-invalid"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_rule(text)
    assert refused.value.code == code


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.from_regex(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]{2,10}=[A-Z0-9,+-]{1,8}){0,4}", fullmatch=True),
    )
)
def test_any_text_is_read_or_refused_and_what_is_read_ends(text: str) -> None:
    try:
        rule = read_rule(text)
    except RuleError:
        return
    falls = Rhythm(rule, date(2026, 1, 1), time(12), "UTC").between(date(2026, 1, 1), date(2026, 12, 31))
    assert len(falls) <= 365
    assert sorted(set(falls)) == falls
    assert read_rule(rule.text) == rule


def test_a_rule_ends_on_its_day_or_at_its_instant() -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    by_day = Rhythm(read_rule("FREQ=DAILY;UNTIL=20260303"), first, time(7, 30), "Asia/Shanghai")
    assert [day.day for day, _ in by_day.between(first, last)] == [1, 2, 3]
    # 07:30 in Shanghai is 23:30 of the day before.
    by_instant = Rhythm(read_rule("FREQ=DAILY;UNTIL=20260302T233000Z"), first, time(7, 30), "Asia/Shanghai")
    assert [day.day for day, _ in by_instant.between(first, last)] == [1, 2, 3]
    just_before = Rhythm(read_rule("FREQ=DAILY;UNTIL=20260302T232959Z"), first, time(7, 30), "Asia/Shanghai")
    assert [day.day for day, _ in just_before.between(first, last)] == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=DAILY;COUNT=3;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=7",
        "FREQ=WEEKLY;BYMONTHDAY=31;BYMONTH=4",
    ],
)
def test_a_rule_that_never_falls_is_found_out_soon(text: str) -> None:
    began = process_time()
    rhythm = Rhythm(read_rule(text), date(2026, 1, 1), time(12), "UTC")
    assert rhythm.next(datetime(2026, 1, 1, tzinfo=UTC), 1) == []
    # dateutil takes seconds to reach the year 9999.
    assert process_time() - began < 1.0
