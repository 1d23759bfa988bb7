"""Estimates of how many there are, nights and beats."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from members.segments import policy
from members.segments.currency import policy as times


@given(st.sampled_from(policy.STEPS), st.data(), st.integers(-(2**63), 2**63 - 1))
def test_an_estimate_lies_between_what_was_seen_and_everybody(
    looked_at: int, data: st.DataObject, last_hash: int
) -> None:
    matching = data.draw(st.integers(policy.TOO_FEW, looked_at))
    found = policy.estimate(looked_at, matching, last_hash)
    assert found is not None
    assert matching <= found.low <= found.count <= found.high
    assert found.count <= policy.population(looked_at, last_hash)
    assert not found.exact
    assert policy.estimate(looked_at, policy.TOO_FEW - 1, last_hash) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]))  # noqa: DTZ001  hypothesis wants them naive
def test_the_next_night_is_a_new_day_there(naive: datetime, zone: str) -> None:
    now = naive.replace(tzinfo=UTC)
    night = times.next_night(now, zone)
    assert now < night
    assert (night.astimezone(ZoneInfo(zone)).date() - now.astimezone(ZoneInfo(zone)).date()).days == 1


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))  # noqa: DTZ001  hypothesis wants them naive
def test_a_beat_ends_after_it_was_touched_and_soon(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    _, ends = times.beat(now)
    assert now < ends <= now + times.DEBOUNCE
