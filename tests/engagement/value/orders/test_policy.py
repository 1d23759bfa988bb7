"""What is left of an order, whose it is, which days are meant."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Problem
from engagement.value.orders import policy

PEOPLE = [UUID(int=n) for n in range(1, 6)]
accounts = st.sampled_from(PEOPLE)


@given(amount=st.integers(0, 10**12), refunded=st.integers(0, 10**12), cancelled=st.booleans())
def test_no_more_is_given_back_than_was_paid(amount: int, refunded: int, *, cancelled: bool) -> None:
    back = policy.reversed_fen(amount, refunded, cancelled=cancelled)
    assert 0 <= back <= amount
    assert back == amount if cancelled else back in {refunded, amount}


@given(st.dictionaries(accounts, st.none() | accounts), st.none() | accounts)
def test_a_buyer_is_somebody_who_still_buys_or_nobody(became: dict[UUID, UUID | None], account: UUID | None) -> None:
    found = policy.buyer(account, became)
    circle, step = set(), account
    while step is not None and step in became and step not in circle:
        circle.add(step)
        step = became[step]
    if found is not None and found in became:
        assert found in circle, "only who was merged into themselves by way of others has no living account"
    if account not in became:
        assert found == account


@given(st.lists(st.tuples(accounts, st.none() | accounts)), st.randoms())
def test_whoever_was_erased_stays_erased_in_whatever_order_it_is_told(
    told: list[tuple[UUID, UUID | None]], dice: Random
) -> None:
    found = policy.gone(told)
    assert list(found) == sorted({account for account, _ in told})
    assert {account for account, became in found.items() if became is None} == {
        a for a, became in told if became is None
    }
    shuffled = list(told)
    dice.shuffle(shuffled)
    assert {a for a, became in policy.gone(shuffled).items() if became is None} == {
        a for a, became in found.items() if became is None
    }


@given(
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "UTC"]),
    st.dates(policy.EARLIEST, policy.LATEST),
    st.integers(0, 40),
    st.datetimes(datetime(2000, 1, 3), datetime(2199, 12, 29), timezones=st.just(UTC)),  # noqa: DTZ001  bounds without zone
)
def test_a_span_is_the_days_of_the_zone(zone: str, since: date, length: int, at: datetime) -> None:
    until = min(since + timedelta(days=length), policy.LATEST)
    days = policy.span(zone, since, until)
    assert days.begins_at is not None
    assert days.ends_at is not None
    day = at.astimezone(ZoneInfo(zone)).date()
    assert (days.begins_at <= at < days.ends_at) == (since <= day <= until)


def test_a_span_may_be_open() -> None:
    assert policy.span("UTC", None, None) == (None, None)
    assert policy.span("Asia/Shanghai", None, date(2026, 11, 2)) == (None, datetime(2026, 11, 2, 16, tzinfo=UTC))


@pytest.mark.parametrize(
    ("since", "until", "pointers"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), ["/query/until"]),
        (date(1, 1, 1), date(9999, 12, 31), ["/query/since", "/query/until"]),
        (None, date(9999, 12, 31), ["/query/until"]),
    ],
)
def test_days_that_cannot_be_asked_for(since: date | None, until: date | None, pointers: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        policy.span("Asia/Shanghai", since, until)
    assert refused.value.status_code == 422
    assert [fault.pointer for fault in refused.value.errors] == pointers
