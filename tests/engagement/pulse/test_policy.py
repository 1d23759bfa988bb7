"""What pulse's figures mean, by example and by law."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from engagement.pulse.policy import Figures, Week, figures, label, monday

ANN, BEN, CARL, DORA = (UUID(int=number) for number in range(1, 5))
PEOPLE = [UUID(int=number) for number in range(1, 9)]

instants = st.datetimes(datetime(2017, 12, 1), datetime(2018, 4, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds of aware times
facts = st.lists(st.tuples(st.sampled_from(PEOPLE), instants), max_size=60)
zones = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Pacific/Apia", "Asia/Kolkata"])


def at(day: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(f"{day}:00").replace(tzinfo=ZoneInfo(zone))


def test_an_empty_community() -> None:
    assert figures("UTC", [], [], []) == Figures("UTC", 0, 0, 0, [])
    assert figures("UTC", [ANN], [ANN], []) == Figures("UTC", 1, 1, 0, [])


def test_new_returning_resurrected_dormant_and_quiet_weeks() -> None:
    found = figures(
        "Asia/Shanghai",
        [ANN, BEN, DORA],
        [ANN, BEN, CARL, DORA],
        [
            (ANN, at("2018-01-01T00:00")),
            (ANN, at("2018-01-01T23:59")),
            (ANN, at("2018-01-03T12:00")),
            (BEN, at("2018-01-07T23:59")),
            (ANN, at("2018-01-08T00:00")),
            (CARL, at("2018-01-09T00:00")),
            (BEN, at("2018-01-22T00:00")),
            (UUID(int=99), at("2018-01-15T00:00")),
        ],
    )
    assert found == Figures(
        zone="Asia/Shanghai",
        members=3,
        never_active=1,
        member_days=6,
        weeks=[
            Week("2018-W01", active=2, new=2, returning=0, resurrected=0, dormant=0),
            Week("2018-W02", active=2, new=1, returning=1, resurrected=0, dormant=1),
            Week("2018-W03", active=0, new=0, returning=0, resurrected=0, dormant=2),
            Week("2018-W04", active=1, new=0, returning=0, resurrected=1, dormant=0),
        ],
    )


def test_the_day_is_the_zones() -> None:
    instant = datetime(2018, 1, 7, 17, 0, tzinfo=UTC)  # Monday already in Shanghai, still Sunday in Berlin
    assert figures("Asia/Shanghai", [ANN], [ANN], [(ANN, instant)]).weeks[0].week == "2018-W02"
    assert figures("Europe/Berlin", [ANN], [ANN], [(ANN, instant)]).weeks[0].week == "2018-W01"


def test_the_year_is_the_weeks() -> None:
    assert label(monday(datetime(2018, 12, 31, tzinfo=UTC).date())) == "2019-W01"
    assert label(monday(datetime(2021, 1, 3, tzinfo=UTC).date())) == "2020-W53"


@given(facts, st.sets(st.sampled_from(PEOPLE)), st.sets(st.sampled_from(PEOPLE)), zones)
def test_laws(said: list[tuple[UUID, datetime]], approved: set[UUID], others: set[UUID], zone: str) -> None:
    counted = approved | others
    found = figures(zone, approved, counted, said)
    assert found == figures(zone, approved, counted, list(reversed(said)) * 2)
    assert sum(week.new for week in found.weeks) == len({account for account, _ in said} & counted)
    assert found.never_active == len(approved - {account for account, _ in said})
    previous = 0
    for week in found.weeks:
        assert week.active == week.new + week.returning + week.resurrected
        assert previous == week.returning + week.dormant
        previous = week.active
    if found.weeks:
        assert found.weeks[0].active
        assert found.weeks[-1].active
        starts = [datetime.strptime(f"{week.week}-1", "%G-W%V-%u").replace(tzinfo=UTC) for week in found.weeks]
        assert all(after - before == timedelta(days=7) for before, after in itertools.pairwise(starts))
        assert sum(week.active for week in found.weeks) <= found.member_days
