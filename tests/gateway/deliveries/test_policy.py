"""The schedule to the second, what answers mean, and how a lane's pace follows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import clock
from gateway.deliveries.policy import (
    FAILING,
    FIRST_WIDTH,
    LONGEST_PAUSE,
    MOST_WIDTH,
    SCHEDULE,
    Pace,
    Result,
    asked,
    classify,
    due_after,
    failing_since,
    is_given_up,
    jitter,
)

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ENDPOINT, EVENT = UUID(int=1), UUID(int=2)
SECONDS = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]

results = st.sampled_from(Result)
asks = st.none() | st.floats(allow_nan=False) | st.integers(-(10**9), 10**10)


def test_schedule_is_the_standards() -> None:
    assert [delay.total_seconds() for delay in SCHEDULE] == SECONDS


def test_schedule_is_exact_under_a_fake_clock() -> None:
    """Ten attempts, each at the moment that the one before has named, all the same when it happens again."""

    def attempts() -> list[datetime]:
        told = []
        moving = clock.MovableClock(START)
        with clock.use(moving):
            due: datetime | None = START
            while due is not None:
                moving.instant = due
                told.append(clock.now())
                due = due_after(ENDPOINT, EVENT, len(told), clock.now())
        return told

    told = attempts()
    assert told == attempts()
    assert len(told) == 10
    for number in range(1, 10):
        expected = timedelta(seconds=SECONDS[number]) * jitter(ENDPOINT, EVENT, number)
        assert told[number] - told[number - 1] == expected
        assert 0.8 <= expected.total_seconds() / SECONDS[number] <= 1.2


@given(endpoint=st.uuids(), event=st.uuids(), tries=st.integers(1, 9), later=st.timedeltas(timedelta(0), 36_500 * DAY))
def test_delay_is_within_a_fifth_of_the_schedule(endpoint: UUID, event: UUID, tries: int, later: timedelta) -> None:
    at = START + later
    due = due_after(endpoint, event, tries, at)
    assert due is not None
    assert 0.8 * SECONDS[tries] - 1e-5 <= (due - at).total_seconds() <= 1.2 * SECONDS[tries] + 1e-5
    assert due == due_after(endpoint, event, tries, at)


@given(endpoint=st.uuids(), event=st.uuids(), tries=st.integers(10, 10_000), retry_after=asks)
def test_tenth_failure_is_the_last(endpoint: UUID, event: UUID, tries: int, retry_after: float | None) -> None:
    assert due_after(endpoint, event, tries, START, retry_after) is None


def test_what_failed_together_is_not_tried_again_together() -> None:
    dues = [due_after(ENDPOINT, uuid4(), 3, START) for _ in range(200)]
    delays = sorted((due - START).total_seconds() for due in dues if due)
    assert len(set(delays)) == 200
    assert delays[0] < 1800 * 0.9 < 1800 * 1.1 < delays[-1]


@given(endpoint=st.uuids(), event=st.uuids(), tries=st.integers(1, 9), retry_after=asks)
def test_retry_after_is_never_undercut_and_never_more_than_a_day(
    endpoint: UUID, event: UUID, tries: int, retry_after: float | None
) -> None:
    plain, due = (due_after(endpoint, event, tries, START, value) for value in (None, retry_after))
    assert plain is not None
    assert due is not None
    assert due == max(plain, START + asked(retry_after))
    if retry_after is not None:
        assert due - START >= timedelta(seconds=min(max(retry_after, 1), 86_400))
    assert due - START <= max(plain - START, DAY)


@pytest.mark.parametrize(
    ("status", "result"),
    [
        *((status, Result.DELIVERED) for status in (200, 201, 202, 204, 299)),
        *(
            (status, Result.FAILED)
            for status in (101, 199, 300, 301, 302, 308, 400, 401, 404, 408, 413, 500, 501, 503, 599, None)
        ),
        *((status, Result.THROTTLED) for status in (429, 502, 504)),
        (410, Result.GONE),
    ],
)
def test_answer_means(status: int | None, result: Result) -> None:
    assert classify(status) is result


@given(happened=st.lists(st.tuples(results, st.timedeltas(timedelta(0), DAY)), max_size=30))
def test_endpoint_is_given_up_after_five_days_of_nothing_but_failure(happened: list[tuple[Result, timedelta]]) -> None:
    since, at, last_success = None, START, None
    first_failure: datetime | None = None
    for result, later in happened:
        at += later
        if result is Result.DELIVERED:
            last_success, first_failure = at, None
        else:
            first_failure = first_failure or at
        since = failing_since(since, result, at)
        assert since == first_failure
        assert is_given_up(since, at) == (first_failure is not None and at - first_failure >= timedelta(days=5))
        if last_success is not None and at - last_success < FAILING:
            assert not is_given_up(since, at)


def test_five_days_are_five_days() -> None:
    assert not is_given_up(START, START + timedelta(days=5) - timedelta(microseconds=1))
    assert is_given_up(START, START + timedelta(days=5))
    assert not is_given_up(None, START)


def test_lane_widens_from_four_to_thirty_two_and_narrows_to_one() -> None:
    pace, widths = Pace(), []
    for result in [Result.DELIVERED] * 5 + [Result.FAILED] + [Result.DELIVERED] * 6:
        widths.append(pace.width)
        pace = pace.after(result)
    assert widths == [4, 8, 16, 32, 32, 32, 1, 2, 4, 8, 16, 32]
    assert (FIRST_WIDTH, MOST_WIDTH) == (4, 32)


def test_pauses_grow_from_a_second_to_five_minutes_and_shrink() -> None:
    pace, pauses = Pace(), []
    for _ in range(11):
        pace = pace.after(Result.THROTTLED)
        pauses.append(pace.rest(Result.THROTTLED).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    for _ in range(3):
        pace = pace.after(Result.DELIVERED)
    assert pace.pause == LONGEST_PAUSE / 8
    assert pace.after(Result.FAILED).pause == pace.pause, "a failure says nothing of being asked too often"
    for _ in range(9):
        pace = pace.after(Result.DELIVERED)
    assert pace == Pace(32, 0)
    assert pace.after(Result.THROTTLED).rest(Result.THROTTLED) == timedelta(seconds=1)


@given(happened=st.lists(st.tuples(results, asks), max_size=60))
def test_pace_stays_within_its_bounds(happened: list[tuple[Result, float | None]]) -> None:
    pace = Pace()
    for result, retry_after in happened:
        before, pace = pace, pace.after(result)
        assert 1 <= pace.width <= 32
        assert pace.pause == 0 or 1 <= pace.pause <= 300
        rest = pace.rest(result, retry_after)
        if result is Result.THROTTLED:
            assert pace.width == 1
            assert pace.pause > before.pause or pace.pause == 300
            assert timedelta(seconds=1) <= rest <= DAY
            assert rest >= asked(retry_after)
        else:
            assert rest == timedelta(0)
        if result is Result.DELIVERED:
            assert pace.width == min(2 * before.width, 32)
