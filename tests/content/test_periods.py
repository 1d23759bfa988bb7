"""Spans of days, whatever days are asked for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Problem
from content.periods import EARLIEST, LATEST, LONGEST_DAYS, period

DAYS = st.none() | st.dates() | st.sampled_from([date.min, date.max, EARLIEST, LATEST])


@given(DAYS, DAYS, st.sampled_from(["past", "ahead"]), st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago"]))
def test_days_are_a_span_or_refused_with_a_pointer(
    since: date | None, until: date | None, looking: str, zone: str
) -> None:
    found, refusal = None, None
    try:
        found = period(zone, since, until, ahead=looking == "ahead")
    except Problem as problem:
        refusal = problem
    if refusal is not None:
        assert refusal.status_code == 422
        assert refusal.errors[0].pointer in {"/query/since", "/query/until"}
    if found is not None:
        assert since in {None, found.since}
        assert until in {None, found.until}
        assert 1 <= (found.until - found.since).days + 1 <= LONGEST_DAYS
        assert found.begins_at < found.ends_at


@pytest.mark.parametrize(("days", "looking"), [({"until": date.min}, "past"), ({"since": date.max}, "ahead")])
def test_the_ends_of_time_are_refused(days: dict[str, date], looking: str) -> None:
    with pytest.raises(Problem) as refused:
        period("UTC", days.get("since"), days.get("until"), ahead=looking == "ahead")
    assert refused.value.errors[0].code == "day-out-of-range"
