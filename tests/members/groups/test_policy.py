"""Seats and names: capacities hold, a group opens only when all are full, a name stays a name."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from members.groups import policy
from members.groups.policy import Room

rooms = st.lists(
    st.tuples(st.none() | st.integers(1, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=6
).map(
    lambda drawn: [
        Room(place + 1, capacity, members if capacity is None else min(members, capacity), opened)
        for place, (capacity, members, opened) in enumerate(drawn)
    ]
)


@given(rooms, st.lists(st.integers(1, 6), max_size=30))
def test_seating_keeps_capacities_and_opens_only_when_all_are_full(series: list[Room], wanted: list[int]) -> None:
    wanted = [min(ordinal, len(series)) for ordinal in wanted]
    landing = policy.fill(series, wanted)
    came = Counter(landing.ordinals.values())
    capacity = series[-1].capacity
    for room in series:
        assert room.open or not came[room.ordinal]
        assert room.capacity is None or room.members + came[room.ordinal] <= room.capacity or not came[room.ordinal]
    assert all(capacity is None or 0 < came[ordinal] <= capacity for ordinal in landing.opened)
    assert landing.opened == list(range(len(series) + 1, len(series) + 1 + len(landing.opened)))
    if landing.opened:
        full = [r for r in series if r.open and (r.capacity is None or r.members + came[r.ordinal] < r.capacity)]
        assert not full, "somewhere was room"
    assert len(landing.ordinals) == (len(wanted) if any(room.open for room in series) else 0)
    for place, ordinal in enumerate(wanted):
        if landing.ordinals.get(place) not in {None, ordinal}:
            room = series[ordinal - 1]
            assert not room.open or (room.capacity is not None and room.members + came[ordinal] >= room.capacity)


@given(
    st.dictionaries(st.sampled_from(["zh", "en"]), st.text(min_size=1, max_size=200), min_size=1), st.integers(2, 9999)
)
def test_names_stay_names(name: dict[str, str], ordinal: int) -> None:
    given_ = policy.numbered(name, ordinal)
    assert given_.keys() == name.keys()
    assert all(len(text) <= policy.LONGEST_NAME and text.endswith(f" {ordinal}") for text in given_.values())
