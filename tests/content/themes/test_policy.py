"""Shares of themes."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from content.themes.policy import WHOLE, distance, mix, share_left

names = st.integers(0, 6).map(lambda n: UUID(int=n + 1))
counted = st.dictionaries(st.one_of(st.none(), names), st.integers(0, 1000), max_size=7)


@st.composite
def targets(draw: st.DrawFn) -> dict[UUID, int]:
    left, found = WHOLE, {}
    for name in draw(st.lists(names, unique=True, max_size=6)):
        found[name] = draw(st.integers(0, left))
        left -= found[name]
    return found


@given(targets(), counted)
def test_shares_are_of_the_whole_and_name_every_theme(wanted: dict[UUID, int], counts: dict[UUID | None, int]) -> None:
    shares = mix(wanted, counts)
    total = sum(counts.values())
    assert abs(sum(one.share for one in shares) - (WHOLE if total else 0)) < 0.1
    assert {one.theme_id for one in shares} == {*wanted, *counts}
    assert [one.gap for one in shares] == sorted(one.gap for one in shares)
    assert 0 <= distance(shares) <= WHOLE


@given(targets())
def test_what_is_said_as_planned_misses_nothing(wanted: dict[UUID, int]) -> None:
    free: dict[UUID | None, int] = {None: WHOLE - sum(wanted.values())}
    assert distance(mix(wanted, {**wanted, **free})) == 0


def test_what_misses_and_what_is_left() -> None:
    words, news = UUID(int=1), UUID(int=2)
    shares = mix({words: 60, news: 40}, {words: 1, news: 3})
    assert [(one.theme_id, one.share, one.gap) for one in shares] == [(words, 25.0, -35.0), (news, 75.0, 35.0)]
    assert distance(shares) == 35.0
    assert (share_left(60, 40), share_left(60, 41)) == (None, 40)
