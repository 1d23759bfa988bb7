"""Cursors: what was given out comes back whole, and nothing else is taken."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Problem
from chassis.pagination import Cursors

CURSORS = Cursors("a secret")
VALUES = st.lists(st.one_of(st.text(max_size=20), st.integers(-(2**53), 2**53), st.none()), max_size=4)


@given(VALUES, st.text(max_size=20))
def test_a_cursor_comes_back_as_it_went_out(values: list[object], scope: str) -> None:
    assert CURSORS.decode(scope, CURSORS.encode(scope, *values)) == values


@given(VALUES, st.integers(min_value=0))
def test_a_changed_cursor_is_refused(values: list[object], place: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSORS.encode("list", *values) + "==="))
    raw[place % len(raw)] ^= 1
    with pytest.raises(Problem) as refused:
        CURSORS.decode("list", base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())
    assert refused.value.status_code == 422


@given(st.text(max_size=50))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        CURSORS.decode("list", text)


def test_a_cursor_is_good_for_its_own_list_and_installation_only() -> None:
    cursor = CURSORS.encode("posts:tenant-a", 1)
    for cursors, scope in ((CURSORS, "posts:tenant-b"), (Cursors("another secret"), "posts:tenant-a")):
        with pytest.raises(Problem):
            cursors.decode(scope, cursor)
    assert CURSORS.decode("posts:tenant-a", None) is None
