"""The formula of worth: for nobody nothing, more for more, and never beyond its bounds."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.worth import policy
from content.worth.policy import Figures

COUNT = st.integers(0, 10_000_000)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    discussants, compared = draw(COUNT), draw(COUNT)
    return Figures(
        readers=draw(COUNT),
        saves=draw(COUNT),
        discussants=discussants,
        repliers=draw(st.integers(0, discussants)),
        compared=compared,
        returned=draw(st.integers(0, compared)),
        expected=draw(st.decimals(0, compared, places=6)),
        referrals=draw(COUNT),
        orders=draw(COUNT),
    )


def test_nobody_is_worth_nothing() -> None:
    assert policy.score(Figures()) == policy.Score(Decimal(0), Decimal(0))
    assert policy.score(Figures(compared=9, expected=Decimal(4))).points == 0, "staying away takes nothing away"


def test_the_example_of_the_guide() -> None:
    piece = Figures(80, 4, 9, 3, 60, 33, Decimal("24.5"), 1, 2)
    assert policy.score(piece) == policy.Score(Decimal("291.00"), Decimal("74.42"))
    assert policy.uplift(piece) == 0.1417


def test_the_guide_has_the_weights() -> None:
    guide = (Path(__file__).parents[3] / "docs/worth.md").read_text()
    [formula] = re.findall(r"^ {4}points = (readers .*)$", guide, re.MULTILINE)
    weights = {
        name: Decimal(number or 1) for number, name in re.findall(r"(?:(\d+) × )?(?:max\(0, )?([a-z]{4,})", formula)
    }
    assert weights == {
        "readers": policy.READER,
        "saves": policy.SAVE,
        "discussants": policy.DISCUSSANT,
        "repliers": policy.REPLIER,
        "returned": policy.RETURNER,
        "expected": Decimal(1),
        "referrals": policy.REFERRAL,
        "orders": policy.ORDER,
    }


@given(figures())
def test_the_score_keeps_its_bounds(piece: Figures) -> None:
    scored = policy.score(piece)
    assert scored.points >= 0
    assert 0 <= scored.score <= 100
    if piece.compared:
        assert -1 <= (policy.uplift(piece) or 0) <= 1


@pytest.mark.parametrize("name", ["readers", "saves", "discussants", "repliers", "returned", "referrals", "orders"])
@given(piece=figures(), more=st.integers(1, 1000))
def test_more_of_anything_good_is_worth_more(name: str, piece: Figures, more: int) -> None:
    better = replace(piece, **{name: getattr(piece, name) + more})
    before, after = policy.score(piece), policy.score(better)
    assert after.score >= before.score
    assert after.points >= before.points
    if name != "returned" or better.returned >= better.expected + 1:
        assert after.points > before.points


@given(st.lists(figures(), max_size=8))
def test_points_and_score_rank_alike(pieces: list[Figures]) -> None:
    scored = sorted((policy.score(one) for one in pieces), key=lambda one: one.points)
    assert all(first.score <= second.score for first, second in pairwise(scored))


@given(figures(), figures())
def test_what_two_pieces_did_apart_they_did_together(one: Figures, other: Figures) -> None:
    """Without returns, whose floor is at nobody: whose acts came first makes no difference."""
    one, other = (replace(piece, returned=0, expected=Decimal(0)) for piece in (one, other))
    both = Figures(**{name: getattr(one, name) + getattr(other, name) for name in Figures.__dataclass_fields__})
    assert policy.score(both).points == policy.score(one).points + policy.score(other).points


def test_nobody_compared_has_no_uplift() -> None:
    assert policy.uplift(Figures(readers=5)) is None


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(sorted(available_timezones() - {"localtime"})))
def test_a_days_instants_are_near_its_noon(day: date, zone: str) -> None:
    noon = policy.noon(day)
    for outside in (noon - policy.FURTHEST, noon + policy.FURTHEST):
        assert outside.astimezone(ZoneInfo(zone)).date() != day


def test_weeks_are_whole_and_none_is_left_out() -> None:
    # 2026-12-31 is a Thursday: its week belongs to 2026, and the next begins on 4 January.
    found = policy.weeks(date(2026, 12, 24), date(2027, 1, 4), {date(2026, 12, 28): (3, 2)})
    assert [(week.name, week.value, week.promotion) for week in found] == [
        ("2026-W52", 0, 0),
        ("2026-W53", 3, 2),
        ("2027-W01", 0, 0),
    ]
    assert [policy.ratio(week.value, week.promotion) for week in found] == [None, 1.5, None]


@given(st.dates(date(2000, 1, 10), date(2199, 1, 1)), st.integers(0, 366))
def test_every_day_is_in_one_of_the_weeks(since: date, length: int) -> None:
    until = since + timedelta(days=length)
    days = {week.begins_on + timedelta(days=number) for week in policy.weeks(since, until, {}) for number in range(7)}
    assert {since + timedelta(days=number) for number in range(length + 1)} <= days
